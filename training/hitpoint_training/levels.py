"""After training: the bands of the decoder are brought to the level that they have in the pieces.

L1 of log amplitude is least at the median, which lies below the mean power of anything noisy, and it makes
the decoder cautious where it is unsure: highs and side come out 1 to 4 dB too soft. That is a constant per
band, and the biases of the heads are constants per oscillator, band of noise and bin.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from hitpoint.values import SAMPLE_RATE, Floats
from hitpoint_training.decoder import BINS, SIZE, Decoder
from hitpoint_training.mel import LOWEST, wide_bands
from hitpoint_training.roundtrip import through_codec

EDGES = (60, 125, 250, 500, 1000, 2000, 3000, 5000, 8000, 12000, 16000, 20000)
"""Hertz, of bands whose level is one number."""
MOST = 4.0  # decibels; more is no matter of level
_NEPERS = np.log(10) / 20  # per decibel of amplitude
_SILENT = 1e-9


def _band_powers(sound: Floats) -> NDArray[np.float64]:
    """(2, bands): mean power of mid and side between the `EDGES`."""
    edges = np.round(np.array(EDGES) / SAMPLE_RATE * SIZE).astype(int)
    window = np.hanning(SIZE + 1)[:-1].astype(np.float32)
    powers = []
    for one in (sound.mean(0), (sound[0] - sound[1]) / 2):
        frames = np.lib.stride_tricks.sliding_window_view(one, SIZE)[:: SIZE // 2]
        power = (np.abs(np.fft.rfft(frames * window)) ** 2).mean(0)
        powers.append(np.add.reduceat(power[: edges[-1]], edges[:-1]))
    return np.array(powers, np.float64)


def missing_levels(decoder: Decoder, sounds: Sequence[Floats]) -> NDArray[np.float64]:
    """(2, bands) decibels that mid and side lack after the codec: the median over the sounds."""
    ratios = [
        (_band_powers(sound) + _SILENT) / (_band_powers(through_codec(decoder, sound)) + _SILENT)
        for sound in sounds
    ]
    return np.asarray(np.median(10 * np.log10(ratios), axis=0), np.float64)


@torch.no_grad()
def level(decoder: Decoder, sounds: Sequence[Floats]) -> NDArray[np.float64]:
    """Add what is missing to the biases, interpolated over log frequency; returns it as (2, bands) dB."""
    lacking = np.clip(missing_levels(decoder, sounds), -MOST, MOST)
    centres = np.log(np.sqrt(np.array(EDGES[:-1], np.float64) * EDGES[1:]))
    bins = np.log(np.maximum(np.arange(BINS), 1) * SAMPLE_RATE / SIZE)
    tones = np.log(440 * 2 ** ((np.arange(decoder.bank.count) + LOWEST - 69) / 12))
    bands = np.log(wide_bands())
    for channel, decibels in enumerate(lacking):
        tonal, hiss, rest = (
            torch.from_numpy(np.interp(places, centres, decibels) * _NEPERS).float()
            for places in (tones, bands, bins)
        )
        decoder.tones.bias.view(2, -1)[channel] += tonal
        decoder.hiss.bias.view(2, -1)[channel] += hiss
        decoder.rest.bias.view(2, 3, BINS)[channel, 0] += rest / 2  # the head's level counts twice
    return lacking
