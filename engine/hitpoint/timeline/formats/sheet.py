"""What editors agree on: lanes of pieces with exact times. Between OpenTimelineIO and every other format.

All times are seconds. A piece's `start`, and the marks on it, are in the time of its media, whose first
frame is at `Media.start` (its start timecode).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

LaneKind = Literal["Video", "Audio"]
MediaKind = Literal["file", "missing", "generator", "images"]
OUR_LANE = "Hitpoint"


@dataclass(frozen=True, slots=True)
class Mark:
    """A marker. `colour` is one of OpenTimelineIO's names, or empty."""

    start: Fraction
    name: str = ""
    comment: str = ""
    colour: str = ""
    duration: Fraction = Fraction(0)
    data: str = ""  # what we know of it, as JSON


@dataclass(frozen=True, slots=True)
class Media:
    """What a piece shows. `target` is an absolute path if the file is here, else what the timeline said."""

    kind: MediaKind
    target: str = ""
    name: str = ""
    start: Fraction = Fraction(0)
    duration: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A clip, a nest of lanes, or (with neither media nor lanes) a gap; `duration` long on its lane.

    At `speed` 0 it stands still on `start`; below 0 it plays the stretch from `start` on from its end.
    """

    duration: Fraction
    name: str = ""
    media: Media | None = None
    lanes: tuple[Lane, ...] = ()
    start: Fraction = Fraction(0)
    speed: Fraction = Fraction(1)
    enabled: bool = True
    marks: tuple[Mark, ...] = ()
    cue: str = ""  # what we know of our own music, as JSON; empty for what is not ours

    @property
    def is_gap(self) -> bool:
        """Nothing is seen or heard."""
        return self.media is None and not self.lanes

    @property
    def used(self) -> Fraction:
        """Seconds of its media that it shows."""
        return self.duration * abs(self.speed)


@dataclass(frozen=True, slots=True)
class Fade:
    """A transition at the cut between its neighbours: so long before it, so long after it."""

    before: Fraction
    after: Fraction
    name: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """A track. Video lanes come from the lowest up, then audio lanes."""

    kind: LaneKind
    pieces: tuple[Piece | Fade, ...]
    name: str = ""
    enabled: bool = True

    @property
    def duration(self) -> Fraction:
        """Seconds from its beginning to the end of its last piece."""
        return sum((p.duration for p in self.pieces if isinstance(p, Piece)), Fraction(0))

    def placed(self) -> Iterator[tuple[Fraction, Piece]]:
        """Its pieces, gaps too, each with where it begins."""
        at = Fraction(0)
        for piece in self.pieces:
            if isinstance(piece, Piece):
                yield at, piece
                at += piece.duration

    def fades(self) -> Iterator[tuple[Fraction, Fade]]:
        """Its transitions, each with the time of its cut."""
        at = Fraction(0)
        for piece in self.pieces:
            if isinstance(piece, Piece):
                at += piece.duration
            else:
                yield at, piece

    @property
    def is_ours(self) -> bool:
        """Whether it holds our music and nothing else."""
        clips = [piece for _, piece in self.placed() if not piece.is_gap]
        return bool(clips) and all(piece.cue for piece in clips)


@dataclass(frozen=True, slots=True)
class Extra:
    """Something that a sheet cannot hold: which trait of a timeline it is, and where."""

    trait: str
    where: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A timeline. `start` is its start timecode; `size` of the picture in pixels, if known."""

    name: str
    rate: Fraction
    lanes: tuple[Lane, ...]
    start: Fraction = Fraction(0)
    drop_frame: bool = False
    marks: tuple[Mark, ...] = ()
    size: tuple[int, int] | None = None
    extras: tuple[Extra, ...] = ()

    @property
    def duration(self) -> Fraction:
        """Seconds."""
        return max((lane.duration for lane in self.lanes), default=Fraction(0))

    def of_kind(self, kind: LaneKind) -> tuple[Lane, ...]:
        """The lanes for picture, or those for sound."""
        return tuple(lane for lane in self.lanes if lane.kind == kind)

    @property
    def sound_with_picture(self) -> bool:
        """Whether picture clips bring their own sound: no audio lane of the user's does it for them."""
        users = [lane for lane in self.of_kind("Audio") if not lane.is_ours]
        return not any(piece.media for lane in users for _, piece in lane.placed())


def gap(duration: Fraction) -> Piece:
    """Nothing, for so long."""
    return Piece(duration)


def joined(kind: LaneKind, parts: list[tuple[Fraction, Piece]], name: str = "") -> Lane:
    """A lane of pieces at given times, with gaps between them; what would overlap begins later."""
    pieces: list[Piece | Fade] = []
    end = Fraction(0)
    for at, piece in sorted(parts, key=lambda part: part[0]):
        if at > end:
            pieces.append(gap(at - end))
        pieces.append(piece)
        end = max(at, end) + piece.duration
    return Lane(kind, tuple(pieces), name)
