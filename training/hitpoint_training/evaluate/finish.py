"""Could it be handed over? Loudness, clipping, silence that nobody asked for, an ending that ends."""

from __future__ import annotations

import warnings

import numpy as np
import pyloudnorm

from hitpoint.cue.plan import CuePlan
from hitpoint_training.evaluate.heard import Heard, decibels

_FULL = 0.999  # of full scale
_QUIET = -60.0  # dB of full scale
_PART = 0.05  # seconds


def loudness(heard: Heard) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770); -70 for silence or less than half a second."""
    if heard.duration < 0.5:
        return -70.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of silence
        found = pyloudnorm.Meter(heard.rate).integrated_loudness(heard.audio.astype(np.float64))
    return float(max(found, -70.0))


def clipped(heard: Heard) -> float:
    """Samples at full scale or beyond, in a thousand."""
    return 1000 * float(np.mean(np.abs(heard.audio) >= _FULL))


def longest_silence(heard: Heard, plan: CuePlan) -> float:
    """Seconds of the longest stretch below -60 dB before the end."""
    level = _levels(heard)[: int(plan.end / _PART)]
    longest = run = 0
    for quiet in level < _QUIET:
        run = run + 1 if quiet else 0
        longest = max(longest, run)
    return longest * _PART


def decay(heard: Heard, plan: CuePlan) -> float:
    """dB from the loudest moment of the last sound to the last twentieth of a second of the cue.

    An ending that ends is well below 0; 0 for silence, nan where there is no room for a tail.
    """
    level = _levels(heard)[: int(plan.duration / _PART)]
    tail = level[int(plan.end / _PART) :]
    return float(tail[-1] - tail.max()) if len(tail) > 3 else float("nan")


def _levels(heard: Heard) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    size = round(_PART * heard.rate)
    mixed = heard.audio.mean(axis=1) if heard.audio.ndim == 2 else heard.audio
    count = len(mixed) // size
    power = np.square(mixed[: count * size].reshape(count, size)).mean(axis=1)
    return np.asarray(decibels(power), np.float32)
