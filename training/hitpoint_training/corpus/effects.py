"""What a mixing engineer puts on the sum: a bus compressor that glues the hits to the groove."""

from __future__ import annotations

import numpy as np

from hitpoint.values import SAMPLE_RATE, Floats

_BLOCK = 240  # samples: 5 ms, the step of the gain computer
_RANGE_DB = 11.0  # the threshold lies so far below the loudest sustained level
_RATIO = 2.6
_KNEE_DB = 8.0
_ATTACK_S, _RELEASE_S = 0.022, 0.16  # slow enough to let the stroke of a hit through


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
