"""Puts a script into an editor's folder and takes exactly that away again; nothing goes into its Python.

What was written is recorded with its hash before it is written, so that a killed installation can still be
removed, and a file that somebody has changed since is known.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from hitpoint.errors import ConflictError, OutputError
from hitpoint.files import content_of, sha256_of, write_atomic
from hitpoint_plugin.connect.places import (
    SCRIPTS,
    TITLES,
    HostName,
    Machine,
    link_file,
    script_folders,
)

RECORD = "hosts.json"
"""In the state folder: what was installed where."""


@dataclass(frozen=True, slots=True)
class Installed:
    """Files of one host with the hashes that they may have, and folders that were made for them."""

    files: dict[str, list[str]]
    folders: list[str]


@dataclass(frozen=True, slots=True)
class Setting:
    """Where things are on this machine: the panel's state, and the folder for exports and sounds."""

    state: Path
    exchange: Path


def install(
    host: HostName,
    machine: Machine,
    setting: Setting,
    to: Path | None = None,
    *,
    force: bool = False,
) -> list[Path]:
    """Write the host's files and return their paths.

    Raises ConflictError where another file is in the way (with `force` it is replaced), UsageError if the
    host is not there, OutputError.
    """
    wanted = _wanted(host, machine, setting, to)
    before = recorded(setting.state).get(host, Installed({}, []))
    for path, data in wanted.items():
        if not force and (found := content_of(path)) not in (None, data):
            _refuse_foreign(path, found or b"", before)
    folders = _missing_folders(wanted)
    hashes = {str(path): [sha256_of(data)] for path, data in wanted.items()}
    merged = {
        path: [*hashes.get(path, []), *before.files.get(path, [])] for path in {**before.files, **hashes}
    }
    made = [*before.folders, *(str(each) for each in folders if str(each) not in before.folders)]
    _record(setting.state, host, Installed(merged, made))
    for path, data in wanted.items():
        _make_folder(path.parent)
        write_atomic(path, data)
    _record(setting.state, host, Installed({**before.files, **hashes}, made))
    return list(wanted)


def remove(host: HostName, state: Path, *, force: bool = False) -> list[Path]:
    """Take away what `install` wrote, and return the paths that went.

    Raises ConflictError if files were changed since (the others are gone by then): they stay, and stay
    recorded, unless `force`.
    """
    found = recorded(state).get(host, Installed({}, []))
    gone: list[Path] = []
    kept: dict[str, list[str]] = {}
    for name, hashes in found.files.items():
        path = Path(name)
        data = content_of(path)
        if data is None:
            continue
        if not force and sha256_of(data) not in hashes:
            kept[name] = hashes
            continue
        _delete(path)
        gone.append(path)
    _remove_empty(found.folders)
    folders = [name for name in found.folders if kept and Path(name).is_dir()]
    _record(state, host, Installed(kept, folders) if kept else None)
    if kept:
        raise ConflictError(
            f"Changed since it was installed, and kept: {', '.join(kept)}.",
            "Copy what you need from it, then remove it with --force.",
        )
    return gone


def recorded(state: Path) -> dict[str, Installed]:
    """What is installed, by host. A record that cannot be read counts as none."""
    try:
        loaded = json.loads((state / RECORD).read_text(encoding="utf-8"))
        return {
            str(host): Installed(
                {str(path): [str(each) for each in hashes] for path, hashes in found["files"].items()},
                [str(each) for each in found["folders"]],
            )
            for host, found in loaded.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def is_installed(host: HostName, state: Path) -> bool:
    """Whether every file of the host is still where it was put."""
    found = recorded(state).get(host)
    return found is not None and bool(found.files) and all(Path(path).is_file() for path in found.files)


def exchange_of(host: HostName, setting: Setting) -> Path:
    """The folder for files to and from a host."""
    return setting.exchange / TITLES[host]


def _wanted(host: HostName, machine: Machine, setting: Setting, to: Path | None) -> dict[Path, bytes]:
    """Every file of the host with its content."""
    exchange = exchange_of(host, setting)
    if host not in SCRIPTS:
        folder = exchange if to is None else to.absolute()
        return {folder / "HOW-TO.txt": _how_to(host, folder).encode("utf-8")}
    source, name = SCRIPTS[host]
    script = (files("hitpoint_plugin.connect") / "scripts" / source).read_bytes()
    settings = {"python": sys.executable, "link": str(link_file(setting.state)), "exchange": str(exchange)}
    facts = (json.dumps(settings, indent=1) + "\n").encode("utf-8")
    folders: Sequence[Path] = script_folders(host, machine) if to is None else (to.absolute(),)
    found: dict[Path, bytes] = {}
    for folder in folders:
        found[(folder / name).with_suffix(".json")] = facts
        found[folder / name] = script
    return found


def _how_to(host: HostName, folder: Path) -> str:
    page = (files("hitpoint_plugin.connect") / "scripts" / f"{host}.txt").read_text(encoding="utf-8")
    return page.replace("FOLDER", str(folder))


def _refuse_foreign(path: Path, data: bytes, before: Installed) -> None:
    if sha256_of(data) not in before.files.get(str(path), []):
        raise ConflictError(
            f"{path} is there already, and is not as Hitpoint installed it.",
            "Move it away, or replace it with --force.",
        )


def _missing_folders(wanted: dict[Path, bytes]) -> list[Path]:
    """Every folder that has to be made, outermost first."""
    missing = {each for path in wanted for each in (path.parent, *path.parent.parents) if not each.exists()}
    return sorted(missing, key=lambda each: len(each.parts))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError(f"The folder {folder} cannot be made: {why}.", "Name another with --to.") from error


def _delete(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError(f"{path} cannot be removed: {why}.", "Close the editor and try again.") from error


def _remove_empty(folders: Sequence[str]) -> None:
    for name in sorted(folders, key=len, reverse=True):
        with suppress(OSError):  # something else lies in it by now
            Path(name).rmdir()


def _record(state: Path, host: HostName, installed: Installed | None) -> None:
    everything = recorded(state)
    everything.pop(host, None)
    if installed is not None:
        everything[host] = installed
    data = {name: {"files": each.files, "folders": each.folders} for name, each in everything.items()}
    _make_folder(state)
    write_atomic(state / RECORD, (json.dumps(data, indent=1) + "\n").encode("utf-8"))
