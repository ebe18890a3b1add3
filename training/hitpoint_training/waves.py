"""A number as sines and cosines at doubling rates, so that a network can tell small differences."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def waves(value: Tensor, octaves: int) -> Tensor:
    """(...,) -> (..., 2 * octaves): half a turn per unit first."""
    rates = math.pi * 2.0 ** torch.arange(octaves, device=value.device)
    angle = value[..., None] * rates
    return torch.cat([torch.sin(angle), torch.cos(angle)], -1)
