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


def _k_weighting() -> NDArray[np.float64]:
    """(2, 6) second-order sections: head shelf and high pass, as pyloudnorm sets them."""
    shelf = IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, SAMPLE_RATE, "high_shelf")
    high_pass = IIRfilter(0.0, 0.5, 38.0, SAMPLE_RATE, "high_pass")
    return np.array([[*stage.b, *stage.a] for stage in (shelf, high_pass)])


def _lufs(power: float) -> float:
    return -0.691 + 10 * float(np.log10(power)) if power > 1e-12 else SILENCE


def integrated_loudness(blocks: Iterable[Floats]) -> float:
    """LUFS of consecutive (2, samples) blocks at 48 kHz; ungated below 0.4 s, `SILENCE` without sound."""
    sections = _k_weighting()
    state = np.zeros((len(sections), 2, 2))
    rest = np.zeros(0)
    powers: list[NDArray[np.float64]] = []
    for block in blocks:
        weighted, state = sosfilt(sections, block.astype(np.float64), axis=1, zi=state)
        energy = np.concatenate([rest, (weighted**2).sum(0)])
        whole = len(energy) // STEP
        powers.append(energy[: whole * STEP].reshape(whole, STEP).mean(1))
        rest = energy[whole * STEP :]
    tenths = np.concatenate(powers) if powers else np.zeros(0)
    if len(tenths) < 4:
        total = tenths.sum() * STEP + rest.sum()
        return _lufs(total / max(1, len(tenths) * STEP + len(rest)))
    return _gated(np.convolve(tenths, np.full(4, 0.25), "valid"))


def _gated(power: NDArray[np.float64]) -> float:
    """Eq. 4 to 7 of the standard, from the mean square of each 400 ms block."""
    level = -0.691 + 10 * np.log10(np.maximum(power, 1e-12))
    loud = level >= ABSOLUTE_GATE
    if not loud.any():
        return SILENCE
    loud &= level > _lufs(float(power[loud].mean())) + RELATIVE_GATE
    return _lufs(float(power[loud].mean()))
