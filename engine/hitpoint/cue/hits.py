"""Compares where accents were asked for with where they are, and says what chance would have scored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import soxr

from hitpoint.cue.onsets import Onsets, array_reader, onsets_of
from hitpoint.values import SAMPLE_RATE, Floats, HitPoint, HitReport

SEARCH_S = 0.08
"""How far from a hit point an accent may be to be called its own."""
STRONG = 0.5
"""Share of the strongest hit point from which on a hit point counts as strong."""
SHUFFLES = 200


def half_frame(frame_rate: float) -> float:
    """The tolerance in seconds: half a video frame."""
    return 0.5 / frame_rate


def measure_hits(
    sound: Floats, sample_rate: int, requested: Sequence[HitPoint], tolerance: float
) -> tuple[HitReport, ...]:
    """Find each requested accent in (2, samples) of sound.

    `achieved` is the accent nearest to the request within 80 ms that stands out from its surroundings;
    `tolerance` is in seconds.
    """
    return match(_onsets(sound, sample_rate), requested, tolerance)


def chance_level(
    sound: Floats, sample_rate: int, requested: Sequence[HitPoint], tolerance: float, seed: int = 1
) -> float:
    """Hit rate of the same requests shifted round the piece by random amounts, mean of 200."""
    return chance(_onsets(sound, sample_rate), requested, tolerance, sound.shape[1] / sample_rate, seed)


def _onsets(sound: Floats, sample_rate: int) -> Onsets:
    if sample_rate != SAMPLE_RATE:
        sound = soxr.resample(sound.T, sample_rate, SAMPLE_RATE).T
    return onsets_of(array_reader(sound), sound.shape[1])


def nearest(onsets: Onsets, time: float) -> int | None:
    """Index of the onset nearest to `time`, None if there is none within `SEARCH_S`."""
    if not len(onsets.times):
        return None
    index = int(np.argmin(np.abs(onsets.times - time)))
    return index if abs(onsets.times[index] - time) <= SEARCH_S else None


def strongest(onsets: Onsets, time: float) -> int | None:
    """Index of the strongest onset within `SEARCH_S` of `time`, None if there is none."""
    near = np.flatnonzero(np.abs(onsets.times - time) <= SEARCH_S)
    return int(near[np.argmax(onsets.strengths[near])]) if len(near) else None


def match(onsets: Onsets, requested: Sequence[HitPoint], tolerance: float) -> tuple[HitReport, ...]:
    """One report per request, in the same order."""
    reports: list[HitReport] = []
    for hit in requested:
        index = nearest(onsets, hit.time)
        achieved = None if index is None else float(onsets.times[index])
        error = None if achieved is None else (achieved - hit.time) * 1000
        within = error is not None and abs(error) <= tolerance * 1000
        reports.append(HitReport(hit.time, hit.strength, hit.kind, achieved, error, within))
    return tuple(reports)


def strong(requested: Sequence[HitPoint]) -> tuple[HitPoint, ...]:
    """Those of at least half the strength of the strongest, and those that the user locked."""
    most = max((hit.strength for hit in requested), default=0.0)
    return tuple(hit for hit in requested if hit.locked or hit.strength >= STRONG * most)


def hit_rate(onsets: Onsets, requested: Sequence[HitPoint], tolerance: float) -> float:
    """Share of the strong hit points that are hit; 1 if there is none to miss."""
    reports = match(onsets, strong(requested), tolerance)
    return float(np.mean([report.hit for report in reports])) if reports else 1.0


def chance(
    onsets: Onsets, requested: Sequence[HitPoint], tolerance: float, duration: float, seed: int = 1
) -> float:
    """Mean hit rate of the strong requests when all are moved round the piece by a random amount."""
    times = np.array([hit.time for hit in strong(requested)])
    if not len(times) or not len(onsets.times):
        return 0.0
    shifts = np.random.Generator(np.random.Philox(seed)).uniform(0, duration, SHUFFLES)
    moved = (times[None, :] + shifts[:, None]) % duration
    within = np.searchsorted(onsets.times, moved + tolerance, "right") > np.searchsorted(
        onsets.times, moved - tolerance, "left"
    )
    return float(within.mean())
