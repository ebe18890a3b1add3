"""A decoder whose bands are too soft gets them back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hitpoint_training import levels
from hitpoint_training.decoder import Decoder
from hitpoint_training.mel import FEATURES
from hitpoint_training.roundtrip import through_codec


@pytest.fixture
def decoder() -> Decoder:
    torch.manual_seed(3)
    made = Decoder(16, 32, 1)
    made.projection.fit(torch.randn(600, 2 * FEATURES))
    with torch.no_grad():
        made.tones.bias -= 6  # nothing is as loud as the limits of its parts
        made.hiss.bias -= 6
    return made.eval()


def test_what_was_taken_from_the_biases_comes_back(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sound that it should make is its own, as it was at the beginning."""
    sound = (0.1 * np.random.default_rng(0).standard_normal((2, 48_000))).astype(np.float32)
    wanted = through_codec(decoder, sound)
    monkeypatch.setattr(levels, "through_codec", lambda of, _: through_codec(of, sound))
    before = [layer.bias.detach().clone() for layer in (decoder.tones, decoder.hiss, decoder.rest)]
    with torch.no_grad():
        decoder.tones.bias.view(2, -1)[1] -= 3 * np.log(10) / 20  # the side, 3 dB softer
        decoder.hiss.bias.view(2, -1)[1] -= 3 * np.log(10) / 20
        decoder.rest.bias.view(2, 3, -1)[1, 0] -= 3 * np.log(10) / 40
    lacking = levels.level(decoder, [wanted])
    assert lacking[0] == pytest.approx(np.zeros(len(levels.EDGES) - 1), abs=1e-3)
    assert lacking[1] == pytest.approx(np.full(len(levels.EDGES) - 1, 3.0), abs=0.05)
    for layer, bias in zip((decoder.tones, decoder.hiss, decoder.rest), before, strict=True):
        assert torch.allclose(layer.bias, bias, atol=0.01)
