"""Where the music's accents are, to a millisecond or two: spectral flux of our own sound.

Flux of a log-compressed mel spectrum after Boeck and Widmer (DAFx 2013, eq. 1-3, without their vibrato
filter) at a hop of 4 ms, refined by a parabola. The flux of a sharp attack peaks a fixed time before it,
when the window first meets it; `ATTACK_LAG_S` is that time, measured on struck and plucked sounds
(`tests/engine/test_cue_onsets.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hitpoint.sliding import sliding_max, sliding_mean
from hitpoint.values import SAMPLE_RATE, Floats

SIZE = 512
HOP = 192
LAG = 2  # hops between the two spectra that are compared
BANDS = 40
COMPRESSION = 100
JUDGED_RMS = 0.1  # about -20 dBFS
RATE = SAMPLE_RATE / HOP
ATTACK_LAG_S = 0.002
BLOCK_FRAMES = 48
"""At a time: memory does not grow with the length, and OpenBLAS gives so small a product to one thread. Split
among several, its last bits are others."""

APART_S = 0.04  # of two attacks closer than this the stronger counts
AROUND_S = 1.5  # what an attack is compared with, on each side
SALIENCE = 2.5  # standard deviations of the flux above its mean: of busy music about one attack in three
SHARE = 0.5  # of the strongest attack around
EVEN = 0.99  # quantile of the flux that a strong attack reaches; stronger ones count as this
FLOOR = 0.03  # nepers; below it there is nothing to hear

Reader = Callable[[int, int], Floats]
"""(start, stop) -> (2, stop - start) samples at 48 kHz; silence where there are none."""


@dataclass(frozen=True, slots=True)
class Onsets:
    """The attacks that stand out from their surroundings: times in seconds, strengths in nepers."""

    times: NDArray[np.float64]
    strengths: Floats


def array_reader(sound: Floats) -> Reader:
    """A `Reader` of (2, samples) in memory."""

    def read(start: int, stop: int) -> Floats:
        low, high = max(0, start), min(sound.shape[1], stop)
        if low >= high:
            return np.zeros((2, stop - start), np.float32)
        return np.pad(sound[:, low:high], ((0, 0), (low - start, stop - high)))

    return read


@lru_cache(maxsize=1)
def _filterbank() -> tuple[Floats, Floats]:
    """The window, scaled so that a full sinusoid has magnitude 1, and (bands, bins) triangles."""
    low, high = 2595 * np.log10(1 + np.array([40.0, 16_000.0]) / 700)
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    bins = np.arange(SIZE // 2 + 1) * SAMPLE_RATE / SIZE
    rise = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    bank = np.clip(np.minimum(rise, fall), 0, None).astype(np.float32)
    return (np.hanning(SIZE + 1)[:-1] / (SIZE / 4)).astype(np.float32), bank[bank.any(1)]


def level_gain(read: Reader, samples: int) -> float:
    """The factor that brings a piece to the level at which its attacks are judged, so that loudness is no
    part of the result."""
    energy = 0.0
    for start in range(0, samples, BLOCK_FRAMES * HOP):
        sound = read(start, min(start + BLOCK_FRAMES * HOP, samples))
        energy += float(np.square(sound).sum(dtype=np.float64))
    return JUDGED_RMS / max(1e-5, float(np.sqrt(energy / max(1, 2 * samples))))


def flux(read: Reader, first: int, stop: int, gain: float) -> Floats:
    """(stop - first,) mean rise of the log spectrum over `LAG` hops, in nepers, every `HOP` samples.

    `gain` as `level_gain` finds it.
    """
    window, bank = _filterbank()
    blocks: list[Floats] = []
    for low in range(first, stop, BLOCK_FRAMES):
        high = min(low + BLOCK_FRAMES, stop)
        sound = read((low - LAG) * HOP - SIZE // 2, (high - 1) * HOP + SIZE // 2).mean(0) * np.float32(gain)
        frames = np.lib.stride_tricks.sliding_window_view(sound, SIZE)[::HOP]
        spectrum = np.fft.rfft(frames * window, axis=1)
        size = np.sqrt(spectrum.real**2 + spectrum.imag**2)  # several times faster than abs
        level = np.log1p(COMPRESSION * (size @ bank.T))
        blocks.append(np.maximum(level[LAG:] - level[:-LAG], 0).mean(1))
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def onsets_of(read: Reader, samples: int) -> Onsets:
    """The salient attacks of a whole piece."""
    return find_onsets(flux(read, 0, samples // HOP + 1, level_gain(read, samples)))


def find_onsets(strength: Floats) -> Onsets:
    """The salient attacks of a flux curve that starts at sample 0."""
    if len(strength) < 3:
        return Onsets(np.zeros(0), np.zeros(0, np.float32))
    around = 2 * round(AROUND_S * RATE) + 1
    # One crash, or the first note out of silence, must not hide what comes after it.
    even = np.minimum(strength, np.quantile(strength, EVEN))
    mean = sliding_mean(even, around)
    deviation = np.sqrt(np.maximum(sliding_mean(even**2, around) - mean**2, 0))
    threshold = np.maximum(mean + SALIENCE * deviation, SHARE * sliding_max(even, around))
    summit = strength == sliding_max(strength, 2 * round(APART_S * RATE) + 1)
    summit &= strength > np.maximum(threshold, FLOOR)
    summit[[0, -1]] = False
    return refined(strength, np.flatnonzero(summit))


def refined(strength: Floats, at: NDArray[np.intp]) -> Onsets:
    """The attacks at these peaks of a flux curve, their times from a parabola through each."""
    before, here, after = strength[at - 1], strength[at], strength[at + 1]
    bend = np.minimum(before - 2 * here + after, -1e-12)
    place = at + 0.5 * (before - after) / bend - LAG / 2
    return Onsets(place.astype(np.float64) / RATE + ATTACK_LAG_S, here)
