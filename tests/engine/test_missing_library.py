"""Where the system lacks what a library links, the user hears which and what to do, and sees no traceback."""

import os
import subprocess
from pathlib import Path

import pytest

from hitpoint import children

FAULT = "libGL.so.1: cannot open shared object file: No such file or directory"


@pytest.fixture
def server(tmp_path: Path) -> dict[str, str]:
    """An environment whose OpenCV fails as it does on a machine without a desktop."""
    (tmp_path / "cv2.py").write_text(f"raise ImportError({FAULT!r})")
    return os.environ | {"PYTHONPATH": str(tmp_path)}


def hitpoint(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = children.module("hitpoint", *arguments)
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_library_that_does_not_load_is_named(server: dict[str, str], tmp_path: Path) -> None:
    done = hitpoint(server, "demo", "-o", str(tmp_path / "demo"))
    assert done.returncode == 1
    assert FAULT in done.stderr
    assert "hitpoint doctor" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_says_what_to_install(server: dict[str, str]) -> None:
    done = hitpoint(server, "doctor")
    assert done.returncode == 1
    assert "apt-get install libgl1 libglib2.0-0" in " ".join(done.stdout.split())
