"""What a listener hears of four seconds: colour, its movement, and the pattern of the onsets, as numbers."""

from __future__ import annotations

from functools import cache

import numpy as np
from librosa.filters import mel

from hitpoint.values import Floats
from hitpoint_training.evaluate.beats import autocorrelation
from hitpoint_training.evaluate.heard import FFT, Heard, decibels
from hitpoint_training.evaluate.sync import RATE

BANDS = 64
SECONDS, EVERY = 4.0, 2.0
_LAGS = np.geomspace(0.1, 2.0, 48)  # seconds
FEATURES = 3 * BANDS + len(_LAGS) + 2


@cache
def _filters() -> Floats:
    return np.asarray(mel(sr=RATE, n_fft=FFT, n_mels=BANDS, fmin=30.0), np.float32)


def log_mel(heard: Heard) -> Floats:
    """(frames, BANDS) decibels."""
    return decibels(_filters() @ np.square(heard.spectrum)).T


def patches(heard: Heard) -> Floats:
    """(patches, FEATURES) of a sound, a patch of four seconds every two; at least one."""
    bands = log_mel(heard)
    starts = np.arange(0, max(heard.duration - SECONDS, 0) + 1e-6, EVERY)
    return np.stack([_patch(heard, bands, float(start)) for start in starts])


def _patch(heard: Heard, bands: Floats, start: float) -> Floats:
    colour = bands[heard.frames(start, start + SECONDS)]
    moved = np.abs(np.diff(colour, axis=0, prepend=colour[:1]))
    curve = heard.curve
    strength = curve.values[round(start * curve.rate) : round((start + SECONDS) * curve.rate)]
    pattern = autocorrelation(strength) if len(strength) else np.zeros(1)
    lags = np.minimum(np.round(_LAGS * curve.rate).astype(int), len(pattern) - 1)
    spread = (strength.mean(), strength.std()) if len(strength) else (0.0, 0.0)
    parts = [colour.mean(axis=0), colour.std(axis=0), moved.mean(axis=0), pattern[lags], spread]
    return np.concatenate([np.asarray(part, np.float32) for part in parts])
