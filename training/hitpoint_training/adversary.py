"""The adversarial stage: small discriminators listen to spectra at three resolutions, band by band.

After DAC (arXiv 2306.06546: complex spectra, split into bands, so that loud lows do not hide the highs) with
the hinge loss and feature matching of EnCodec (arXiv 2210.13438). One resolution is drawn per step, as
otherwise the listeners would cost several times what the decoder costs.
"""

from __future__ import annotations

import random

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hitpoint_training.recipe import CodecRecipe

SIZES = (2048, 1024, 512)
BANDS = (0.0, 0.1, 0.25, 0.5, 1.0)  # of the half of the sample rate
CHANNELS = 16
_SLOPE = 0.1  # of the leaky rectifier
_QUIET = 1e-4  # of a sinusoid's amplitude


class BandListener(nn.Module):
    """One band of one resolution: (batch, 2 parts, frames, bins) to a judgement of every patch."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(2, CHANNELS, (3, 9), (1, 2), (1, 4)),
                nn.Conv2d(CHANNELS, CHANNELS, (3, 9), (1, 2), (1, 4)),
                nn.Conv2d(CHANNELS, CHANNELS, (3, 9), (1, 2), (1, 4)),
                nn.Conv2d(CHANNELS, CHANNELS, (3, 3), padding=1),
            ]
        )
        self.leave = nn.Conv2d(CHANNELS, 1, (3, 3), padding=1)
        for layer in (*self.layers, self.leave):
            nn.init.kaiming_normal_(layer.weight, _SLOPE)
            nn.init.zeros_(layer.bias)

    def forward(self, band: Tensor) -> list[Tensor]:
        """The features of every layer; the last is the judgement."""
        features: list[Tensor] = []
        for layer in self.layers:
            band = F.leaky_relu(layer(band), _SLOPE)
            features.append(band)
        return [*features, self.leave(band)]


def compressed(sound: Tensor, size: int) -> Tensor:
    """(signals, samples) -> (signals, 2 parts, frames, bins): spectrum, its amplitude as the square root."""
    window = torch.hann_window(size, device=sound.device)
    spectrum = torch.stft(sound, size, size // 4, window=window, return_complex=True) / (size / 4)
    parts = torch.stack([spectrum.real, spectrum.imag], 1).transpose(2, 3)
    power = parts.square().sum(1, keepdim=True)
    return parts * (power + _QUIET**2) ** -0.25


class Listener(nn.Module):
    """All bands of one resolution."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        bins = size // 2 + 1
        self.edges = [round(edge * bins) for edge in BANDS]
        self.bands = nn.ModuleList([BandListener() for _ in BANDS[1:]])

    def forward(self, sound: Tensor) -> list[list[Tensor]]:
        """(signals, samples) -> features of every band."""
        spectrum = compressed(sound, self.size)
        pairs = zip(self.bands, self.edges[:-1], self.edges[1:], strict=True)
        return [band(spectrum[..., low:high]) for band, low, high in pairs]


def hinge(made: list[list[Tensor]], real: list[list[Tensor]]) -> Tensor:
    """What the listeners learn: real above 1, made below -1."""
    bands = zip(made, real, strict=True)
    return torch.stack([F.relu(1 + m[-1]).mean() + F.relu(1 - r[-1]).mean() for m, r in bands]).mean()


def matching(made: list[list[Tensor]], real: list[list[Tensor]]) -> Tensor:
    """Mean absolute difference of features, relative to the size of the real ones."""
    pairs = [pair for m, r in zip(made, real, strict=True) for pair in zip(m[:-1], r[:-1], strict=True)]
    return torch.stack([(m - r).abs().mean() / (r.abs().mean() + 1e-6) for m, r in pairs]).mean()


class Adversary:
    """The listeners and what trains them, beside the decoder's own loop.

    They are no part of a checkpoint: a resumed stage begins with new ones, which `warm` lets learn first.
    """

    def __init__(self, codec: CodecRecipe, device: str, warm: int = 50) -> None:
        self.codec, self.warm, self.steps = codec, warm, 0
        self.listeners = nn.ModuleList([Listener(size) for size in SIZES]).to(device)
        self.optimizer = torch.optim.AdamW(self.listeners.parameters(), 1e-3, betas=(0.8, 0.99))

    def learn(self, listener: nn.Module, made: Tensor, wanted: Tensor) -> None:
        """One step of a listener on (signals, samples)."""
        loss = hinge(listener(made.detach()), listener(wanted))
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(listener.parameters(), 1.0)
        self.optimizer.step()

    def loss(self, made: Tensor, wanted: Tensor) -> Tensor:
        """What the decoder gets to hear about (batch, 2, samples), after one step of the listener itself."""
        listener = random.choice(list(self.listeners))
        channel = random.randrange(2)
        made, wanted = made[:, channel], wanted[:, channel]
        self.learn(listener, made, wanted)
        self.steps += 1
        if self.steps <= self.warm:
            return made.new_zeros(())
        listener.requires_grad_(False)
        heard = listener(made)
        with torch.no_grad():
            real = listener(wanted)
        listener.requires_grad_(True)
        fooled = torch.stack([-band[-1].mean() for band in heard]).mean()
        return self.codec.adversarial_weight * fooled + self.codec.matching_weight * matching(heard, real)
