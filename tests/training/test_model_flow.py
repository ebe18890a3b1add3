"""The network and its training: what it sees, what it must not see, and that it learns and resumes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import conditions
import pytest
import torch
from torch import Tensor, nn

from hitpoint.cue import tokens, tracks
from hitpoint_training import flow
from hitpoint_training.conditioner import NULL_STYLE
from hitpoint_training.dataset import Window
from hitpoint_training.recipe import FlowRecipe
from hitpoint_training.unet import Attention, Generator, places_of

LATENT = 6
TINY = FlowRecipe(channels=(8, 16, 16), context=8, embedding=8, heads=2)


window = partial(conditions.window, LATENT)


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(5)
    made = Generator(LATENT, TINY)
    for parameter in made.parameters():
        if parameter.abs().max() == 0:
            nn.init.normal_(parameter, std=0.1)
    return made.eval()


def nothing_known(x: Tensor) -> flow.Known:
    return flow.Known(torch.zeros_like(x), torch.zeros(len(x), 1, x.shape[2]))


@torch.no_grad()
def velocity(generator: Generator, told: Window, x: Tensor, known: flow.Known | None = None) -> Tensor:
    time = torch.tensor([[0.7, 0.5, 2.0]]).repeat(len(x), 1)
    return flow.velocity(generator, x, time, known or nothing_known(x), told)


@pytest.mark.parametrize("frames", [8, 64, 200])
def test_any_length_that_is_a_multiple_of_eight(generator: Generator, frames: int) -> None:
    x = torch.randn(2, LATENT, frames)
    out = velocity(generator, window(2, frames), x)
    assert out.shape == x.shape
    assert bool(out.isfinite().all())


@pytest.mark.parametrize(
    "name", ["tracks", "transitions", "style", "globals", "looks", "scenes", "attention", "adapted"]
)
def test_every_condition_reaches_the_output(generator: Generator, name: str) -> None:
    told, x = window(1, 64), torch.randn(1, LATENT, 64)
    part = getattr(told, name)
    if name == "attention":
        other = torch.where(torch.arange(tokens.TOKENS) < 40, part, torch.tensor(float(tokens.HIDDEN)))
    else:
        other = part + 1 if name in ("style", "globals") else part * 0
    changed = velocity(generator, replace(told, **{name: other}), x)
    assert (changed - velocity(generator, told, x)).abs().max() > 1e-5


def test_known_latents_reach_the_output(generator: Generator) -> None:
    told, x = window(1, 64), torch.randn(1, LATENT, 64)
    mask = torch.zeros(1, 1, 64)
    mask[:, :, :16] = 1
    one, two = (flow.Known(torch.randn_like(x) * mask, mask) for _ in range(2))
    assert not torch.allclose(velocity(generator, told, x, one), velocity(generator, told, x, two))


def test_scenes_of_other_shots_get_exactly_no_attention() -> None:
    """VeM's storyboard-guided attention, with the mask added instead of multiplied: nothing leaks."""
    torch.manual_seed(1)
    attention = Attention(16, 8, 2)
    nn.init.normal_(attention.answer.weight)
    x, hidden = torch.randn(1, 16, 12), torch.zeros(1, 1, 12, 5)
    hidden[:, :, :6, 3] = float(tokens.HIDDEN)  # the fourth token belongs to the second half alone
    keys, values, places = torch.randn(1, 2, 4, 5), torch.randn(1, 2, 5, 4), places_of(25.0, 8)[:12]
    other = values.clone()
    other[:, :, 3] += 100
    before, after = (attention(x, keys, v, hidden, places) for v in (values, other))
    assert torch.equal(before[:, :, :6], after[:, :, :6])
    assert (before[:, :, 6:] - after[:, :, 6:]).abs().max() > 0.1


def test_the_adapter_is_the_identity_at_first() -> None:
    torch.manual_seed(2)
    made = Generator(LATENT, TINY).eval()
    nn.init.normal_(made.unet.leave.weight)
    told, x = window(1, 32), torch.randn(1, LATENT, 32)
    assert torch.equal(velocity(made, told, x), velocity(made, replace(told, adapted=torch.zeros(1)), x))


def test_rotary_positions_are_relative() -> None:
    """What a frame asks of another depends on how far apart they are, not on where they are."""
    places = places_of(50.0, 8)
    query, key = torch.randn(8), torch.randn(8)

    def turned(x: Tensor, frame: int) -> Tensor:
        return x * places[frame, :8] + torch.cat([x[4:], x[:4]]) * places[frame, 8:16]

    def score(at: int, other: int) -> Tensor:
        return (turned(query, at) * turned(key, other)).sum()

    assert torch.allclose(score(3, 7), score(103, 107), atol=1e-5)
    assert not torch.allclose(score(3, 7), score(3, 9), atol=1e-3)


