"""All formats, and which of them a file name means."""

from __future__ import annotations

from pathlib import Path

from hitpoint.errors import UsageError
from hitpoint.timeline.formats.aaf import AAF
from hitpoint.timeline.formats.base import Format
from hitpoint.timeline.formats.edl import EDL
from hitpoint.timeline.formats.fcp7 import FCP7
from hitpoint.timeline.formats.fcpxml import FCPXML
from hitpoint.timeline.formats.mlt import KDENLIVE, MLT
from hitpoint.timeline.formats.native import OTIO, OTIOD, OTIOZ

FORMATS: tuple[Format, ...] = (OTIO, OTIOZ, OTIOD, FCP7, FCPXML, EDL, AAF, MLT, KDENLIVE)

_PROJECTS = {
    ".prproj": "a Premiere project", ".drp": "a DaVinci Resolve project", ".ale": "an Avid log",
    ".drt": "a DaVinci Resolve timeline", ".avp": "an Avid project", ".avb": "an Avid bin",
    ".veg": "a Vegas project", ".blend": "a Blender file", ".ove": "an Olive project",
    ".osp": "an OpenShot project", ".xges": "a Pitivi project", ".aep": "an After Effects project",
    ".nk": "a Nuke script",
}  # fmt: skip


def format_of(path: Path) -> Format | None:
    """The format of a timeline at `path`, by its ending; None if that is no timeline's."""
    suffix = path.suffix.lower()
    return next((found for found in FORMATS if suffix in found.suffixes), None)


def format_called(name: str) -> Format:
    """The format of that name. Raises KeyError."""
    return {found.name: found for found in FORMATS}[name]


def project_of(path: Path) -> str:
    """What kind of project nobody but its own program reads; empty for anything else."""
    return _PROJECTS.get(path.suffix.lower(), "")


def writable(path: Path) -> Format:
    """The format that `path` is to be written in. Raises UsageError."""
    found = format_of(path)
    if found is None:
        endings = ", ".join(each.suffixes[0] for each in FORMATS)
        raise UsageError(f"{path.name} is no name for a timeline.", f"Let it end in one of {endings}.")
    return found
