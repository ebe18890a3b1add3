"""The room that everything else leaves to the accents, so that a hit is heard as the hit."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from hitpoint.cue.plan import Accent

BEFORE, AFTER = 0.125, 0.085
"""Seconds that are kept free around an accent of full strength."""
_BREATH = 0.06  # seconds that held notes are cut short before a strong accent
_STRONG = 0.5


@dataclass(frozen=True, slots=True)
class Room:
    """The accents of a plan, ascending: where a note may start, and when it must be let go."""

    times: tuple[float, ...]
    strengths: tuple[float, ...]

    @classmethod
    def around(cls, accents: Sequence[Accent]) -> Room:
        """The room around these accents."""
        return cls(tuple(a.time for a in accents), tuple(a.strength for a in accents))

    def blurs(self, start: float) -> bool:
        """Whether a note starts so shortly before or after an accent that it blurs it."""
        index = bisect_left(self.times, start)
        after = index < len(self.times) and self.times[index] - start < BEFORE * self._width(index)
        before = index > 0 and start - self.times[index - 1] < AFTER * self._width(index - 1)
        return after or before

    def _width(self, index: int) -> float:
        return 1.0 if self.strengths[index] >= _STRONG else 0.55

    def nearest(self, start: float) -> float:
        """The accent nearest in time; there must be one."""
        index = bisect_left(self.times, start)
        return min(self.times[max(0, index - 1) : index + 1], key=lambda time: abs(time - start))

    def settled(self, start: float) -> float:
        """The time itself, or the accent that a note there would blur."""
        return self.nearest(start) if self.blurs(start) else start

    def release(self, start: float, stop: float) -> float:
        """When a note from `start` to `stop` is let go: just before a strong accent that it meets."""
        for index in range(bisect_right(self.times, start + 0.15), len(self.times)):
            if self.times[index] >= stop + 0.02:
                break
            if self.strengths[index] >= _STRONG:
                return max(start + 0.05, self.times[index] - _BREATH)
        return stop

    def within(self, start: float, stop: float) -> int:
        """How many accents lie in a stretch."""
        return bisect_left(self.times, stop) - bisect_left(self.times, start)
