"""The encoder without a Fourier operator hears what the codec's own analysis hears."""

from __future__ import annotations

import math

import pytest
import torch

from hitpoint_training.encoder import Amplitude, Encoder
from hitpoint_training.mel import FEATURES, LogMel, Projection


@pytest.mark.parametrize("size", [1024, 8192])
def test_amplitude_of_a_sinusoid_is_its_own(size: int) -> None:
    bins = size // 4
    tone = 0.25 * torch.cos(2 * math.pi * 37 * torch.arange(size) / size)
    found = Amplitude(size, bins)(tone[None, None])[0, 0]
    assert found.shape == (bins,)
    assert int(found.argmax()) == 37
    assert float(found[37]) == pytest.approx(0.25, rel=1e-4)
    assert float(found[42:].max()) < 1e-5


def test_its_latents_equal_those_of_the_training() -> None:
    torch.manual_seed(4)
    projection = Projection(16)
    projection.fit(torch.randn(400, 2 * FEATURES))
    sound = 0.1 * torch.randn(1, 2, 960 * 24) * torch.linspace(0, 1, 960 * 24)
    sound[0, 0] += 0.3 * torch.sin(2 * math.pi * 440 * torch.arange(960 * 24) / 48_000)
    wanted = projection.encode(LogMel()(sound))
    made = Encoder(projection)(sound)
    assert made.shape == (1, 16, 24)
    assert float((made - wanted).abs().max()) < 1e-3 * float(wanted.abs().max())
