"""How audible a moment of a sound is as an edge."""

import numpy as np

from hitpoint.values import SAMPLE_RATE

BANDS = 64


def change(sound: np.ndarray, times: np.ndarray, reach: float) -> np.ndarray:
    """How much the log spectrum of the `reach` seconds after each time differs from that before."""
    size = round(reach * SAMPLE_RATE)
    edges = np.unique(np.geomspace(2, size // 2, BANDS).astype(int))

    def bands(start: int) -> np.ndarray:
        power = np.abs(np.fft.rfft(sound[start : start + size] * np.hanning(size))) ** 2
        return np.log(np.add.reduceat(power, edges)[:-1] + 1e-3)

    places = (times * SAMPLE_RATE).astype(int)
    return np.array([np.abs(bands(place) - bands(place - size)).mean() for place in places])
