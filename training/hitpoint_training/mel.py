"""The linear codec: two log spectra of mid and side, and their principal components as the latent.

A long window tells semitones apart (and so keeps the key), a short one tells attacks apart. Two frames at
100 Hz make one latent at 50 Hz. Being linear it is fitted in seconds and never collapses.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from hitpoint.values import SAMPLE_RATE, Floats

HOP = 480
LONG, SHORT = 8192, 1024
FLOOR = 3e-4  # of the amplitude of a sinusoid: about -70 dBFS
SIDE_WEIGHT = 0.7  # the ear forgives more in the side channel
LOWEST = 28  # MIDI number of the lowest semitone band
_SINGLE_UNTIL, _HIGHEST = 52, 100


def semitone_bands() -> Floats:
    """(bands,) centre frequencies in Hz: one per semitone where the window is blurred, then two."""
    notes = np.concatenate([np.arange(LOWEST, _SINGLE_UNTIL), np.arange(_SINGLE_UNTIL, _HIGHEST + 0.1, 0.5)])
    return (440 * 2 ** ((notes - 69) / 12)).astype(np.float32)


def mel_centres(lowest: float, highest: float, bands: int) -> Floats:
    """(bands,) frequencies in Hz, evenly spaced in mel."""
    low, high = 2595 * np.log10(1 + np.array([lowest, highest]) / 700)
    return (700 * (10 ** (np.linspace(low, high, bands) / 2595) - 1)).astype(np.float32)


def wide_bands() -> Floats:
    """(bands,) centre frequencies in Hz of the short window, mel-spaced over the whole range."""
    return mel_centres(45.0, 19000.0, 72)


def filters(centres: Floats, size: int) -> Floats:
    """(bands, bins) triangles between neighbouring centres, at least one bin wide, each summing to 1."""
    edges = np.concatenate([[2 * centres[0] - centres[1]], centres, [2 * centres[-1] - centres[-2]]])
    spacing = SAMPLE_RATE / size
    bins = np.arange(size // 2 + 1)[None] * spacing
    below = np.maximum(edges[1:-1] - edges[:-2], spacing)[:, None]
    above = np.maximum(edges[2:] - edges[1:-1], spacing)[:, None]
    offset = bins - edges[1:-1, None]
    bank = np.clip(np.where(offset < 0, 1 + offset / below, 1 - offset / above), 0, None)
    whole: Floats = (bank / bank.sum(1, keepdims=True)).astype(np.float32)
    return whole


BANDS = len(semitone_bands()) + len(wide_bands())
FEATURES = 2 * BANDS
"""Values per 100 Hz frame: semitone and wide bands of mid, then of side."""


class LogMel(nn.Module):
    """Sound to log spectra."""

    def __init__(self) -> None:
        super().__init__()
        for name, centres, size in (("long", semitone_bands(), LONG), ("short", wide_bands(), SHORT)):
            bank = filters(centres, size)
            last = int(np.flatnonzero(bank.any(0))[-1]) + 1
            self.register_buffer(f"{name}_bank", torch.from_numpy(bank[:, :last].copy()))
            self.register_buffer(f"{name}_window", torch.hann_window(size))

    def _bands(self, name: str, size: int, sound: Tensor) -> Tensor:
        """(signals, samples) -> (signals, bands, frames), natural log of the sinusoid amplitude."""
        window, bank = self.get_buffer(f"{name}_window"), self.get_buffer(f"{name}_bank")
        spectrum = torch.stft(sound, size, HOP, window=window, center=True, return_complex=True)
        amplitude = spectrum[:, : bank.shape[1]].abs() / (size / 4)
        return torch.log(bank @ amplitude + FLOOR)

    def forward(self, sound: Tensor) -> Tensor:
        """(batch, 2, samples) left and right -> (batch, frames, FEATURES), one frame per HOP samples."""
        middle, side = (sound[:, 0] + sound[:, 1]) / 2, (sound[:, 0] - sound[:, 1]) / 2
        both = torch.stack([middle, side], 1).flatten(0, 1)
        bands = torch.cat([self._bands("long", LONG, both), self._bands("short", SHORT, both)], 1)
        frames = sound.shape[-1] // HOP
        return bands[..., :frames].reshape(len(sound), FEATURES, frames).transpose(1, 2)


def component_weights() -> Tensor:
    """(2 * FEATURES,) float64: what each value of two stacked frames counts in the components."""
    weight = torch.ones(2, 2, BANDS, dtype=torch.float64)
    weight[:, 1] = SIDE_WEIGHT
    return weight.flatten()


class Projection(nn.Module):
    """Whitened principal components of two stacked frames; `fit` fills it."""

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(2 * FEATURES))
        self.register_buffer("analysis", torch.zeros(2 * FEATURES, latent))
        self.register_buffer("synthesis", torch.zeros(latent, 2 * FEATURES))

    def fit(self, stacked: Tensor) -> float:
        """From (frames, 2 * FEATURES); returns the share of the weighted variance that the latent keeps."""
        weight = component_weights()
        data = stacked.double()
        mean = data.mean(0)
        values, vectors = torch.linalg.eigh(torch.cov(((data - mean) * weight).T))
        latent = self.get_buffer("analysis").shape[1]
        kept, basis = values.flip(0)[:latent], vectors.flip(1)[:, :latent]
        scale = kept.clamp(min=1e-6).sqrt()
        self.get_buffer("mean").copy_(mean)
        self.get_buffer("analysis").copy_(weight[:, None] * basis / scale)
        self.get_buffer("synthesis").copy_((basis * scale).T / weight)
        return float(kept.sum() / values.sum())

    def worth(self, power: float) -> Tensor:
        """(latent,) what an error in each component counts, 1 in the mean: its spread to a power.

        Whitening makes the first component, which holds half of the variance, no louder than the last; with
        0 all count alike, with 2 an error counts as much as it changes the log spectra.
        """
        spread = (self.get_buffer("synthesis") * component_weights().float()).norm(dim=1)
        worth: Tensor = spread.pow(power)
        return worth / worth.mean()

    def encode(self, mel: Tensor) -> Tensor:
        """(batch, 2 T, FEATURES) -> (batch, latent, T)."""
        stacked = mel.reshape(len(mel), -1, 2 * FEATURES)
        return ((stacked - self.get_buffer("mean")) @ self.get_buffer("analysis")).transpose(1, 2)

    def decode(self, latent: Tensor) -> Tensor:
        """(batch, latent, T) -> (batch, 2 T, FEATURES)."""
        stacked = latent.transpose(1, 2) @ self.get_buffer("synthesis") + self.get_buffer("mean")
        return stacked.reshape(len(latent), -1, FEATURES)
