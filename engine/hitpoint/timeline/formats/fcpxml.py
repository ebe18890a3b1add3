"""FCPXML, what Final Cut Pro reads and saves: version 1.10 is written, 1.5 and later are read.

Times are rational numbers of seconds and stay exact. The first video lane is the primary storyline; other
lanes are connected to it, as storylines of their own where they have transitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hitpoint.timeline.formats.base import Loss, missing_traits
from hitpoint.timeline.formats.fcpxml_read import read_fcpxml
from hitpoint.timeline.formats.fcpxml_write import write_fcpxml
from hitpoint.timeline.formats.sheet import Sheet

_KEEPS = frozenset(
    ["speed", "reverse", "freeze", "transition", "disabled", "nest", "clip marker", "marker comment",
     "second video track", "audio track", "start timecode", "media start timecode", "media length",
     "uneven edge", "volume automation"]
)  # fmt: skip
_NOTES = {
    "timeline marker": "they become markers of the clip that lies there",
    "track name": "Final Cut has lanes without names",
    "marker colour": "Final Cut has one colour of markers",
    "generator": "it is written as a gap",
    "images": "it is written as a gap",
    "offline": "it is written as a gap",
    "ramp": "it is written at constant speed",
}


@dataclass(frozen=True, slots=True)
class Fcpxml:
    """The format of Final Cut Pro X and later."""

    name: str = "FCPXML"
    suffixes: tuple[str, ...] = (".fcpxml", ".fcpxmld")
    native: bool = False
    text: bool = True

    def read(self, data: bytes) -> Sheet:
        """The first project in the file. Raises TimelineError."""
        return read_fcpxml(data)

    def write(self, sheet: Sheet, out: Path) -> bytes:
        """A library with one event and one project."""
        return write_fcpxml(sheet)

    def losses(self, sheet: Sheet) -> tuple[Loss, ...]:
        """What Final Cut has no word for."""
        return missing_traits(sheet, _KEEPS, _NOTES)


FCPXML = Fcpxml()
