"""Loudness (ITU-R BS.1770-4) at 48 kHz from the weighted power of short cells, in any order.

The filters are those of the standard's tables 1 and 2. They run as products of matrices over whole cells:
libraries either want the piece at once or cost more to import than the loudness of a minute takes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hitpoint.values import SAMPLE_RATE, Floats

Matrix = NDArray[np.float64]

CELL = 32  # samples
STEP = SAMPLE_RATE // 10  # gating blocks of 400 ms every 100 ms
ABSOLUTE_GATE = -70.0
RELATIVE_GATE = -10.0
SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1, -1.69065929318241, 0.73248077421585))
HIGH_PASS = ((1.0, -2.0, 1.0), (1, -1.99004745483398, 0.99007225036621))
WARM_UP = SAMPLE_RATE // 4
"""Samples after which the filters have forgotten what came before: its slowest part has fallen by e^-60."""
SILENCE = -120.0
"""LUFS reported for silence, in place of minus infinity."""


@lru_cache(maxsize=1)
def _k_weighting() -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Both filters as one over a cell: output from input and from state, new state from input and from state.

    All act on rows from the right. The state is that of the controllable canonical form.
    """
    above, below = (np.polymul(*pair) for pair in zip(SHELF, HIGH_PASS, strict=True))
    once = np.eye(4, k=-1)
    once[0] = -below[1:]
    seen = above[1:] - above[0] * below[1:]
    powers = [np.linalg.matrix_power(once, n) for n in range(CELL + 1)]
    response = np.array([above[0], *(seen @ power[:, 0] for power in powers[:-1])])
    lag = np.subtract.outer(np.arange(CELL), np.arange(CELL))  # of each output behind each input
    direct = np.where(lag >= 0, response[np.maximum(lag, 0)], 0)
    return (
        direct.T,
        np.array([seen @ power for power in powers[:-1]]).T,
        np.array([power[:, 0] for power in powers[-2::-1]]),
        powers[-1].T,
    )


def cell_power(sound: Floats) -> Matrix:
    """(cells,) mean weighted power of both channels together; (2, samples) begin with `WARM_UP` more."""
    direct, from_state, entered, kept = _k_weighting()
    cells = sound.reshape(2, -1, CELL).astype(np.float64)
    states = cells @ entered
    # s[n] = kept s[n-1] + u[n] by doubling: each round adds what lies twice as far back.
    back = 1
    while back < min(cells.shape[1], WARM_UP // CELL):
        states[:, back:] += states[:, :-back] @ kept
        kept, back = kept @ kept, 2 * back
    first = WARM_UP // CELL
    weighted = cells[:, first:] @ direct + states[:, first - 1 : -1] @ from_state
    power: Matrix = np.einsum("kcs,kcs->c", weighted, weighted) / CELL
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
