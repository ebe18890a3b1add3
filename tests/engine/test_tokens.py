"""Who may see which token: near ones better than far ones, and of the shots only one's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toy_bundle import toy_plan

from hitpoint.cue import tokens
from hitpoint.cue.plan import LOOK_RATE
from hitpoint.cue.tracks import LATENT_RATE

FRAMES = 256
PLAN = replace(toy_plan(8.0, ()), looks=((0.5,) * tokens.LOOKS,) * 16)


@pytest.mark.parametrize("first", [0, 40, -64])
def test_a_frame_sees_the_look_of_its_own_half_second_best(first: int) -> None:
    seen = tokens.attention(PLAN, first, FRAMES)[:, tokens.VISUAL_TOKENS]
    told = np.any(tokens.looks(PLAN, first, FRAMES), axis=1)
    assert np.all(seen[:, ~told] == tokens.HIDDEN)
    times = (first + np.arange(FRAMES)) / LATENT_RATE
    own = (np.floor(times * LOOK_RATE) - np.floor(first * LOOK_RATE / LATENT_RATE + 0.5)).astype(int)
    known = (own >= 0) & (times >= 0) & (own < told.sum())
    known &= told[np.clip(own, 0, tokens.VISUAL - 1)]
    assert known.sum() > FRAMES / 4
    best = seen[known].max(axis=1)
    assert np.allclose(seen[known, own[known]], best, atol=1e-5)
    assert best.max() <= 0
    far = np.abs(np.arange(tokens.VISUAL) - own[known][:, None]) > 4
    assert np.all(seen[known][far] < -8), "two seconds away next to nothing is left"


def test_no_distance_hides_less_than_a_hidden_token() -> None:
    assert tokens.attention(PLAN, 0, 2048).min() == tokens.HIDDEN
