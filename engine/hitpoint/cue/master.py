"""Mastering: clean beginning and ending, loudness, true peak, 24 bits.

One pass over the sound takes its peaks and its weighted power in cells of two thirds of a millisecond; gain
and limiter are found on those alone, and a second pass applies them. Memory stays small at any length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue import limiter
from hitpoint.cue.limiter import FILTER_REACH
from hitpoint.cue.loudness import CELL, SILENCE, STEP, WARM_UP, cell_power, gated
from hitpoint.cue.onsets import Reader
from hitpoint.parallel import ordered
from hitpoint.values import SAMPLE_RATE, Floats

BLOCK = 1 << 16
FADE_IN = SAMPLE_RATE * 5 // 1000
LONGEST_FADE_OUT = 3 * SAMPLE_RATE
FADED_SHARE = 0.75  # of the tail
SHORTEST_FADE_OUT = SAMPLE_RATE * 20 // 1000
TENTHS = 512  # of a second measured at a time
MAX_GAIN_DB = 40.0
ROUNDS = 12
CLOSE_ENOUGH_LU = 0.02
FULL_SCALE = 1 << 23
Dip = Callable[[NDArray[np.floating]], Floats]


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Per cell of a piece: the true peak, and the mean K-weighted power of both channels."""

    peaks: Floats
    power: Floats

    def loudness(self, gain: Floats | float) -> float:
        """LUFS under a gain in dB that may change from cell to cell."""
        cells = STEP // CELL
        gains = np.broadcast_to(np.asarray(gain, np.float32), self.power.shape)
        whole = len(self.power) // cells * cells
        tenths = np.empty(whole // cells, np.float32)
        for part in _stretches(whole, cells * TENTHS):
            power = self.power[part] * 10 ** (gains[part] / 10)
            tenths[part.start // cells : part.stop // cells] = power.reshape(-1, cells).mean(1)
        return gated(tenths, self.power[whole:] * 10 ** (gains[whole:] / 10))


@dataclass(frozen=True, slots=True)
class Master:
    """How a piece is finished; `loudness` in LUFS and `true_peak` in dBTP are what comes out.

    `undipped` is the loudness that it would have without its dips: that is what the target is for, or music
    that makes room for speech would be turned up again for it.
    """

    read: Reader
    samples: int
    gain: Floats  # dB per cell
    loudness: float
    true_peak: float
    undipped: float
    level: float  # dB before the limiter

    def blocks(self) -> Iterator[Floats]:
        """(2, n) finished float32 blocks, together `samples` long."""
        for start in range(0, self.samples, BLOCK):
            stop = min(start + BLOCK, self.samples)
            yield self.read(start, stop) * limiter.factors(self.gain, start, stop)


def master(read: Reader, samples: int, end: float, target: float, dip: Dip | None = None) -> Master:
    """Find the gain that brings a piece to `target` LUFS behind the limiter.

    `end` is the time of the last sound in seconds; its tail fades out until the piece is over. `dip` says by
    how many dB (at most 0) it is turned down in the end, at given seconds.
    """
    faded = fades(read, samples, end)
    anatomy = dissect(faded, samples)
    level, gain = 0.0, np.zeros_like(anatomy.peaks)
    # The limiter takes some loudness away, so what is missing is added again.
    for _ in range(ROUNDS):
        gain = limiter.gain_db(anatomy.peaks, level, gain)
        gain += level
        result = anatomy.loudness(gain)
        if result <= SILENCE or abs(target - result) < CLOSE_ENOUGH_LU or level >= MAX_GAIN_DB:
            break
        level = min(MAX_GAIN_DB, level + target - result)
    undipped = anatomy.loudness(gain)
    peak = -np.inf
    for part in _stretches(len(gain), limiter.STRETCH):
        if dip is not None:
            gain[part] += dip((np.arange(part.start, part.stop) + 0.5) * CELL / SAMPLE_RATE)
        peak = max(peak, float((20 * np.log10(np.maximum(anatomy.peaks[part], 1e-10)) + gain[part]).max()))
    return Master(faded, samples, gain, anatomy.loudness(gain), peak, undipped, level)


def _stretches(count: int, size: int) -> Iterator[slice]:
    """0 to `count` in pieces of `size`: what is worked out on the way must not grow with the length."""
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def dissect(read: Reader, samples: int) -> Anatomy:
    """One pass over the whole piece, its blocks side by side."""

    def block(start: int) -> tuple[Floats, Floats]:
        length = -(-min(BLOCK, samples - start) // CELL) * CELL
        sound = read(start - WARM_UP, start + length + FILTER_REACH)
        power = cell_power(sound[:, :-FILTER_REACH]).astype(np.float32)
        return limiter.cell_peaks(sound[:, WARM_UP - FILTER_REACH :]), power

    cells = -(-samples // CELL)
    anatomy = Anatomy(np.empty(cells, np.float32), np.empty(cells, np.float32))
    at = 0
    for peaks, power in ordered(block, range(0, samples, BLOCK)):
        anatomy.peaks[at : at + len(peaks)], anatomy.power[at : at + len(peaks)] = peaks, power
        at += len(peaks)
    return anatomy


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
    dither = np.random.Philox(key=[seed % 2**64, 1 << 63])
    for block in blocks:
        values = np.ascontiguousarray(block.T) * np.float32(FULL_SCALE)
        # Two 16-bit numbers of a random word, one less the other.
        pairs = dither.random_raw(-(-values.size // 2)).astype("<u8", copy=False).view("<u2").reshape(-1, 2)
        triangle = np.subtract(pairs[:, 0], pairs[:, 1], dtype=np.float32)[: values.size]
        triangle *= np.float32(2**-16)
        values = np.rint(values.astype(np.float64) + triangle.reshape(values.shape))
        yield values.clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int32)
