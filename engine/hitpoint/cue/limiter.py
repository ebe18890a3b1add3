"""A look-ahead true-peak limiter whose gain moves in cells of two thirds of a millisecond.

The gain is the lowest that any peak near by asks for, let go at a constant rate and rounded off over the
look-ahead. It stays below what each sample needs by construction, so nothing is ever clipped.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hitpoint.cue.loudness import CELL
from hitpoint.sliding import sliding_max
from hitpoint.values import SAMPLE_RATE, Floats

CEILING_DB = -1.3
"""In dBTP; below the promised -1 because finer meters than the standard's see a little more."""
OVERSAMPLING = 4  # BS.1770-4, annex 2
FILTER_REACH = CELL // 2  # samples on each side of a cell
TAPS = 10  # samples on each side that the interpolation needs
LOOK_AHEAD = 4  # cells: 2.7 ms
STRETCH = 1 << 16  # cells at a time, so that little more than the result grows with the length
RELEASE_DB = np.float32(60.0 * CELL / SAMPLE_RATE)  # per cell: 60 dB per second


@lru_cache(maxsize=1)
def _interpolation() -> tuple[Floats, Floats]:
    """(CELL, OVERSAMPLING * CELL) twice: what each half of 64 samples adds to the fine samples of the cell in
    their middle. The filter is the Kaiser-windowed sinc of scipy's `resample_poly`."""
    at = np.arange(-TAPS * OVERSAMPLING, TAPS * OVERSAMPLING + 1)
    taps = np.sinc(at / OVERSAMPLING) * np.kaiser(len(at), 5.0)
    taps *= OVERSAMPLING / taps.sum()
    fine = np.arange(OVERSAMPLING * CELL) + OVERSAMPLING * FILTER_REACH
    lag = fine - OVERSAMPLING * np.arange(CELL + 2 * FILTER_REACH)[:, None] + TAPS * OVERSAMPLING
    inside = np.where((lag >= 0) & (lag < len(taps)), taps[lag.clip(0, len(taps) - 1)], 0).astype(np.float32)
    return inside[:CELL], inside[CELL:]


def cell_peaks(sound: Floats) -> Floats:
    """(cells,) true peaks of both channels together; (2, samples) with `FILTER_REACH` more on each side."""
    before, after = _interpolation()
    halves = sound.reshape(2, -1, CELL)
    fine = halves[:, :-1] @ before
    fine += halves[:, 1:] @ after
    peaks: Floats = np.maximum(fine.max(2), -fine.min(2)).max(0)
    return peaks


def gain_db(peaks: Floats, level: float = 0.0, out: Floats | None = None) -> Floats:
    """(cells,) gain in dB, at most 0, that brings the true `peaks` of all cells under the ceiling, once they
    are turned up by `level` dB. `out` is filled and returned where it is given."""
    out = np.empty(len(peaks), np.float32) if out is None else out
    turned_up, lowest = np.float32(10 ** (level / 20)), np.inf
    # One cell less than the look-ahead, because samples lie between the centres of two cells.
    window = np.hanning(2 * LOOK_AHEAD + 1)[1:-1]
    window /= window.sum()
    for start in range(0, len(peaks), STRETCH):
        stop = min(start + STRETCH, len(peaks))
        held = _held(peaks, start - LOOK_AHEAD, stop + LOOK_AHEAD, turned_up)
        # Let go at a constant rate: g[n] = min(held[n], g[n-1] + RELEASE_DB), unrolled.
        ramp = RELEASE_DB * np.arange(start, start + len(held), dtype=np.float64)
        falling = held - ramp
        falling[0] = min(falling[0], lowest)
        falling = np.minimum.accumulate(falling)
        lowest = falling[stop - start - 1]  # up to where the next stretch begins
        smooth = np.convolve(np.minimum(falling + ramp, 0), window, "same")
        out[start:stop] = smooth[LOOK_AHEAD:-LOOK_AHEAD]
    return out


def _held(peaks: Floats, start: int, stop: int, turned_up: np.float32) -> Floats:
    """(stop - start,) lowest gain in dB that cells within the look-ahead ask for; 0 where there are none."""
    first, last = start - LOOK_AHEAD, stop + LOOK_AHEAD
    near = peaks[max(0, first) : last] * turned_up
    needed = np.minimum(0, CEILING_DB - 20 * np.log10(np.maximum(near, 1e-10))).astype(np.float32)
    whole = np.pad(needed, (max(0, -first), max(0, last - len(peaks))))
    held: Floats = -sliding_max(-whole, 2 * LOOK_AHEAD + 1)[LOOK_AHEAD:-LOOK_AHEAD]
    return held


def factors(gain: Floats, start: int, stop: int) -> Floats:
    """(stop - start,) factors of the samples from `start` on, between the gains of `gain_db` in dB."""
    cells = np.arange(start // CELL - 1, stop // CELL + 2)
    near = 10 ** (gain[np.clip(cells, 0, len(gain) - 1)] / 20)
    place = (np.arange(start, stop) - (CELL - 1) / 2) / CELL - cells[0]
    between: Floats = np.interp(place, np.arange(len(cells)), near).astype(np.float32)
    return between
