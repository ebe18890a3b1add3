"""MLT XML as Shotcut saves it (melt renders the same file), and as Kdenlive does.

All times are whole frames of the profile; `in` and `out` (which is the last frame, not the one after it)
count from the first frame of the file, so that the start timecode of the media is subtracted. What is ours
is kept in properties called `hitpoint:...`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hitpoint.timeline.formats.base import Loss, missing_traits
from hitpoint.timeline.formats.kdenlive_write import write_kdenlive
from hitpoint.timeline.formats.mlt_read import read_mlt
from hitpoint.timeline.formats.mlt_write import write_shotcut
from hitpoint.timeline.formats.sheet import Fade, Piece, Sheet

_KEEPS = frozenset(
    ["speed", "reverse", "freeze", "transition", "disabled", "second video track", "audio track",
     "track name", "start timecode", "media start timecode", "media length", "timeline marker",
     "volume automation"]
)  # fmt: skip
_NOTES = {
    "nest": "its clips are laid out in the timeline itself",
    "uneven edge": "it is moved to the nearest frame",
    "generator": "it is written as black",
    "images": "it is written as black",
    "offline": "it is written as black",
    "effect": "effects are not written",
    "ramp": "it is written at constant speed",
}
_MLT_NOTES = _NOTES | {"clip marker": "they become markers of the timeline"}


@dataclass(frozen=True, slots=True)
class Mlt:
    """One of the two dialects."""

    name: str
    suffixes: tuple[str, ...]
    keeps: frozenset[str]
    notes: dict[str, str]
    native: bool = False
    text: bool = True
    kdenlive: bool = False

    def read(self, data: bytes) -> Sheet:
        """The timeline of a project. Raises TimelineError."""
        return read_mlt(data)

    def write(self, sheet: Sheet, out: Path) -> bytes:
        """A project that this editor opens and melt renders."""
        return write_kdenlive(sheet) if self.kdenlive else write_shotcut(sheet)

    def losses(self, sheet: Sheet) -> tuple[Loss, ...]:
        """Also transitions from and to nothing, which become cuts."""
        return missing_traits(sheet, self.keeps, self.notes) + tuple(_lonely_fades(sheet))


def _lonely_fades(sheet: Sheet) -> list[Loss]:
    found: list[Loss] = []
    for lane in sheet.lanes:
        for number, fade in enumerate(lane.pieces):
            if not isinstance(fade, Fade):
                continue
            sides = (*lane.pieces[max(0, number - 1) : number], *lane.pieces[number + 1 : number + 2])
            clips = [side for side in sides if isinstance(side, Piece) and not side.is_gap]
            if len(clips) < 2:
                where = f"{lane.kind} track {lane.name!r}"
                found.append(Loss("transition", where, "a fade from or to nothing becomes a cut"))
    return found


MLT = Mlt("MLT XML", (".mlt",), _KEEPS | {"marker colour"}, _MLT_NOTES)
KDENLIVE = Mlt("Kdenlive", (".kdenlive",), _KEEPS | {"clip marker", "marker colour"}, _NOTES, kdenlive=True)
