"""The adversarial stage: listeners learn, the decoder hears them, and nobody trains the other by accident."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_run
import torch
from torch import Tensor

from hitpoint_training import train
from hitpoint_training.adversary import Adversary, hinge, matching
from hitpoint_training.checkpoint import load_mean, progress_of
from hitpoint_training.decoder import Decoder
from hitpoint_training.from_bundle import PROJECTION
from hitpoint_training.losses import attack_loss, movement, movement_loss, spectral_loss, texture_loss
from hitpoint_training.recipe import CodecRecipe, read_recipe
from hitpoint_training.start import first_weights


def hissing() -> Tensor:
    return 0.1 * torch.randn(2, 2, 4800)


def humming() -> Tensor:
    pitch = torch.rand(2, 1, 1) * 2000 + 200
    return 0.2 * torch.sin(2 * math.pi * pitch * torch.arange(4800) / 48_000).expand(2, 2, -1)


def test_hinge_by_hand() -> None:
    # Real 2 is beyond 1 and costs nothing, real 0 costs 1; made -3 costs nothing, made 1 costs 2.
    real, made = [[torch.tensor([2.0, 0.0])]], [[torch.tensor([-3.0, 1.0])]]
    assert float(hinge(made, real)) == pytest.approx(0.5 + 1.0)


def test_matching_is_nothing_for_the_same_and_relative() -> None:
    features = [[torch.tensor([1.0, -3.0]), torch.tensor([9.0])]]  # the last is the judgement
    other = [[torch.tensor([2.0, -3.0]), torch.tensor([-9.0])]]
    assert float(matching(features, features)) == 0
    assert float(matching(other, features)) == pytest.approx(0.5 / 2)


def test_listeners_learn_to_tell_hiss_from_hum() -> None:
    torch.manual_seed(1)
    adversary = Adversary(CodecRecipe(), "cpu")
    listener = adversary.listeners[2]

    @torch.no_grad()
    def fooled() -> float:
        return float(hinge(listener(hissing()[:, 0]), listener(humming()[:, 0])))

    before = fooled()
    for _ in range(12):
        adversary.learn(listener, hissing()[:, 0], humming()[:, 0])
    assert before == pytest.approx(2, abs=0.3)
    assert fooled() < 0.8 * before


def test_the_decoder_hears_the_listeners_only_once_they_have_learnt() -> None:
    torch.manual_seed(2)
    adversary = Adversary(CodecRecipe(), "cpu", warm=1)
    made = hissing().requires_grad_()
    assert float(adversary.loss(made, humming())) == 0
    weights = [parameter.clone() for parameter in adversary.listeners.parameters()]
    loss = adversary.loss(made, humming())
    stepped = [parameter.clone() for parameter in adversary.listeners.parameters()]
    torch.autograd.backward(loss)
    assert made.grad is not None
    assert float(made.grad.abs().sum()) > 0
    assert any(not torch.equal(a, b) for a, b in zip(weights, stepped, strict=True))
    assert all(parameter.requires_grad for parameter in adversary.listeners.parameters())


def test_a_soft_attack_costs_and_a_quiet_cymbal_too() -> None:
    time = torch.arange(24_000)
    hiss = 0.1 * torch.randn(1, 2, 24_000)
    sharp, soft = hiss * (time > 12_000), hiss * ((time - 11_000) / 2000).clamp(0, 1)
    assert float(attack_loss(soft[:, 0], sharp[:, 0])) > 10 * float(attack_loss(sharp[:, 0], sharp[:, 0]))
    assert float(attack_loss(soft[:, 0], sharp[:, 0])) > 0.005
    assert float(spectral_loss(0.5 * hiss, hiss)) > float(spectral_loss(0.9 * hiss, hiss)) > 0


def test_a_run_starts_from_another_and_the_listeners_come_in_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = read_recipe(tiny_run.recipe(tmp_path / "first", tiny_run.corpus(tmp_path / "corpus")))
    train.encode(plain)
    train.train_codec(plain, 1.0, resume=False, steps=2)
    heard: list[float] = []

    class Counted(train.Adversary):
        def loss(self, made: Tensor, wanted: Tensor) -> Tensor:
            heard.append(float((made - wanted).abs().mean().detach()))
            return super().loss(made, wanted)

    monkeypatch.setattr(train, "Adversary", Counted)
    codec = replace(plain.codec, minutes=4.0, adversarial_minutes=1.0, rate=0.0)
    second = replace(plain, run=tmp_path / "second", start=str(plain.run), codec=codec)
    second.run.mkdir()
    resume = first_weights(second)
    train.encode(second)
    train.train_codec(second, 1.0, resume=resume, steps=8)
    assert len(heard) == 2
    assert progress_of(second.run / "codec.safetensors").step == 8
    decoders = [Decoder(8, 16, 1) for _ in range(2)]
    for decoder, recipe in zip(decoders, (plain, second), strict=True):
        load_mean(recipe.run / "codec.safetensors", decoder)
    for one, other in zip(decoders[0].parameters(), decoders[1].parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)  # at a rate of zero it is what it began with
    assert (second.run / PROJECTION).read_bytes() == (plain.run / PROJECTION).read_bytes()


def test_two_strings_beside_each_other_move_and_one_alone_does_not() -> None:
    time = torch.arange(48_000) / 48_000
    one = torch.sin(2 * torch.pi * 440 * time)
    two = (one + torch.sin(2 * torch.pi * 446 * time)) / 2
    moved = movement(torch.stack([one, two]), 2048)[0]
    band = 10  # 440 Hz
    assert moved[0, band] < 0.02
    assert moved[1, band] > 0.2


def test_a_knock_moves_all_bands_at_once_and_noise_each_for_itself() -> None:
    noise = 0.1 * torch.randn(1, 48_000, generator=torch.Generator().manual_seed(4))
    knocked = noise.clone()
    knocked[:, 24_000:24_400] *= 30
    still, struck = movement(noise, 2048)[1], movement(knocked, 2048)[1]
    assert struck[0, -1] > 3 * still[0, -1]
    assert struck[0].median() < 1.1 * still[0].median()


def test_noise_in_the_gaps_between_notes_is_heard_whenever_it_comes() -> None:
    time = torch.arange(48_000) / 48_000
    note = torch.sin(2 * torch.pi * 440 * time)
    on = (time % 0.25) < 0.125
    short, later = note * on, note * (~on)
    hissing = short + 0.003 * torch.randn(48_000, generator=torch.Generator().manual_seed(5))
    levels = movement(torch.stack([short, later, hissing]), 2048)[2][:, 30]  # well above the note
    moved, filled = (levels[1] - levels[0]).abs().mean(), (levels[2] - levels[0]).abs().mean()
    assert filled > 3 * moved


def test_too_soft_every_time_is_worse_than_now_too_soft_and_now_too_loud() -> None:
    noise = 0.1 * torch.randn(2, 48_000, generator=torch.Generator().manual_seed(6))
    always = movement_loss(noise * torch.tensor([[0.7], [0.7]]), noise, 2048)
    in_turn = movement_loss(noise * torch.tensor([[0.7], [1 / 0.7]]), noise, 2048)
    assert movement_loss(noise, noise, 2048) == 0
    assert always > 1.5 * in_turn


def test_noise_that_repeats_itself_is_told_from_noise_that_does_not() -> None:
    generator = torch.Generator().manual_seed(7)
    one, other = 0.1 * torch.randn(2, 2, 96_000, generator=generator)
    again = one[:, :2400].tile(1, 40)
    assert texture_loss(other, one, 1024) < 0.1
    assert texture_loss(again, one, 1024) > 5 * texture_loss(other, one, 1024)
