"""Mastering: clean beginning and ending, loudness, true peak, 24 bits.

One pass over the sound takes its peaks and its weighted power in cells of two thirds of a millisecond; gain
and limiter are found on those alone, and a second pass applies them. Memory stays small at any length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue import limiter
from hitpoint.cue.limiter import CELL, FILTER_REACH
from hitpoint.cue.loudness import SILENCE, STEP, KWeighting, gated
from hitpoint.cue.onsets import Reader
from hitpoint.values import SAMPLE_RATE, Floats

BLOCK = 1 << 16
FADE_IN = SAMPLE_RATE * 5 // 1000
LONGEST_FADE_OUT = 3 * SAMPLE_RATE
FADED_SHARE = 0.75  # of the tail
SHORTEST_FADE_OUT = SAMPLE_RATE * 20 // 1000
MAX_GAIN_DB = 40.0
ROUNDS = 12
CLOSE_ENOUGH_LU = 0.02
FULL_SCALE = 1 << 23


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Per cell of a piece: the true peak, and the mean K-weighted power of both channels."""

    peaks: Floats
    power: Floats

    def loudness(self, gain: Floats | float) -> float:
        """LUFS under a gain in dB that may change from cell to cell."""
        cells = STEP // CELL
        power = self.power * 10 ** (np.asarray(gain, np.float32) / 10)
        whole = len(power) // cells
        return gated(power[: whole * cells].reshape(whole, cells).mean(1), power[whole * cells :])


@dataclass(frozen=True, slots=True)
class Master:
    """How a piece is finished; `loudness` in LUFS and `true_peak` in dBTP are what comes out."""

    read: Reader
    samples: int
    gain: Floats  # dB per cell
    loudness: float
    true_peak: float

    def blocks(self) -> Iterator[Floats]:
        """(2, n) finished float32 blocks, together `samples` long."""
        for start in range(0, self.samples, BLOCK):
            stop = min(start + BLOCK, self.samples)
            yield self.read(start, stop) * limiter.factors(self.gain, start, stop)


def master(read: Reader, samples: int, end: float, target: float) -> Master:
    """Find the gain that brings a piece to `target` LUFS behind the limiter.

    `end` is the time of the last sound in seconds; its tail fades out until the piece is over.
    """
    faded = fades(read, samples, end)
    anatomy = dissect(faded, samples)
    level, gain = 0.0, np.zeros_like(anatomy.peaks)
    # The limiter takes some loudness away, so what is missing is added again.
    for _ in range(ROUNDS):
        gain = level + limiter.gain_db(anatomy.peaks * np.float32(10 ** (level / 20)))
        result = anatomy.loudness(gain)
        if result <= SILENCE or abs(target - result) < CLOSE_ENOUGH_LU or level >= MAX_GAIN_DB:
            break
        level = min(MAX_GAIN_DB, level + target - result)
    peak = float((20 * np.log10(np.maximum(anatomy.peaks, 1e-10)) + gain).max())
    return Master(faded, samples, gain, anatomy.loudness(gain), peak)


def dissect(read: Reader, samples: int) -> Anatomy:
    """One pass over the whole piece."""
    weighting = KWeighting()
    peaks: list[Floats] = []
    power: list[Floats] = []
    for start in range(0, samples, BLOCK):
        stop = min(start + BLOCK, samples)
        sound = read(start - FILTER_REACH, stop + FILTER_REACH)
        inside = slice(FILTER_REACH, -FILTER_REACH)
        peaks.append(_cells(limiter.true_peak(sound)[inside]).max(1))
        power.append(_cells(weighting.power(sound[:, inside])).mean(1).astype(np.float32))
    return Anatomy(np.concatenate(peaks), np.concatenate(power))


def _cells(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """(cells, CELL), the last one filled up with silence."""
    return np.pad(values, (0, -len(values) % CELL)).reshape(-1, CELL)


def fades(read: Reader, samples: int, end: float) -> Reader:
    """`read` with a 5 ms fade-in and a raised-cosine fade-out within the tail after `end`."""
    # The last sound rings a little before it fades, or its attack would be softened.
    tail = round(FADED_SHARE * (samples - end * SAMPLE_RATE))
    length = min(samples // 2, max(SHORTEST_FADE_OUT, min(LONGEST_FADE_OUT, tail)))
    entry = min(samples // 2, FADE_IN)

    def faded(start: int, stop: int) -> Floats:
        sound = read(start, stop)
        if start >= entry and stop <= samples - length:
            return sound
        at = np.arange(start, stop)
        rise = np.clip((at + 0.5) / max(1, entry), 0, 1)
        fall = np.clip((samples - at - 0.5) / max(1, length), 0, 1)
        shape = np.sin(np.pi / 2 * rise) ** 2 * np.sin(np.pi / 2 * fall) ** 2
        shaped: Floats = sound * shape.astype(np.float32)
        return shaped

    return faded


def to_24_bit(blocks: Iterator[Floats], seed: int) -> Iterator[NDArray[np.int32]]:
    """(n, 2) integers of 24 bits, with seeded triangular dither (Lipshitz et al. 1992)."""
    dither = np.random.Generator(np.random.Philox(key=[seed % 2**64, 1 << 63]))
    for block in blocks:
        shape = block.T.shape
        triangle = dither.random(shape, np.float32) - dither.random(shape, np.float32)
        values = np.rint(block.T.astype(np.float64) * FULL_SCALE + triangle)
        yield values.clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int32)
