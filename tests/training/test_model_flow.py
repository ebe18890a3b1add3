"""The network and its training: what it sees, what it must not see, and that it learns and resumes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from hitpoint.cue.tracks import EVENT_FEATURES, EVENTS, GLOBALS, HARMONY_TRACKS, RHYTHM_TRACKS, TRACKS
from hitpoint_training import flow
from hitpoint_training.dataset import Window
from hitpoint_training.recipe import FlowRecipe
from hitpoint_training.unet import NULL_STYLE, Generator, rotate

LATENT = 6
TINY = FlowRecipe(channels=(8, 16, 16), context=8, embedding=8, heads=2)


def window(batch: int, frames: int) -> Window:
    return Window(
        torch.randn(batch, LATENT, frames),
        torch.rand(batch, TRACKS, frames),
        torch.zeros(batch, dtype=torch.int64),
        torch.rand(batch, GLOBALS),
        torch.rand(batch, EVENTS, EVENT_FEATURES),
    )


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(5)
    made = Generator(LATENT, TINY)
    for parameter in made.parameters():
        if parameter.abs().max() == 0:
            nn.init.normal_(parameter, std=0.1)
    return made.eval()


def velocity(generator: Generator, told: Window, known: Tensor, mask: Tensor, x: Tensor) -> Tensor:
    with torch.no_grad():
        kv = generator.conditioner(told.style, told.globals, told.events)
        return generator.unet(x, torch.full((len(x),), 0.5), known, mask, told.tracks, kv)


@pytest.mark.parametrize("frames", [8, 64, 200])
def test_any_length_that_is_a_multiple_of_eight(generator: Generator, frames: int) -> None:
    told, x = window(2, frames), torch.randn(2, LATENT, frames)
    out = velocity(generator, told, torch.zeros_like(x), torch.zeros(2, 1, frames), x)
    assert out.shape == x.shape
    assert bool(out.isfinite().all())


def test_every_condition_reaches_the_output(generator: Generator) -> None:
    told, x = window(1, 64), torch.randn(1, LATENT, 64)
    nothing, mask = torch.zeros_like(x), torch.zeros(1, 1, 64)
    plain = velocity(generator, told, nothing, mask, x)
    others = (
        Window(told.latent, told.tracks * 0, told.style, told.globals, told.events),
        Window(told.latent, told.tracks, told.style + 3, told.globals, told.events),
        Window(told.latent, told.tracks, told.style, told.globals + 1, told.events),
        Window(told.latent, told.tracks, told.style, told.globals, told.events * 0),
    )
    for other in others:
        assert (velocity(generator, other, nothing, mask, x) - plain).abs().max() > 1e-5


def test_known_latents_count_only_under_the_mask(generator: Generator) -> None:
    told, x = window(1, 64), torch.randn(1, LATENT, 64)
    known, mask = torch.randn_like(x), torch.zeros(1, 1, 64)
    unseen = velocity(generator, told, known, mask, x)
    assert torch.equal(unseen, velocity(generator, told, known * 2, mask, x))
    mask[:, :, :16] = 1
    assert not torch.allclose(
        velocity(generator, told, known, mask, x), velocity(generator, told, known * 2, mask, x)
    )


def test_rotary_positions_are_relative() -> None:
    query, key = torch.randn(1, 1, 1, 8), torch.randn(1, 1, 1, 8)
    turning = torch.tensor([1.0, 0.5, 0.1, 0.01])

    def score(at: float, other: float) -> Tensor:
        return (rotate(query, at * turning[None]) * rotate(key, other * turning[None])).sum()

    assert torch.allclose(score(3, 7), score(103, 107), atol=1e-5)
    assert not torch.allclose(score(3, 7), score(3, 9), atol=1e-3)


def test_dropping_removes_groups_and_everything() -> None:
    torch.manual_seed(0)
    told = flow.drop_conditions(window(4000, 8))
    no_rhythm = (told.tracks[:, RHYTHM_TRACKS] == 0).all(2).all(1)
    no_harmony = (told.tracks[:, HARMONY_TRACKS] == 0).all(2).all(1)
    no_style = told.style == NULL_STYLE
    everything = no_rhythm & no_harmony & no_style
    assert everything.float().mean() == pytest.approx(0.10, abs=0.02)
    for group in (no_rhythm, no_harmony, no_style):
        assert group.float().mean() == pytest.approx(0.145, abs=0.025)
    assert (told.events[no_style] == 0).all()
    assert (told.globals[no_style] == 0).all()


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
    """With data 0 the velocity is the noise itself, which is x / t."""
    told = window(4, 16)
    told = Window(told.latent * 0, told.tracks, told.style, told.globals, told.events)

    def perfect(x: Tensor, t: Tensor, *_: Tensor) -> Tensor:
        return x / t[:, None, None]

    monkeypatch.setattr(generator.unet, "forward", perfect)
    assert float(flow.flow_loss(generator, told, "cpu")) < 1e-3


def test_euler_steps_along_a_straight_path(monkeypatch: pytest.MonkeyPatch, generator: Generator) -> None:
    target, noise = torch.randn(1, LATENT, 16), torch.randn(1, LATENT, 16)
    monkeypatch.setattr(generator.unet, "forward", lambda x, *_: (noise - target).expand(2, -1, -1))
    made = flow.sample(generator, window(1, 16), noise, steps=5, guidance=2.0)
    assert torch.allclose(made, target, atol=1e-5)
