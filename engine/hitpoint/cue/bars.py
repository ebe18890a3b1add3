"""The bars of a plan, step by step: where sixteenths stand, swung, and what sounds there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.plan import Chord, CuePlan, Section
from hitpoint.cue.styles import style_row


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: `steps` are its sixteenths (eighths' halves in 6/8) and the next bar's first, in seconds."""

    number: int
    steps: NDArray[np.float64]
    section: Section
    in_section: int  # bars since the section began
    bars_left: int  # bars to the next section, 1 in its last bar
    next_kind: str

    @property
    def start(self) -> float:
        """Seconds."""
        return float(self.steps[0])

    @property
    def stop(self) -> float:
        """Seconds; where the next bar starts."""
        return float(self.steps[-1])

    @property
    def size(self) -> int:
        """Steps in the bar."""
        return len(self.steps) - 1


def lay_bars(plan: CuePlan) -> tuple[Bar, ...]:
    """The bars up to the plan's end, off-beats swung as the style has it; the pick-up before the first
    downbeat is no bar."""
    row = style_row(plan.style)
    beats = np.array(plan.beats)
    period = float(np.median(np.diff(beats)))
    beats = np.concatenate((beats, beats[-1] + period * np.arange(1, 9)))
    per_beat = 2 if plan.beats_per_bar == 6 else 4
    starts = [time for time in plan.downbeats if time < plan.end - 0.05]
    edges = [section.start for section in plan.sections]
    owner = [max(0, bisect_right(edges, time + 1e-6) - 1) for time in starts]
    bars: list[Bar] = []
    for number, (time, mine) in enumerate(zip(starts, owner, strict=True)):
        first = int(np.argmin(np.abs(beats - time)))
        marks = beats[first : first + plan.beats_per_bar + 1]
        steps = np.interp(
            np.arange(plan.beats_per_bar * per_beat + 1) / per_beat, np.arange(len(marks)), marks
        )
        _swing(steps, row.swing, row.swing_unit if per_beat == 4 else 0)
        since, left = number - owner.index(mine), bisect_right(owner, mine) - number
        following = plan.sections[mine + 1].kind if mine + 1 < len(plan.sections) else "ending"
        bars.append(Bar(number, steps, plan.sections[mine], since, left, following))
    return tuple(bars)


def _swing(steps: NDArray[np.float64], amount: float, unit: int) -> None:
    """Delay the second of every pair of eighths or sixteenths, in place."""
    if unit == 16:
        steps[1::2] += amount * np.diff(steps)[::2][: len(steps[1::2])]
    elif unit == 8:
        width = np.diff(steps)[0] * 2
        steps[2:-1:4] += amount * width
        steps[1:-1:4] += 0.5 * amount * width
        steps[3:-1:4] += 0.5 * amount * width


def steps_of(pattern: str) -> Iterator[tuple[int, int, str]]:
    """(step, length in steps, character) of every note in a pattern: `-` holds it, `.` is silent."""
    for step, sign in enumerate(pattern):
        if sign not in ".-":
            length = 1
            while step + length < len(pattern) and pattern[step + length] == "-":
                length += 1
            yield step, length, sign


def chord_at(plan: CuePlan, time: float) -> Chord:
    """The chord that sounds at a time."""
    return plan.chords[max(0, bisect_right(plan.chords, time + 1e-6, key=_start) - 1)]


def chord_stop(plan: CuePlan, time: float) -> float:
    """When the chord that sounds at a time gives way to another."""
    after = bisect_right(plan.chords, time + 1e-6, key=_start)
    return plan.chords[after].start if after < len(plan.chords) else plan.duration


def _start(chord: Chord) -> float:
    return chord.start
