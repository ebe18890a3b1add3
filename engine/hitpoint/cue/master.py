"""Mastering: clean beginning and ending, loudness, true peak, 24 bits. Everything streams from a `Reader`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.limiter import limited
from hitpoint.cue.loudness import SILENCE, integrated_loudness
from hitpoint.cue.onsets import Reader
from hitpoint.values import SAMPLE_RATE, Floats

FADE_IN = SAMPLE_RATE * 5 // 1000
LONGEST_FADE_OUT = 3 * SAMPLE_RATE
SHORTEST_FADE_OUT = SAMPLE_RATE * 20 // 1000
MAX_GAIN_DB = 40.0
ROUNDS = 4
CLOSE_ENOUGH_LU = 0.1
FULL_SCALE = 1 << 23


@dataclass(frozen=True, slots=True)
class Master:
    """How a piece is finished: `gain_db` before the limiter, and the loudness that comes out, in LUFS."""

    read: Reader
    samples: int
    gain_db: float
    loudness: float

    def blocks(self) -> Iterator[Floats]:
        """(2, n) finished float32 blocks, together `samples` long."""
        return limited(amplified(self.read, self.gain_db), self.samples)


def master(read: Reader, samples: int, end: float, target: float) -> Master:
    """Find the gain that brings a piece to `target` LUFS behind the limiter.

    `end` is the time of the last sound in seconds; its tail fades out until the piece is over. The
    limiter takes some loudness away, so the gain is found in a few rounds.
    """
    faded = fades(read, samples, end)
    gain, result = 0.0, SILENCE
    for _ in range(ROUNDS):
        result = integrated_loudness(limited(amplified(faded, gain), samples))
        if result <= SILENCE or abs(target - result) < CLOSE_ENOUGH_LU:
            break
        gain = min(MAX_GAIN_DB, gain + target - result)
    return Master(faded, samples, gain, result)


def amplified(read: Reader, gain_db: float) -> Reader:
    """`read`, louder."""
    factor = np.float32(10 ** (gain_db / 20))
    return lambda start, stop: read(start, stop) * factor


def fades(read: Reader, samples: int, end: float) -> Reader:
    """`read` with a 5 ms fade-in and a raised-cosine fade-out over the tail after `end`."""
    tail = samples - round(end * SAMPLE_RATE)
    length = min(samples // 2, max(SHORTEST_FADE_OUT, min(LONGEST_FADE_OUT, tail)))
    entry = min(samples // 2, FADE_IN)

    def faded(start: int, stop: int) -> Floats:
        at = np.arange(start, stop)
        rise = np.clip((at + 0.5) / max(1, entry), 0, 1)
        fall = np.clip((samples - at - 0.5) / max(1, length), 0, 1)
        shape = np.sin(np.pi / 2 * rise) ** 2 * np.sin(np.pi / 2 * fall) ** 2
        return read(start, stop) * shape.astype(np.float32)

    return faded


def to_24_bit(blocks: Iterator[Floats], seed: int) -> Iterator[NDArray[np.int32]]:
    """(n, 2) integers of 24 bits, with seeded triangular dither (Lipshitz et al. 1992)."""
    dither = np.random.Generator(np.random.Philox(key=[seed % 2**64, 1 << 63]))
    for block in blocks:
        triangle = dither.random(block.T.shape) - dither.random(block.T.shape)
        values = np.rint(block.T.astype(np.float64) * FULL_SCALE + triangle)
        yield values.clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int32)