def test_dropping_removes_groups_and_everything() -> None:
    torch.manual_seed(0)
    told = flow.drop_conditions(window(4000, 8), 4000)
    no_rhythm = (told.tracks[:, tracks.RHYTHM_TRACKS] == 0).all(2).all(1)
    no_harmony = (told.tracks[:, tracks.HARMONY_TRACKS] == 0).all(2).all(1)
    no_style = told.style == NULL_STYLE
    no_scenes = (told.attention[:, :, tokens.SCENE_TOKENS] < 0).all(2).all(1)
    everything = no_rhythm & no_harmony & no_style & no_scenes
    assert everything.float().mean() == pytest.approx(0.10, abs=0.02)
    for group in (no_rhythm, no_harmony, no_style):
        assert group.float().mean() == pytest.approx(0.145, abs=0.025)
    assert no_scenes.float().mean() == pytest.approx(0.19, abs=0.025)
    assert (told.globals[no_style] == 0).all()
    assert not flow.drop_conditions(window(400, 8), 0).tracks.sum((1, 2)).eq(0).any()


def test_known_stretches_are_the_data_and_never_everything() -> None:
    torch.manual_seed(0)
    latent = torch.randn(400, LATENT, 64)
    known = flow.draw_known(latent)
    covered = known.mask.mean(dim=(1, 2))
    assert (covered == 0).float().mean() == pytest.approx(0.5, abs=0.08)
    assert covered.max() < 1
    assert set(known.mask.unique().tolist()) == {0.0, 1.0}
    assert ((known.latent - latent) * known.mask).std() < 0.1
    assert (known.latent * (1 - known.mask)).abs().max() == 0


def test_the_loss_of_a_perfect_network_is_zero(monkeypatch: pytest.MonkeyPatch, generator: Generator) -> None:
    """With data 0 every mean velocity is the noise itself, which is x / t, whatever the guidance."""
    told = replace(window(8, 16), latent=torch.zeros(8, LATENT, 16))
    monkeypatch.setattr(flow, "velocity", lambda _, x, time, *rest: x / time[:, :1, None])
    assert float(flow.flow_loss(generator, generator, told, torch.ones(LATENT), "cpu")) < 1e-3


def test_a_jump_is_two_jumps_of_half_the_length(generator: Generator) -> None:
    torch.manual_seed(3)
    told, x = window(1, 16), torch.randn(1, LATENT, 16)
    known = nothing_known(x)
    made = flow.jump_target(generator, x, x * 0, torch.tensor([[0.8, 0.4, 2.0]]), known, told)
    with torch.no_grad():
        first = flow.velocity(generator, x, torch.tensor([[0.8, 0.6, 2.0]]), known, told)
        second = flow.velocity(generator, x - 0.2 * first, torch.tensor([[0.6, 0.4, 2.0]]), known, told)
    assert torch.allclose(made, (first + second) / 2, atol=1e-5)


def test_an_instant_is_guided_only_where_there_is_much_noise(generator: Generator) -> None:
    told, x = window(1, 16), torch.randn(1, LATENT, 16)
    known, rows = nothing_known(x), torch.tensor([True])
    for t, weight in ((0.8, 3.0), (0.1, 1.0)):
        made = flow.jump_target(generator, x, x * 0, torch.tensor([[t, t, 3.0]]), known, told)
        with torch.no_grad():
            time = torch.tensor([[t, t, 1.0]])
            cond = flow.velocity(generator, x, time, known, told)
            free = flow.velocity(generator, x, time, known, flow.without(told, rows, flow.EVERYTHING))
        guided = free + weight * (cond - free)
        assert torch.allclose(made, flow.as_wide(guided, cond, x, time[:, :1, None]), atol=1e-5)
        assert weight > 1 or torch.allclose(made, cond, atol=1e-5)


def test_guidance_widens_the_data_half_as_much() -> None:
    """The direction is that of the guided velocity, the spread of what it points at halfway to the plain."""
    torch.manual_seed(4)
    x, plain, t = torch.randn(2, LATENT, 64), torch.randn(2, LATENT, 64), torch.full((2, 1, 1), 0.7)
    guided = plain + 2 * torch.randn(2, LATENT, 64)
    made, wanted = x - t * flow.as_wide(guided, plain, x, t), x - t * guided
    halfway = ((x - t * plain).std((1, 2)) + wanted.std((1, 2))) / 2
    assert torch.allclose(made.std((1, 2)), halfway, rtol=1e-4)
    assert torch.allclose(
        made / made.std((1, 2), keepdim=True), wanted / wanted.std((1, 2), keepdim=True), atol=1e-3
    )


def test_times_are_jumps_of_the_sampler() -> None:
    torch.manual_seed(0)
    time = flow.draw_times(4000, 1000)
    t, r, guidance = time.unbind(1)
    assert ((r >= -1e-6) & (r <= t) & (t <= 1)).all()
    assert (t[:1000] == r[:1000]).all()
    assert (guidance[:1000] == 1).all()
    lengths = (t - r)[1000:].mul(16).round()
    assert {float(length) for length in lengths.unique()} == {0.0, 1.0, 2.0, 4.0, 8.0, 16.0}


def test_sampling_follows_a_straight_path(monkeypatch: pytest.MonkeyPatch, generator: Generator) -> None:
    target, noise = torch.randn(1, LATENT, 16), torch.randn(1, LATENT, 16)
    monkeypatch.setattr(flow, "velocity", lambda *_: noise - target)
    made = flow.sample(generator, window(1, 16), noise, steps=5, guidance=2.0)
    assert torch.allclose(made, target, atol=1e-5)
