"""OpenTimelineIO itself: nothing is lost, and nothing but our own track is ever written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hitpoint.timeline.formats.base import Loss, traits
from hitpoint.timeline.formats.sheet import Sheet
from hitpoint.timeline.formats.to_otio import otio_text


@dataclass(frozen=True, slots=True)
class Native:
    """`.otio`, `.otioz`, `.otiod`: read by the timeline code itself, so there is no `read` here."""

    name: str
    suffixes: tuple[str, ...]
    native: bool = True
    text: bool = True

    def read(self, data: bytes) -> Sheet:
        """Never called: a native timeline is not converted."""
        raise NotImplementedError(self.name)

    def write(self, sheet: Sheet, out: Path) -> bytes:
        """The sheet as OpenTimelineIO text."""
        return otio_text(sheet, out.parent).encode("utf-8")

    def losses(self, sheet: Sheet) -> tuple[Loss, ...]:
        """Even what a sheet cannot hold stays in the text, but no program plays what is in our metadata."""
        return tuple(
            Loss(trait, where, "it is kept for Hitpoint, and other programs play the music without it")
            for trait, where in traits(sheet)
            if trait == "volume automation"
        )


OTIO = Native("OpenTimelineIO", (".otio",))
OTIOZ = Native("OpenTimelineIO bundle", (".otioz",))
OTIOD = Native("OpenTimelineIO folder", (".otiod",))
