"""Sound to latents without an operator for Fourier transforms, so that every runtime can run it.

A transform of size P * Q in two matrix products with a rotation between them (Cooley and Tukey, 1965) needs
matrices of P and of Q alone: with n = Q n1 + n2 and k = k1 + P k2, first over n1, then over n2. Bins above
the highest band are never computed.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hitpoint_training.mel import FEATURES, FLOOR, HOP, LONG, SHORT, LogMel, Projection


class Amplitude(nn.Module):
    """(signals, frames, size) samples to (signals, frames, bins): amplitude of a sinusoid, Hann window."""

    def __init__(self, size: int, bins: int) -> None:
        super().__init__()
        self.first = 2 ** (int(math.log2(size)) // 2)
        self.second = size // self.first
        self.size, self.bins = size, bins
        rows = math.ceil(bins / self.first)
        n1, n2 = torch.arange(self.first), torch.arange(self.second)
        inner = torch.outer(n1, n1) % self.first / self.first
        turn = torch.outer(n1, n2) / size
        outer = torch.outer(n2, torch.arange(rows)) % self.second / self.second
        for name, turns in (("inner", inner), ("turn", turn), ("outer", outer)):
            angle = -2 * math.pi * turns.double()
            self.register_buffer(f"{name}_real", torch.cos(angle).float())
            self.register_buffer(f"{name}_imaginary", torch.sin(angle).float())
        self.register_buffer("window", torch.hann_window(size))

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        get = self.get_buffer
        split = (frames * get("window")).reshape(*frames.shape[:2], self.first, self.second)
        real, imaginary = get("inner_real") @ split, get("inner_imaginary") @ split
        real, imaginary = (
            real * get("turn_real") - imaginary * get("turn_imaginary"),
            real * get("turn_imaginary") + imaginary * get("turn_real"),
        )
        real, imaginary = (
            real @ get("outer_real") - imaginary @ get("outer_imaginary"),
            real @ get("outer_imaginary") + imaginary @ get("outer_real"),
        )
        power = (real * real + imaginary * imaginary).transpose(2, 3).flatten(2)[..., : self.bins]
        return torch.sqrt(power) / (self.size / 4)


class Encoder(nn.Module):
    """The graph `encode`: the same latents as `LogMel` and `Projection.encode`."""

    def __init__(self, projection: Projection) -> None:
        super().__init__()
        mel = LogMel()
        self.projection = projection
        for name in ("long_bank", "short_bank"):
            self.register_buffer(name, mel.get_buffer(name).T.contiguous())
        self.long = Amplitude(LONG, mel.get_buffer("long_bank").shape[1])
        self.short = Amplitude(SHORT, mel.get_buffer("short_bank").shape[1])

    def _bands(self, padded: Tensor, amplitude: Amplitude, bank: Tensor) -> Tensor:
        """(signals, samples) with LONG / 2 samples around -> (signals, frames, bands)."""
        frames = (padded.shape[1] - LONG) // HOP
        count = math.ceil(amplitude.size / HOP)  # hops that a window touches
        blocks = padded[:, (LONG - amplitude.size) // 2 :][:, : (frames + count - 1) * HOP]
        hops = blocks.reshape(blocks.shape[0], frames + count - 1, HOP)
        windows = torch.cat([hops[:, i : i + frames] for i in range(count)], 2)[..., : amplitude.size]
        return torch.log(amplitude(windows) @ bank + FLOOR)

    def forward(self, sound: Tensor) -> Tensor:
        """(1, 2, 960 T) left and right at 48 kHz -> (1, latent, T). T is at least 5."""
        both = torch.cat([sound[:, 0] + sound[:, 1], sound[:, 0] - sound[:, 1]]) / 2
        padded = F.pad(both[None], (LONG // 2, LONG // 2), mode="reflect")[0]
        bands = [
            self._bands(padded, self.long, self.get_buffer("long_bank")),
            self._bands(padded, self.short, self.get_buffer("short_bank")),
        ]
        middle_and_side = torch.cat(bands, 2)
        mel = torch.cat([middle_and_side[:1], middle_and_side[1:]], 2)
        assert mel.shape[2] == FEATURES
        return self.projection.encode(mel)
