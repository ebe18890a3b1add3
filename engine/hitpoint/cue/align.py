"""The local time map: moves accents by a few hundredths of a second without touching pitch or tempo.

The decoder reads its log-mel frames at fractional positions, so bending those positions moves an attack and
leaves its oscillators' phase alone. The map is smooth, ascending, and back at zero a quarter second away
from any accent that it moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from hitpoint.cue.decode import Positions, identity
from hitpoint.cue.hits import nearest
from hitpoint.cue.onsets import Onsets
from hitpoint.values import HitPoint

FRAME_RATE = 100.0
MAX_SHIFT_S = 0.058
"""A little less than the decoder allows for."""
REACH_S = 0.25
MAX_SLOPE = 0.3
"""Seconds of shift per second: beyond about a third the ear notices that a decay is stretched."""


@dataclass(frozen=True, slots=True)
class Knot:
    """At output time `time` the sound of `time + shift` is wanted."""

    time: float
    shift: float


def knots(onsets: Onsets, positions: Positions, requested: Sequence[HitPoint]) -> list[Knot]:
    """The shifts that would put each found accent on its request, given the map it was measured under.

    Strong and locked requests come first; one that would bend the map too sharply beside them is left out.
    """
    taken: list[Knot] = []
    for hit in sorted(requested, key=lambda hit: (not hit.locked, -hit.strength)):
        index = nearest(onsets, hit.time)
        if index is None:
            continue
        frame = float(onsets.times[index]) * FRAME_RATE
        source = float(np.interp(frame, np.arange(len(positions)), positions))
        knot = Knot(hit.time, source / FRAME_RATE - hit.time)
        if abs(knot.shift) <= MAX_SHIFT_S and all(_gentle(knot, other) for other in taken):
            taken.append(knot)
    return sorted(taken, key=lambda knot: knot.time)


def _gentle(a: Knot, b: Knot) -> bool:
    return abs(a.shift - b.shift) <= MAX_SLOPE * abs(a.time - b.time)


def time_map(wanted: Sequence[Knot], frames: int) -> Positions:
    """(2 * frames,) ascending positions through all knots (by time), zero shift elsewhere."""
    out = identity(frames)
    if not wanted:
        return out
    points = [Knot(wanted[0].time - REACH_S, 0.0)]
    for before, after in zip([None, *wanted[:-1]], wanted, strict=True):
        if before is not None and after.time - before.time > 2 * REACH_S:
            points += [Knot(before.time + REACH_S, 0.0), Knot(after.time - REACH_S, 0.0)]
        points.append(after)
    points.append(Knot(wanted[-1].time + REACH_S, 0.0))
    times = np.array([point.time for point in points]) * FRAME_RATE
    shifts = np.array([point.shift for point in points]) * FRAME_RATE
    inside = (out >= times[0]) & (out <= times[-1])
    out[inside] += PchipInterpolator(times, shifts)(out[inside])
    return out.clip(0, 2 * frames - 1)
