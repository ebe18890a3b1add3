"""A sound through the codec: analysed, projected, decoded."""

from __future__ import annotations

import numpy as np
import torch

from hitpoint.cue.tracks import SAMPLES_PER_LATENT
from hitpoint.values import Floats
from hitpoint_training.decoder import Decoder, sound
from hitpoint_training.mel import LogMel

CHUNK = 400  # latent frames
_AROUND = 10  # latent frames of silence around a piece, more than the longest window of the analysis


@torch.no_grad()
def through_codec(decoder: Decoder, wanted: Floats) -> Floats:
    """(2, samples) at 48 kHz as it comes out of the codec, decoded chunk by chunk as the engine does."""
    length = -(-wanted.shape[1] // SAMPLES_PER_LATENT)
    around = _AROUND * SAMPLES_PER_LATENT
    after = (length + _AROUND) * SAMPLES_PER_LATENT - wanted.shape[1]
    mel = LogMel()(torch.from_numpy(np.pad(wanted, ((0, 0), (around, after))))[None])
    latent = decoder.projection.encode(mel)[..., _AROUND:-_AROUND]
    chunks: list[Floats] = []
    for first in range(0, length, CHUNK):
        low = max(0, first - decoder.halo)
        part = decoder.projection.decode(latent[..., low : first + CHUNK + decoder.halo])
        made = sound(decoder.spectrum(part, *decoder.heads(part), torch.tensor([2 * low])))[0].numpy()
        start = (first - low) * SAMPLES_PER_LATENT
        chunks.append(made[:, start : start + CHUNK * SAMPLES_PER_LATENT])
    return np.concatenate(chunks, 1)[:, : wanted.shape[1]]
