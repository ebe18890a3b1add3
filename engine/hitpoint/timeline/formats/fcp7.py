"""Final Cut Pro 7 XML (xmeml), which Premiere and DaVinci Resolve read and write.

It is read with OpenTimelineIO's adapter, corrected where that loses speed or takes markers for timecode.
Writing is done here: the adapter stops at sound that is not in frames, and drops speed, names and colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from hitpoint.errors import TimelineError
from hitpoint.timeline.formats.adapters import first_timeline
from hitpoint.timeline.formats.base import Loss, missing_traits
from hitpoint.timeline.formats.fcp7_fix import corrected, sequences_of
from hitpoint.timeline.formats.fcp7_levels import take_levels
from hitpoint.timeline.formats.fcp7_write import write_fcp7
from hitpoint.timeline.formats.firstlook import parsed_xml
from hitpoint.timeline.formats.sheet import Fade, Sheet

_KEEPS = frozenset(
    ["speed", "reverse", "freeze", "transition", "disabled", "clip marker", "timeline marker",
     "marker comment", "second video track", "audio track", "start timecode", "media start timecode",
     "media length", "track name", "volume automation"]
)  # fmt: skip
_NOTES = {
    "nest": "its clips are laid out in the timeline itself",
    "uneven edge": "it is moved to the nearest frame",
    "marker colour": "the format has no colours of markers",
    "ramp": "it is written at constant speed",
}


@dataclass(frozen=True, slots=True)
class Fcp7:
    """The interchange format of Final Cut Pro 7."""

    name: str = "Final Cut Pro 7 XML"
    suffixes: tuple[str, ...] = (".xml",)
    native: bool = False
    text: bool = True

    def read(self, data: bytes) -> Sheet:
        """The first sequence. Raises TimelineError."""
        root = parsed_xml(data, self.name, "xmeml")
        if root.find(".//sequence") is None:
            raise TimelineError("The file has clips but no sequence.", "Export the sequence itself.")
        for audio in root.iter("audio"):
            for track in [each for each in audio.findall("track") if each.get("hitpoint") == "mirror"]:
                audio.remove(track)
        take_levels(root)
        return first_timeline(sequences_of(root), corrected)

    def write(self, sheet: Sheet, out: Path) -> bytes:
        """One sequence."""
        return write_fcp7(sheet)

    def losses(self, sheet: Sheet) -> tuple[Loss, ...]:
        """What xmeml has no word for."""
        return missing_traits(sheet, _KEEPS, _NOTES) + tuple(
            Loss("transition", f"{lane.kind} track {lane.name!r} at {float(at):.2f} s", note)
            for lane in sheet.lanes
            for at, fade in lane.fades()
            if (note := _moved(fade, at, sheet.rate))
        )


def _moved(fade: Fade, at: Fraction, rate: Fraction) -> str:
    """What becomes of a transition at `at` that cannot stay where it is; empty if it can."""
    if fade.before > at:
        return "it begins with the timeline"
    uneven = fade.before and fade.after and abs(fade.before - fade.after) * rate >= 2
    return "it is centred on its cut" if uneven else ""


FCP7 = Fcp7()
