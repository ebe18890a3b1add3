"""Integrated loudness (ITU-R BS.1770-4) from the weighted power of stretches, in any order.

`pyloudnorm` wants the whole piece at once; its filters are used here, the gate is the standard's.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyloudnorm.iirfilter import IIRfilter
from scipy.signal import sosfilt

from hitpoint.values import SAMPLE_RATE, Floats

STEP = SAMPLE_RATE // 10  # gating blocks of 400 ms every 100 ms
ABSOLUTE_GATE = -70.0
RELATIVE_GATE = -10.0
WARM_UP = SAMPLE_RATE // 4
"""Samples after which the filters have forgotten what came before: its slowest part has fallen by e^-60."""
SILENCE = -120.0
"""LUFS reported for silence, in place of minus infinity."""


@lru_cache(maxsize=1)
def _k_weighting() -> NDArray[np.float64]:
    """The two filters of the standard as pyloudnorm sets them, as second-order sections."""
    shelf = IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, SAMPLE_RATE, "high_shelf")
    high_pass = IIRfilter(0.0, 0.5, 38.0, SAMPLE_RATE, "high_pass")
    return np.array([[*stage.b, *stage.a] for stage in (shelf, high_pass)])


def weighted_power(sound: Floats) -> NDArray[np.float64]:
    """(samples - WARM_UP,) weighted power of (2, samples), both channels together, after the warm-up."""
    weighted = np.asarray(sosfilt(_k_weighting(), sound.astype(np.float64), axis=1))[:, WARM_UP:]
    power: NDArray[np.float64] = np.einsum("cs,cs->s", weighted, weighted)
    return power


def gated(tenths: NDArray[np.floating], rest: NDArray[np.floating]) -> float:
    """LUFS from the mean weighted power of each 100 ms and, of very short pieces, what is left over."""
    if len(tenths) < 4:
        return _lufs(float(np.concatenate([tenths, rest]).mean()) if len(tenths) + len(rest) else 0.0)
    power = np.convolve(tenths, np.full(4, 0.25), "valid")
    level = -0.691 + 10 * np.log10(np.maximum(power, 1e-12))
    loud = level >= ABSOLUTE_GATE
    if not loud.any():
        return SILENCE
    loud &= level > _lufs(float(power[loud].mean())) + RELATIVE_GATE
    return _lufs(float(power[loud].mean()))


def _lufs(power: float) -> float:
    return -0.691 + 10 * float(np.log10(power)) if power > 1e-12 else SILENCE
