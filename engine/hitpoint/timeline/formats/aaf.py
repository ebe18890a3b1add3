"""AAF, the format of Avid and Pro Tools, as far as OpenTimelineIO's adapter carries it.

Sound, cuts, names and timecode come through; transitions, speeds and markers do not.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from hitpoint.errors import TimelineError
from hitpoint.timeline.formats.adapters import first_timeline
from hitpoint.timeline.formats.base import Loss, missing_traits
from hitpoint.timeline.formats.nests import unnested
from hitpoint.timeline.formats.sheet import Fade, Lane, Media, Piece, Sheet
from hitpoint.timeline.formats.to_otio import otio_text
from hitpoint.timeline.guard import ask_child

_KEEPS = frozenset(["second video track", "audio track", "start timecode", "media start timecode",
                    "media length"])  # fmt: skip
_NOTES = {
    "transition": "it becomes a cut",
    "speed": "it is played at normal speed",
    "freeze": "it is played at normal speed",
    "reverse": "it is played forwards",
    "nest": "its clips are laid out in the timeline itself",
    "clip marker": "markers are not written",
    "timeline marker": "markers are not written",
    "disabled": "it is left out",
}
_WRITER = Path(__file__).with_name("aaf_child.py")


@dataclass(frozen=True, slots=True)
class Aaf:
    """Advanced Authoring Format."""

    name: str = "AAF"
    suffixes: tuple[str, ...] = (".aaf",)
    native: bool = False
    text: bool = False

    def read(self, data: bytes) -> Sheet:
        """The first composition. In the guarded child only, which has a temporary folder of its own."""
        import opentimelineio as otio

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "in.aaf")
            path.write_bytes(data)
            return first_timeline(otio.adapters.read_from_file(str(path), adapter_name="AAF"))

    def write(self, sheet: Sheet, out: Path) -> bytes:
        """In a child of its own. Raises TimelineError."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "out.aaf")
            answer = ask_child(_WRITER, [str(path)], otio_text(_plain(sheet)).encode("utf-8"))
            if answer.get("fault") or not path.is_file():
                raise TimelineError(
                    f"The AAF library cannot write this timeline: {answer.get('fault')}.",
                    "Choose another format: Avid reads EDL, and the sound has its timecode in it.",
                )
            return path.read_bytes()

    def losses(self, sheet: Sheet) -> tuple[Loss, ...]:
        """What the adapter leaves out."""
        return missing_traits(sheet, _KEEPS, _NOTES)


def _plain(sheet: Sheet) -> Sheet:
    """Cuts at normal speed only: all that the adapter writes without failing."""
    flat = unnested(sheet)
    return replace(flat, marks=(), lanes=tuple(_plain_lane(lane) for lane in flat.lanes if lane.duration))


def _plain_lane(lane: Lane) -> Lane:
    pieces = [_plain_piece(p, lane) for p in lane.pieces if not isinstance(p, Fade)]
    return replace(lane, pieces=tuple(pieces), enabled=True)


def _plain_piece(piece: Piece, lane: Lane) -> Piece:
    if piece.is_gap or not (piece.enabled and lane.enabled):
        return Piece(piece.duration)
    media = piece.media or Media("missing")
    end = piece.start + piece.duration
    if media.kind != "file" or media.duration is None or end > media.start + media.duration:
        media = replace(media, duration=max(end - media.start, media.duration or end - media.start))
    return replace(piece, media=media, speed=piece.speed * 0 + 1, marks=(), cue="")


AAF = Aaf()
