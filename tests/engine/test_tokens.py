"""Who may see which token: near ones better than far ones, and of the shots only one's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toy_bundle import toy_plan

from hitpoint.cue import tokens
from hitpoint.cue.plan import LOOK_RATE, Accent
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


def test_an_accent_is_seen_around_its_time() -> None:
    plan = replace(PLAN, accents=(Accent(1.0, 0.9), Accent(4.0, 1.0)))
    seen = tokens.attention(plan, 0, FRAMES)[:, tokens.EVENT_TOKENS]
    assert seen.argmax(axis=0)[:2].tolist() == [LATENT_RATE, 4 * LATENT_RATE]
    assert seen[LATENT_RATE, 0] == pytest.approx(0, abs=1e-6)
    assert seen[2 * LATENT_RATE, 0] == pytest.approx(-1, abs=1e-4), "1/e of the weight a second away"
    assert (seen[:, 2:] == tokens.HIDDEN).all()


def test_no_distance_hides_less_than_a_hidden_token() -> None:
    plan = replace(PLAN, accents=(Accent(0.0, 1.0),))
    assert tokens.attention(plan, 0, 2048).min() == tokens.HIDDEN
