"""A look-ahead true-peak limiter for streams of any length.

The gain is the lowest that any peak near by asks for, let go at a constant rate and rounded off over two
milliseconds; it is below what each sample needs by construction, so nothing is ever clipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d
from scipy.signal import get_window, resample_poly

from hitpoint.cue.onsets import Reader
from hitpoint.values import SAMPLE_RATE, Floats

CEILING_DB = -1.1
"""In dBTP, a tenth below the promised -1 because the gain itself moves between samples."""
OVERSAMPLING = 4  # BS.1770-4, annex 2
FILTER_REACH = 16  # samples on each side that the interpolation needs
LOOK_AHEAD = SAMPLE_RATE * 2 // 1000
RELEASE = 60 / SAMPLE_RATE  # decibels per sample: 60 dB per second
BLOCK = 1 << 16


def true_peak(sound: Floats) -> Floats:
    """(samples,) largest magnitude of both channels between each sample and the next."""
    fine = np.abs(resample_poly(sound, OVERSAMPLING, 1, axis=1)).max(0)
    peaks: Floats = fine.reshape(-1, OVERSAMPLING).max(1)
    return peaks


def true_peak_db(blocks: Iterable[Floats]) -> float:
    """The largest true peak of consecutive (2, samples) blocks in dBTP, -200 for silence."""
    peak, before = 0.0, np.zeros((2, 2 * FILTER_REACH), np.float32)
    silence = np.zeros((2, 2 * FILTER_REACH), np.float32)
    for block in chain(blocks, (silence,)):
        sound = np.concatenate([before, block], axis=1)
        peak = max(peak, float(true_peak(sound)[FILTER_REACH:-FILTER_REACH].max(initial=0.0)))
        before = sound[:, -2 * FILTER_REACH :]
    return 20 * float(np.log10(max(peak, 1e-10)))


def limited(read: Reader, samples: int) -> Iterator[Floats]:
    """(2, n) blocks of `read`, none with a true peak above `CEILING_DB`; together `samples` long."""
    release = 0.0
    reach = 2 * LOOK_AHEAD
    for start in range(0, samples, BLOCK):
        stop = min(start + BLOCK, samples)
        sound = read(start - reach - FILTER_REACH, stop + reach + FILTER_REACH)
        gain, release = _gain(sound, release, stop - start)
        yield sound[:, reach + FILTER_REACH : -reach - FILTER_REACH] * gain


def _gain(sound: Floats, release: float, samples: int) -> tuple[Floats, float]:
    """(samples,) factors for the middle of a block, and the release level where the next block takes up."""
    needed = _needed_db(sound)[FILTER_REACH:-FILTER_REACH]
    held = minimum_filter1d(needed, 2 * LOOK_AHEAD + 1)[LOOK_AHEAD:-LOOK_AHEAD]
    ramp = RELEASE * np.arange(1, len(held) + 1)
    # Released at a constant rate: g[n] = min(held[n], g[n-1] + RELEASE), unrolled.
    level = np.minimum(np.minimum.accumulate(held - ramp), release) + ramp
    window = get_window("hann", 2 * LOOK_AHEAD + 3, fftbins=False)[1:-1]
    smooth = np.convolve(level, window / window.sum(), "valid")
    return (10 ** (smooth / 20)).astype(np.float32), float(level[samples - 1])


def _needed_db(sound: Floats) -> NDArray[np.float64]:
    """(samples,) gain of at most 0 dB that brings each sample under the ceiling."""
    if float(np.abs(sound).max()) < 10 ** ((CEILING_DB - 6) / 20):
        return np.zeros(sound.shape[1])  # no true peak is 6 dB above its samples
    peak_db = 20 * np.log10(np.maximum(true_peak(sound).astype(np.float64), 1e-10))
    return np.minimum(0.0, CEILING_DB - peak_db)
