"""Integrated loudness (ITU-R BS.1770-4) of a stream, in constant memory.

`pyloudnorm` wants the whole piece at once; its filters are used here, the gate is the standard's.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from pyloudnorm.iirfilter import IIRfilter
from scipy.signal import sosfilt

from hitpoint.values import SAMPLE_RATE, Floats

STEP = SAMPLE_RATE // 10  # gating blocks of 400 ms every 100 ms
ABSOLUTE_GATE = -70.0
RELATIVE_GATE = -10.0
SILENCE = -120.0
"""LUFS reported for silence, in place of minus infinity."""


class KWeighting:
    """The two filters of the standard as pyloudnorm sets them, kept running over consecutive blocks."""

    def __init__(self) -> None:
        shelf = IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, SAMPLE_RATE, "high_shelf")
        high_pass = IIRfilter(0.0, 0.5, 38.0, SAMPLE_RATE, "high_pass")
        self._sections = np.array([[*stage.b, *stage.a] for stage in (shelf, high_pass)])
        self._state = np.zeros((2, 2, 2))

    def power(self, block: Floats) -> NDArray[np.float64]:
        """(samples,) weighted power of the next (2, samples), both channels together."""
        weighted, self._state = sosfilt(self._sections, block.astype(np.float64), axis=1, zi=self._state)
        power: NDArray[np.float64] = np.einsum("cs,cs->s", weighted, weighted)
        return power


def integrated_loudness(blocks: Iterable[Floats]) -> float:
    """LUFS of consecutive (2, samples) blocks at 48 kHz; ungated below 0.4 s, `SILENCE` without sound."""
    weighting = KWeighting()
    rest = np.zeros(0)
    tenths: list[NDArray[np.float64]] = [np.zeros(0)]
    for block in blocks:
        power = np.concatenate([rest, weighting.power(block)])
        whole = len(power) // STEP
        tenths.append(power[: whole * STEP].reshape(whole, STEP).mean(1))
        rest = power[whole * STEP :]
    return gated(np.concatenate(tenths), rest)


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
