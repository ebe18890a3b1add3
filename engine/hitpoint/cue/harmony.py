"""Functional harmony: Roman numerals to chords, and voicings that move as little as they can."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from hitpoint.cue.plan import Chord

MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10)

_DEGREES = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
_NUMERAL = re.compile(r"(b?)([iv]+|[IV]+)(maj7|7|6|sus|dim|add9)?(?:/([35]))?")
_INTERVALS = {
    (True, ""): (0, 4, 7), (False, ""): (0, 3, 7),
    (True, "7"): (0, 4, 7, 10), (False, "7"): (0, 3, 7, 10),
    (True, "maj7"): (0, 4, 7, 11), (False, "maj7"): (0, 3, 7, 11),
    (True, "6"): (0, 4, 7, 9), (False, "6"): (0, 3, 7, 9),
    (True, "sus"): (0, 5, 7), (False, "sus"): (0, 5, 7),
    (True, "add9"): (0, 2, 4, 7), (False, "add9"): (0, 2, 3, 7),
    (False, "dim"): (0, 3, 6),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Harmony:
    """A chord without a time: pitch classes (0 = C) that sound, root first, and the one in the bass."""

    root: int
    pitch_classes: tuple[int, ...]
    bass: int

    def at(self, start: float) -> Chord:
        """The same chord from `start` (seconds) on."""
        return Chord(start, self.root, self.pitch_classes, self.bass)


def harmony(numeral: str, tonic: int) -> Harmony:
    """The chord of a Roman numeral such as `bVII`, `ii7`, `IVmaj7`, `V/3` above the tonic (0 to 11).

    Degrees are those of the major scale; minor keys flatten with `b`. Upper case has a major third.
    Raises `ValueError` for anything else.
    """
    match = _NUMERAL.fullmatch(numeral)
    if match is None or match[2].lower() not in _DEGREES:
        raise ValueError(f"not a Roman numeral: {numeral!r}")
    flat, degree, suffix, inversion = match[1], match[2], match[3] or "", match[4]
    intervals = _INTERVALS.get((degree.isupper(), suffix))
    if intervals is None:
        raise ValueError(f"no such chord: {numeral!r}")
    root = (tonic + _DEGREES[degree.lower()] - len(flat)) % 12
    pitches = tuple((root + interval) % 12 for interval in intervals)
    bass = root if inversion is None else pitches[1 if inversion == "3" else intervals.index(7)]
    return Harmony(root, pitches, bass)


def progression(numerals: str, tonic: int) -> tuple[Harmony, ...]:
    """The chords of a line such as `"I V vi IV"`."""
    return tuple(harmony(numeral, tonic) for numeral in numerals.split())


def scale(tonic: int, minor: bool) -> tuple[int, ...]:
    """The seven pitch classes of the key (natural minor)."""
    return tuple((tonic + step) % 12 for step in (MINOR_SCALE if minor else MAJOR_SCALE))


def voicing(
    pitch_classes: tuple[int, ...], before: tuple[int, ...] | None, low: int, high: int
) -> tuple[int, ...]:
    """MIDI notes, ascending, one per pitch class, within `low` to `high` (at least an octave apart).

    Of all close and open positions it takes the one whose voices move least from `before`; without
    one, the position nearest the middle of the range. Spreads over a tenth are left out: they thin.
    """
    places = [
        [note for note in range(low, high + 1) if note % 12 == pitch] for pitch in sorted(set(pitch_classes))
    ]
    options = [tuple(sorted(notes)) for notes in itertools.product(*places)]
    options = [notes for notes in options if notes[-1] - notes[0] <= 16] or options
    if before is None:
        middle = (low + high) / 2
        return min(options, key=lambda notes: (abs(sum(notes) / len(notes) - middle), notes))
    return min(options, key=lambda notes: (_movement(before, notes), notes))


def _movement(before: tuple[int, ...], after: tuple[int, ...]) -> float:
    """Semitones that the voices move in all, each to its nearest neighbour; the top voice counts double."""
    down = sum(min(abs(note - other) for other in before) for note in after)
    up = sum(min(abs(note - other) for other in after) for note in before)
    return down + up + abs(after[-1] - before[-1])
