"""Peaks of an envelope: LORIS Eq. 7, on an even grid and to a fraction of a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from hitpoint.sliding import sliding_max
from hitpoint.values import Floats, Peak


@dataclass(frozen=True, slots=True)
class PeakRule:
    """Eq. 7 in seconds. The paper's 3 frames at 16 per second are 0.19 s each way, its `delta` is 0.2."""

    reach_s: float = 3 / 16  # pre_m = post_m: the peak is the largest within
    mean_s: float = 3 / 16  # pre_a = post_a: and above the mean within
    delta: float = 0.2  # by this share of itself


def pick_peaks(envelope: Floats, rate: float, rule: PeakRule = PeakRule()) -> tuple[Peak, ...]:
    """Find the peaks of a non-negative envelope (rows,), row i at i / rate seconds. Windows are centred."""
    if not len(envelope):
        return ()
    reach, mean = round(rule.reach_s * rate), round(rule.mean_s * rate)
    largest = sliding_max(envelope, 2 * reach + 1)
    held = np.pad(envelope, mean, mode="edge")
    average = sliding_window_view(held, 2 * mean + 1).mean(1)
    chosen = (envelope == largest) & (envelope * (1 - rule.delta) >= average) & (envelope > 0)
    rows = np.flatnonzero(chosen)
    rows = rows[np.concatenate([[True], np.diff(rows) > reach])] if len(rows) else rows
    return tuple(_refined(envelope, int(row), rate) for row in rows)


def _refined(envelope: Floats, row: int, rate: float) -> Peak:
    """The top of the parabola through the row and its neighbours."""
    if not 0 < row < len(envelope) - 1:
        return Peak(row / rate, float(envelope[row]))
    before, top, after = (float(value) for value in envelope[row - 1 : row + 2])
    bend = before - 2 * top + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return Peak((row + shift) / rate, top - 0.25 * (before - after) * shift)
