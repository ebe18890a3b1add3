"""How far int8 sounds from float32, and whether that is near enough to ship."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hitpoint.values import Floats

SIZES = (512, 1024, 2048, 4096)
GATES = {"step": 0.07, "decode": 0.04}
"""The largest spectral convergence that ships. Two steps of the network sound 0.12 to 0.17 from four, four
0.07 to 0.12 from eight: what is nearer than that is less than what users choose between (docs/engines.md)."""
_FLOOR = 1e-3  # of a bin, -60 dB of a sinusoid's 1: below, levels are not compared


@dataclass(frozen=True, slots=True)
class Distance:
    """Between two sounds: spectral convergence and level (dB), both the mean of `SIZES`, and SNR in dB."""

    spectral_convergence: float
    level_db: float
    snr_db: float


def distance(made: Floats, wanted: Floats) -> Distance:
    """Of `made` from `wanted`, both (channels, samples)."""
    convergence, level = np.mean([_at(made, wanted, size) for size in SIZES], axis=0)
    noise = float(np.mean((made - wanted) ** 2)) / max(float(np.mean(wanted**2)), 1e-20)
    return Distance(float(convergence), float(level), float(-10 * np.log10(max(noise, 1e-20))))


def passes(graph: str, found: Distance) -> bool:
    """Whether the int8 form of a graph may ship; not-a-number may not."""
    return found.spectral_convergence <= GATES[graph]


def _at(made: Floats, wanted: Floats, size: int) -> tuple[float, float]:
    ours, its = _amplitudes(made, size), _amplitudes(wanted, size)
    convergence = float(np.linalg.norm(ours - its)) / max(float(np.linalg.norm(its)), 1e-20)
    apart = np.abs(np.log10(np.maximum(ours, _FLOOR)) - np.log10(np.maximum(its, _FLOOR)))
    return convergence, 20 * float(apart.mean())


def _amplitudes(sound: Floats, size: int) -> Floats:
    """(channels, frames, bins), a sinusoid of full scale being 1."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, size, axis=1)[:, :: size // 4]
    window = np.hanning(size).astype(np.float32)
    made: Floats = (np.abs(np.fft.rfft(frames * window)) / (window.sum() / 2)).astype(np.float32)
    return made
