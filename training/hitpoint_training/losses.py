"""What the decoder is trained on: spectra at three random resolutions, of left and right or mid and side."""

from __future__ import annotations

import random

import torch
from torch import Tensor

TONAL, MEDIUM, SHARP = (8192, 4096), (2048, 1024), (512, 256)
_PHASE_FROM = 2600.0  # Hz; below, the oscillators choose a phase of their own
_PHASE_WEIGHT = 0.25


def _channels(sound: Tensor, sum_and_difference: bool) -> Tensor:
    """(batch, 2, samples) -> (2 batch, samples)."""
    if not sum_and_difference:
        return sound.flatten(0, 1)
    return torch.cat([(sound[:, 0] + sound[:, 1]) / 2, (sound[:, 0] - sound[:, 1]) / 2])


def _amplitude(spectrum: Tensor) -> Tensor:
    return (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt()


def one_resolution(made: Tensor, wanted: Tensor, size: int) -> Tensor:
    """L1 of log amplitude, relative L1 of amplitude, and for sharp windows relative L1 of the phase above."""
    window = torch.hann_window(size, device=made.device)
    a = torch.stft(made, size, size // 4, window=window, return_complex=True)
    b = torch.stft(wanted, size, size // 4, window=window, return_complex=True)
    first, second = _amplitude(a), _amplitude(b)
    floor = size * 1e-5
    loss = (torch.log(first + floor) - torch.log(second + floor)).abs().mean()
    loss = loss + (first - second).abs().mean() / (second.mean() + floor)
    if size in SHARP:
        low = int(_PHASE_FROM / 48000 * size) + 1
        apart = _amplitude(a[:, low:] - b[:, low:]).mean()
        loss = loss + _PHASE_WEIGHT * apart / (second[:, low:].mean() + floor)
    return loss


def spectral_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """(batch, 2, samples) each."""
    sum_and_difference = random.random() < 0.5
    made, wanted = _channels(made, sum_and_difference), _channels(wanted, sum_and_difference)
    sizes = (random.choice(TONAL), random.choice(MEDIUM), random.choice(SHARP))
    return torch.stack([one_resolution(made, wanted, size) for size in sizes]).sum()
