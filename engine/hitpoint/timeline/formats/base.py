"""What every format offers, and the one list of what a timeline can have that a format may lose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from hitpoint.timeline.formats.levels import Level, levels_of, with_levels
from hitpoint.timeline.formats.sheet import Fade, Lane, Media, Piece, Sheet

TRAITS = {
    "speed": "plays at another speed",
    "reverse": "is played backwards",
    "freeze": "is a freeze frame",
    "ramp": "changes its speed",
    "transition": "has a transition",
    "disabled": "is switched off",
    "nest": "is a nested sequence",
    "clip marker": "has markers",
    "timeline marker": "has markers of its own",
    "marker colour": "has coloured markers",
    "marker comment": "has comments on markers",
    "track name": "is named",
    "second video track": "lies above the first video track",
    "audio track": "is an audio track",
    "start timecode": "has a start timecode",
    "media start timecode": "has media with a start timecode",
    "media length": "says how long its media is",
    "generator": "is made by the editor (a generator)",
    "images": "is a sequence of images",
    "offline": "has no media",
    "uneven edge": "does not begin and end on whole frames",
    "awkward name": "has a name that the format cannot hold",
    "effect": "has effects",
    "volume automation": "has volume automation",
    "metadata": "has data of another program",
    "other media": "has more than one media file",
    "unknown part": "has a part that is not known",
    "other sequence": "stands beside it",
    "not gathered": "is not in the bundle",
    "rate": "has a frame rate that the format does not know",
    "sample rate": "is cut more finely than in frames",
}
"""What a timeline, or a part of it, can have or be. Formats name those that they keep."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that will not be in the file that is written. `trait` is a key of `TRAITS`."""

    trait: str
    where: str  # which clip or track
    note: str = ""  # what becomes of it instead

    @property
    def sentence(self) -> str:
        """In plain words."""
        text = f"{self.where} {TRAITS[self.trait]}"
        return f"{text}: {self.note}." if self.note else f"{text}; this is lost."


class Format(Protocol):
    """A file format. `read` and `write` run in the guarded child only; bytes there are untrusted."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of its files, lower case; the first is the usual one."""
        ...

    @property
    def native(self) -> bool:
        """Whether it is OpenTimelineIO's own, in which nothing is ever lost and nothing re-written."""
        ...

    @property
    def text(self) -> bool:
        """Whether it is text (XML or lines) that the first look can check."""
        ...

    def read(self, data: bytes) -> Sheet:
        """The timeline. Raises TimelineError."""
        ...

    def write(self, sheet: Sheet, out: Path) -> bytes:
        """The file that will lie at `out`. Raises TimelineError for what the format cannot say at all."""
        ...

    def losses(self, sheet: Sheet) -> tuple[Loss, ...]:
        """What `write` will lose of `sheet`; everything it does not keep is in here."""
        ...


def automates(target: Format) -> bool:
    """Whether volume automation of our music is heard by those who open a file of this format."""
    cue = with_levels("{}", [Level(Fraction(0), -1.0)])
    lane = Lane("Audio", (Piece(Fraction(1), "", Media("file"), cue=cue),))
    lost = target.losses(Sheet("", Fraction(25), (lane,)))
    return not any(loss.trait == "volume automation" for loss in lost)


def missing_traits(sheet: Sheet, keeps: frozenset[str], notes: dict[str, str]) -> tuple[Loss, ...]:
    """All traits of `sheet` that are not kept; `notes` say what becomes of them."""
    found = dict.fromkeys([*traits(sheet), *((extra.trait, extra.where) for extra in sheet.extras)])
    return tuple(Loss(trait, where, notes.get(trait, "")) for trait, where in found if trait not in keeps)


def traits(sheet: Sheet) -> Iterator[tuple[str, str]]:
    """Every trait with the part that has it."""
    whole = f"The timeline {sheet.name!r}"
    if sheet.start:
        yield "start timecode", whole
    if sheet.marks:
        yield "timeline marker", whole
    if any(mark.colour for mark in sheet.marks):
        yield "marker colour", whole
    if any(mark.comment and mark.comment != mark.name for mark in sheet.marks):
        yield "marker comment", whole
    yield from _lane_traits(sheet.lanes, sheet.rate)


def _lane_traits(lanes: tuple[Lane, ...], rate: Fraction) -> Iterator[tuple[str, str]]:
    pictures = sounds = 0
    for lane in lanes:
        pictures += lane.kind == "Video"
        sounds += lane.kind == "Audio"
        number = pictures if lane.kind == "Video" else sounds
        where = f"{lane.kind} track {number}" + (f" ({lane.name})" if lane.name else "")
        if lane.name and not is_plain_name(lane.name, lane.kind, number):
            yield "track name", where
        if lane.kind == "Audio" and any(not piece.is_gap for _, piece in lane.placed()):
            yield "audio track", where
        if lane.kind == "Video" and number > 1:
            yield "second video track", where
        if not lane.enabled:
            yield "disabled", where
        for at, fade in lane.fades():
            yield from _fade_traits(at, fade, where)
        for at, piece in lane.placed():
            yield from _piece_traits(at, piece, rate, where)


def _fade_traits(at: Fraction, fade: Fade, where: str) -> Iterator[tuple[str, str]]:
    yield "transition", f"{where} at {float(at):.2f} s"


def _piece_traits(at: Fraction, piece: Piece, rate: Fraction, where: str) -> Iterator[tuple[str, str]]:
    if (at * rate).denominator != 1 or ((at + piece.duration) * rate).denominator != 1:
        yield "uneven edge", f"Clip {piece.name!r} on {where}"
    if piece.is_gap:
        return
    clip = f"Clip {piece.name!r} at {float(at):.2f} s on {where}"
    if piece.speed == 0:
        yield "freeze", clip
    elif piece.speed < 0:
        yield "reverse", clip
    if piece.speed not in (0, 1, -1):
        yield "speed", clip
    if not piece.enabled:
        yield "disabled", clip
    if levels_of(piece.cue):
        yield "volume automation", clip
    if piece.marks:
        yield "clip marker", clip
    if any(mark.colour for mark in piece.marks):
        yield "marker colour", clip
    if any(mark.comment and mark.comment != mark.name for mark in piece.marks):
        yield "marker comment", clip
    if (piece.start * rate).denominator != 1:
        yield "uneven edge", clip
    if piece.lanes:
        yield "nest", clip
        yield from _lane_traits(piece.lanes, rate)
    if piece.media is not None:
        yield from _media_traits(piece, clip)


def _media_traits(piece: Piece, clip: str) -> Iterator[tuple[str, str]]:
    media = piece.media
    assert media is not None
    if media.kind != "file":
        yield {"missing": "offline"}.get(media.kind, media.kind), clip
    if media.start:
        yield "media start timecode", clip
    if media.duration is not None:
        yield "media length", clip


def is_plain_name(name: str, kind: str, number: int) -> bool:
    """Whether a track is called what editors call it by themselves: V1, Video 1, A1, Audio 1."""
    return re.fullmatch(rf"({kind}|{kind[0]})[ _-]?{number}", name, re.IGNORECASE) is not None
