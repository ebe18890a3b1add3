"""Bring the two graphics libraries that mediapipe links against into a virtual environment.

usage: native_libs.py VENV [--always]

mediapipe's Linux wheel links libEGL and libGLESv2 even where it only computes on the CPU, and a Debian
machine without a desktop has neither. Where they are missing, Debian's own packages are unpacked into
VENV/lib/hitpoint-native, from where `hitpoint.motion.native` loads them: no root rights, nothing installed
into the system. Does nothing where the libraries are there (unless --always: a program is built there that
is to run elsewhere) or the machine is no Debian.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LIBRARIES = ("libGLdispatch.so.0", "libEGL.so.1", "libGLESv2.so.2")
PACKAGES = ("libglvnd0", "libegl1", "libgles2")


def missing() -> list[str]:
    """The libraries that the loader does not find."""
    absent: list[str] = []
    for name in LIBRARIES:
        try:
            ctypes.CDLL(name)
        except OSError:
            absent.append(name)
    return absent


def apt_options(state: Path) -> list[str]:
    """Let apt work as any user: its lists and cache live in `state`."""
    (state / "lists" / "partial").mkdir(parents=True)
    (state / "cache" / "archives" / "partial").mkdir(parents=True)
    return [
        f"-oDir::State::lists={state}/lists",
        f"-oDir::Cache={state}/cache",
        f"-oAPT::Sandbox::User={'root' if os.getuid() == 0 else ''}",
        "-qq",
    ]


def fetch(target: Path) -> None:
    """Download the packages and copy their shared objects to `target`."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        options = apt_options(state)
        subprocess.run(["apt-get", *options, "update"], check=True, cwd=state)
        subprocess.run(["apt-get", *options, "download", *PACKAGES], check=True, cwd=state)
        for package in state.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(state / "root")], check=True)
        target.mkdir(parents=True, exist_ok=True)
        for name in LIBRARIES:
            found = next((state / "root").rglob(name))
            shutil.copyfile(found, target / name)


def main() -> int:
    """Exit 0 unless the libraries are missing and cannot be had; then say what that means."""
    target = Path(sys.argv[1]) / "lib" / "hitpoint-native"
    needed = "--always" in sys.argv or missing()
    if not sys.platform.startswith("linux") or not needed or all((target / n).exists() for n in LIBRARIES):
        return 0
    try:
        fetch(target)
    except (OSError, subprocess.CalledProcessError, StopIteration):
        print(
            "Note: libEGL and libGLESv2 are missing and could not be fetched; movement will be read from "
            "optical flow instead of pose. On Debian: apt-get install libegl1 libgles2",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
