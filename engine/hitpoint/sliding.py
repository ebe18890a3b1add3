"""Sliding maximum and mean in numpy: importing scipy for them would take as long as composing a second."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitpoint.values import Floats


def sliding_max(values: Floats, width: int) -> Floats:
    """The largest of the `width` (odd) values around each one, in three passes at any width
    (van Herk 1992): within aligned blocks from the left, from the right, and the larger of two."""
    half, count = width // 2, len(values)
    filled = np.pad(values, (half, half + -(count + 2 * half) % width), constant_values=-np.inf)
    blocks = filled.reshape(-1, width)
    rising = np.maximum.accumulate(blocks, 1).ravel()
    falling = np.maximum.accumulate(blocks[:, ::-1], 1)[:, ::-1].ravel()
    return np.maximum(falling[:count], rising[width - 1 : width - 1 + count])


def sliding_mean(values: Floats, width: int) -> NDArray[np.float64]:
    """The mean of the `width` (odd) values around each one; both ends are mirrored."""
    mirrored = np.pad(values, width // 2, mode="symmetric")
    sums = np.cumsum(np.concatenate([[0.0], mirrored]), dtype=np.float64)
    return (sums[width:] - sums[:-width]) / width
