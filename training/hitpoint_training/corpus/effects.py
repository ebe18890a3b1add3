"""What a mixing engineer puts on the sum: a tone control that follows the light of the picture, and a bus
compressor that glues the hits to the groove."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfilt

from hitpoint.values import SAMPLE_RATE, Floats

_BLOCK = 240  # samples: 5 ms, the step of the gain computer
_RANGE_DB = 11.0  # the threshold lies so far below the loudest sustained level
_RATIO = 2.6
_KNEE_DB = 8.0
_ATTACK_S, _RELEASE_S = 0.022, 0.16  # slow enough to let the stroke of a hit through

_SHELF_HZ = 1000.0
_SHELF_DB = 16.0  # from a black picture to a white one
_NEUTRAL = 0.5  # brightness
_FADE_S = 0.02


def shine(sound: Floats, starts: tuple[float, ...], brightness: tuple[float, ...]) -> Floats:
    """(samples, 2) -> the same, its treble raised in bright scenes and lowered in dark ones; each scene
    begins at its start (seconds)."""
    if not starts:
        return sound
    low = sosfilt(butter(1, _SHELF_HZ, fs=SAMPLE_RATE, output="sos"), sound, axis=0).astype(np.float32)
    levels = 10 ** (_SHELF_DB / 20 * (np.array(brightness) - _NEUTRAL))
    edges = np.repeat(starts[1:], 2) + np.tile((-_FADE_S / 2, _FADE_S / 2), len(starts) - 1)
    times = np.arange(len(sound)) / SAMPLE_RATE
    gain = (
        np.interp(times, edges, np.repeat(levels, 2)[1:-1]) if len(edges) else np.full(len(sound), levels[0])
    )
    return np.asarray(low + (sound - low) * gain[:, None], np.float32)


def compress(sound: Floats) -> Floats:
    """(samples, 2) -> the same with its loud stretches brought down; attacks pass, levels are not restored.

    Feed-forward, soft knee, smooth decoupled peak detector (Giannoulis et al., JAES 2012, Eq. 4 and 17).
    """
    blocks = -(-len(sound) // _BLOCK)
    power = np.zeros(blocks * _BLOCK, np.float32)
    power[: len(sound)] = (sound**2).mean(1)
    level = 10 * np.log10(power.reshape(blocks, _BLOCK).mean(1) + 1e-9)
    over = level - (np.percentile(level, 99.5) - _RANGE_DB)
    soft = np.clip(over + _KNEE_DB / 2, 0, _KNEE_DB) ** 2 / (2 * _KNEE_DB)
    wanted = (1 - 1 / _RATIO) * np.where(over > _KNEE_DB / 2, over, soft)
    reduction = _smoothed(wanted)
    places = (np.arange(blocks) + 0.5) * _BLOCK
    gain = 10 ** (-np.interp(np.arange(len(sound)), places, reduction) / 20)
    return np.asarray(sound * gain[:, None], np.float32)


def _smoothed(wanted: np.ndarray) -> np.ndarray:
    """(blocks,) gain reduction in dB that rises with the attack and falls with the release time."""
    step = _BLOCK / SAMPLE_RATE
    attack, release = np.exp(-step / _ATTACK_S), np.exp(-step / _RELEASE_S)
    out = np.empty_like(wanted)
    held = smooth = 0.0
    for index, value in enumerate(wanted):
        held = max(value, release * held + (1 - release) * value)
        smooth = attack * smooth + (1 - attack) * held
        out[index] = smooth
    return out
