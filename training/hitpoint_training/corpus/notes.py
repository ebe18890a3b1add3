"""Notes and the parts that play them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.plan import Chord, CuePlan, Section

Part = Literal["keys", "bass", "pad", "lead", "stab", "hit", "arp", "drums"]
PARTS: tuple[Part, ...] = ("keys", "bass", "pad", "lead", "stab", "hit", "arp", "drums")


@dataclass(frozen=True, slots=True)
class Note:
    """Seconds, a MIDI note number and a velocity (1 to 127)."""

    start: float
    duration: float
    pitch: int
    velocity: int
    part: Part

    @property
    def stop(self) -> float:
        """When the key is let go."""
        return self.start + self.duration


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


def lay_bars(plan: CuePlan, swing: float, swing_unit: int) -> tuple[Bar, ...]:
    """The bars up to the plan's end, the pick-up before the first downbeat as a bar of its own length
    left out; off-beats are swung."""
    beats = np.array(plan.beats)
    period = float(np.median(np.diff(beats)))
    beats = np.concatenate((beats, beats[-1] + period * np.arange(1, 9)))
    per_beat = 2 if plan.beats_per_bar == 6 else 4
    starts = [time for time in plan.downbeats if time < plan.end - 0.05]
    owner = [_section_of(plan, time) for time in starts]
    bars: list[Bar] = []
    for number, time in enumerate(starts):
        first = int(np.argmin(np.abs(beats - time)))
        marks = beats[first : first + plan.beats_per_bar + 1]
        steps = np.interp(
            np.arange(plan.beats_per_bar * per_beat + 1) / per_beat, np.arange(len(marks)), marks
        )
        _swing(steps, swing, swing_unit if per_beat == 4 else 0)
        mine = owner[number]
        left = sum(1 for other in owner[number:] if other == mine)
        following = plan.sections[mine + 1].kind if mine + 1 < len(plan.sections) else "ending"
        bars.append(Bar(number, steps, plan.sections[mine], number - owner.index(mine), left, following))
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


def _section_of(plan: CuePlan, time: float) -> int:
    """Index of the section at a time."""
    return max(i for i, section in enumerate(plan.sections) if i == 0 or section.start <= time + 1e-6)


def chord_at(plan: CuePlan, time: float) -> Chord:
    """The chord that sounds at a time."""
    starts = [chord.start for chord in plan.chords]
    return plan.chords[max(0, int(np.searchsorted(starts, time + 1e-6, side="right")) - 1)]


def chord_stop(plan: CuePlan, time: float) -> float:
    """When the chord that sounds at a time gives way to another."""
    return next((chord.start for chord in plan.chords if chord.start > time + 1e-6), plan.duration)
