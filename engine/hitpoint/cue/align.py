"""The local time map: moves accents by a few hundredths of a second without touching pitch or tempo.

The decoder reads its log-mel frames at fractional positions, so bending those positions moves an attack and
leaves its oscillators' phase alone. The map is smooth, ascending, and back at zero a quarter second away
from any accent that it moves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hitpoint.cue.decode import Positions, identity
from hitpoint.cue.hits import strongest
from hitpoint.cue.onsets import Onsets
from hitpoint.values import HitPoint

FRAME_RATE = 100.0
MAX_SHIFT_S = 0.048
"""A little less than the decoder allows for."""
REACH_S = 0.25
MAX_SLOPE = 0.3
"""Seconds of shift per second: beyond about a third the ear notices that a decay is stretched."""
CLOSEST_S = 0.02
"""Two knots nearer than this are one to the ear."""
ON_TIME_SHARE = 0.33
"""Of the tolerance: an accent so near its hit point is left where it is."""


@dataclass(frozen=True, slots=True)
class Trial:
    """With the sound of `time + shift` at each output time near the hit, its accent came `error` late."""

    shift: float
    error: float


@dataclass(frozen=True, slots=True)
class Knot:
    """At output time `time` the sound of `time + shift` is wanted."""

    time: float
    shift: float


class Alignment:
    """Remembers what each shift did to each accent, and proposes better ones.

    A moved attack does not follow exactly (the frames are 10 ms wide), so shifts are found by measuring.
    """

    def __init__(self, requested: Sequence[HitPoint], tolerance: float, pinned: Sequence[Knot] = ()) -> None:
        """`pinned` knots are given already; all others get along with them."""
        self._pinned = tuple(pinned)
        self._on_time = ON_TIME_SHARE * tolerance
        self._requested = sorted(requested, key=lambda hit: (not hit.locked, -hit.strength))
        self._trials: dict[HitPoint, list[Trial]] = {hit: [] for hit in requested}

    def observe(self, onsets: Onsets, positions: Positions) -> None:
        """Note where the accents came under these positions."""
        for hit, trials in self._trials.items():
            index = strongest(onsets, hit.time)
            if index is not None:
                frame = hit.time * FRAME_RATE
                shift = float(np.interp(frame, np.arange(len(positions)), positions) - frame) / FRAME_RATE
                trials.append(Trial(shift, float(onsets.times[index]) - hit.time))

    def propose(self) -> list[Knot]:
        """The shifts to try next."""
        return self._gentle(lambda trials: _next(trials, self._on_time))

    def best(self) -> list[Knot]:
        """Of all shifts tried those that came nearest."""
        return self._gentle(lambda trials: _nearest_miss(trials).shift)

    def _gentle(self, choose: Callable[[list[Trial]], float]) -> list[Knot]:
        """The chosen shift of each hit point, locked and strong ones first; one that would bend the map too
        sharply beside them is left out."""
        taken: list[Knot] = []
        for hit in self._requested:
            if not self._trials[hit]:
                continue
            knot = Knot(hit.time, choose(self._trials[hit]))
            if abs(knot.shift) <= MAX_SHIFT_S and all(
                _get_along(knot, other) for other in (*self._pinned, *taken)
            ):
                taken.append(knot)
        return sorted(taken, key=lambda knot: knot.time)


def _get_along(a: Knot, b: Knot) -> bool:
    apart = abs(a.time - b.time)
    return apart >= CLOSEST_S and abs(a.shift - b.shift) <= MAX_SLOPE * apart


def _nearest_miss(trials: list[Trial]) -> Trial:
    return min(trials, key=lambda trial: abs(trial.error))


def _next(trials: list[Trial], on_time: float) -> float:
    """Regula falsi where the accent was once early and once late, else one step of the whole error."""
    nearest_miss = _nearest_miss(trials)
    late = [trial for trial in trials if trial.error >= 0]
    early = [trial for trial in trials if trial.error < 0]
    if abs(nearest_miss.error) <= on_time:
        return nearest_miss.shift
    if not (late and early):
        return nearest_miss.shift + nearest_miss.error
    a, b = _nearest_miss(late), _nearest_miss(early)
    return a.shift + (b.shift - a.shift) * a.error / (a.error - b.error)


def time_map(wanted: Sequence[Knot], frames: int) -> Positions:
    """(2 * frames,) ascending positions through all knots (by time), zero shift elsewhere."""
    out = identity(frames)
    if not wanted:
        return out
    points = [Knot(wanted[0].time - REACH_S, 0.0)]
    for before, after in zip([None, *wanted[:-1]], wanted, strict=True):
        if before is not None and after.time - before.time > 2 * REACH_S + CLOSEST_S:
            points += [Knot(before.time + REACH_S, 0.0), Knot(after.time - REACH_S, 0.0)]
        points.append(after)
    points.append(Knot(wanted[-1].time + REACH_S, 0.0))
    times = np.array([point.time for point in points]) * FRAME_RATE
    shifts = np.array([point.shift for point in points]) * FRAME_RATE
    inside = (out >= times[0]) & (out < times[-1])
    at = np.searchsorted(times, out[inside], "right") - 1
    share = (out[inside] - times[at]) / np.diff(times)[at]
    # Level at every knot, so that an attack itself is not stretched.
    out[inside] += shifts[at] + np.diff(shifts)[at] * share**2 * (3 - 2 * share)
    return out.clip(0, 2 * frames - 1)
