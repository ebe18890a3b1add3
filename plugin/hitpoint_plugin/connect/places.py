"""The editors, and the folders where they look for scripts, as their makers document them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import platformdirs

from hitpoint.errors import UsageError

HostName = Literal["resolve", "blender", "premiere", "fcp", "kdenlive", "shotcut", "avid"]
TITLES: dict[HostName, str] = {
    "resolve": "DaVinci Resolve",
    "blender": "Blender",
    "premiere": "Premiere Pro",
    "fcp": "Final Cut Pro",
    "kdenlive": "Kdenlive",
    "shotcut": "Shotcut",
    "avid": "Avid Media Composer",
}
SCRIPTS: dict[HostName, tuple[str, str]] = {
    "resolve": ("resolve.py", "Hitpoint.py"),
    "blender": ("blender.py", "hitpoint_blender.py"),
}
"""Of hosts that run scripts: the file in this package, and what it is called in the host's folder."""
_OLDEST_BLENDER = (3, 4)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the folders depend on; tests make other machines than the one they run on."""

    platform: str
    home: Path
    environment: Mapping[str, str]


def this_machine() -> Machine:
    """The one that this runs on."""
    return Machine(sys.platform, Path.home(), os.environ)


def host_named(name: str) -> HostName:
    """The host of that name. Raises UsageError."""
    hosts: tuple[HostName, ...] = get_args(HostName)
    for host in hosts:
        if host == name.lower():
            return host
    raise UsageError(f"There is no editor {name!r}.", f"Use one of: {', '.join(hosts)}.")


def state_folder() -> Path:
    """Where the panel keeps its session, and where it says how it can be reached."""
    return platformdirs.user_state_path("hitpoint", appauthor=False) / "panel"


def link_file(state: Path) -> Path:
    """Where a panel with that state folder says its port and token."""
    return state / "link.json"


def exchange_folder() -> Path:
    """Where exports of editors and the sounds for them lie: they must outlive every cache."""
    return platformdirs.user_documents_path() / "Hitpoint"


def script_folders(host: HostName, machine: Machine) -> tuple[Path, ...]:
    """This user's folders in which a host looks for scripts. Raises UsageError if the host is not there."""
    if host == "resolve":
        base = _resolve_base(machine)
        if base.is_dir():
            return (base / "Fusion" / "Scripts" / "Utility",)
        raise _absent(host, base)
    base = _blender_base(machine)
    versions = [path for path in base.iterdir() if _is_blender(path)] if base.is_dir() else []
    if versions:
        return tuple(path / "scripts" / "addons" for path in sorted(versions))
    raise _absent(host, base)


def _resolve_base(machine: Machine) -> Path:
    """Its scripting README; on Windows that README prints a path that is not the one which is read."""
    maker = Path("Blackmagic Design", "DaVinci Resolve")
    if machine.platform == "darwin":
        return machine.home / "Library" / "Application Support" / maker
    if machine.platform == "win32":
        return _roaming(machine) / maker / "Support"
    return _data(machine) / "DaVinciResolve"


def _blender_base(machine: Machine) -> Path:
    """The user folders of all versions (Blender manual, Blender's directory layout)."""
    if machine.platform == "darwin":
        return machine.home / "Library" / "Application Support" / "Blender"
    if machine.platform == "win32":
        return _roaming(machine) / "Blender Foundation" / "Blender"
    return Path(machine.environment.get("XDG_CONFIG_HOME") or machine.home / ".config") / "blender"


def _roaming(machine: Machine) -> Path:
    return Path(machine.environment.get("APPDATA") or machine.home / "AppData" / "Roaming")


def _data(machine: Machine) -> Path:
    return Path(machine.environment.get("XDG_DATA_HOME") or machine.home / ".local" / "share")


def _is_blender(path: Path) -> bool:
    found = re.fullmatch(r"(\d+)\.(\d+)", path.name)
    return found is not None and (int(found[1]), int(found[2])) >= _OLDEST_BLENDER and path.is_dir()


def _absent(host: HostName, base: Path) -> UsageError:
    return UsageError(
        f"{TITLES[host]} was not found: there is no {base}.",
        "Start it once so that it makes its folders, or name the folder for scripts with --to.",
    )
