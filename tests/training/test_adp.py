"""The backbone `adp`: a-unet's arithmetic, our conditions, and the same way into the engine."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import conditions
import onnx
import pytest
import torch
from torch import nn

pytest.importorskip("a_unet", reason="a-unet is not installed")

from hitpoint.cue import tokens
from hitpoint.cue.onnx_scan import ALLOWED_OPERATORS
from hitpoint_export.graphs import graphs
from hitpoint_export.onnx_file import export, largest_difference
from hitpoint_training import flow
from hitpoint_training.adp import AdpUNet, Attending, GroupNorm
from hitpoint_training.backbones import generator_of
from hitpoint_training.decoder import Decoder
from hitpoint_training.loop import Budget, Plan, run
from hitpoint_training.recipe import FlowRecipe
from hitpoint_training.unet import Generator

LATENT = 8
TINY = FlowRecipe(backbone="adp", channels=(8, 16), context=8, embedding=8, heads=2, windows=(64, 128))
torch.set_num_threads(1)


window = partial(conditions.window, LATENT)


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(5)
    return generator_of(LATENT, TINY).eval()


def test_the_plain_forms_are_those_of_a_unet() -> None:
    torch.manual_seed(0)
    x, told, mask = torch.randn(2, 10, 32), torch.randn(2, 7, 16), torch.zeros(2, 1, 10, 7)
    own, cross, norm = Attending(32, 2), Attending(32, 2, 16), GroupNorm(8, 32)
    assert torch.allclose(own(x), own.weights(x), atol=1e-6)
    assert torch.allclose(cross(x, (told, (mask,))), cross.weights(x, told), atol=1e-6)
    nn.init.normal_(norm.weight)
    y = torch.randn(2, 32, 50)
    assert torch.allclose(norm(y), nn.functional.group_norm(y, 8, norm.weight, norm.bias), atol=1e-5)


def test_hidden_tokens_get_exactly_no_attention() -> None:
    torch.manual_seed(0)
    cross = Attending(32, 2, 16)
    x, told, mask = torch.randn(1, 10, 32), torch.randn(1, 7, 16), torch.zeros(1, 1, 10, 7)
    mask[:, :, :5, 3] = float(tokens.HIDDEN)
    other = told.clone()
    other[:, 3] += 100
    before, after = (cross(x, (one, (mask,))) for one in (told, other))
    assert torch.equal(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5:], after[:, 5:])


@pytest.mark.parametrize(
    "name", ["tracks", "transitions", "style", "globals", "looks", "scenes", "attention", "adapted"]
)
@torch.no_grad()
def test_every_condition_reaches_the_output(generator: Generator, name: str) -> None:
    assert isinstance(generator.unet, AdpUNet)
    told, x = window(1, 64), torch.randn(1, LATENT, 64)
    known = flow.Known(torch.zeros_like(x), torch.zeros(1, 1, 64))
    part = getattr(told, name)
    if name == "attention":
        other = torch.where(torch.arange(tokens.TOKENS) < 40, part, torch.tensor(float(tokens.HIDDEN)))
    else:
        other = part + 1 if name in ("style", "globals") else part * 0
    time = torch.tensor([[0.7, 0.5, 2.0]])
    made = [flow.velocity(generator, x, time, known, one) for one in (told, replace(told, **{name: other}))]
    assert made[0].shape == x.shape
    assert (made[0] - made[1]).abs().max() > 1e-6


def test_it_trains_and_samples_like_the_other(tmp_path: Path, generator: Generator) -> None:
    mean = generator_of(LATENT, TINY)
    mean.load_state_dict(generator.state_dict())
    told, losses = window(8, 64), []

    def loss() -> torch.Tensor:
        made = flow.flow_loss(generator, mean, told, torch.ones(LATENT), "cpu")
        losses.append(made.item())
        return made

    run(generator, loss, Plan(tmp_path / "flow.safetensors", Budget(1, steps=150), 3e-3, 0.9), mean)
    assert sum(losses[-30:]) < 0.97 * sum(losses[:30])
    made = flow.sample(mean, told, torch.randn(8, LATENT, 64), 2, 2.0)
    assert bool(made.isfinite().all())


@pytest.mark.slow
def test_it_exports_into_what_the_engine_takes(tmp_path: Path, generator: Generator) -> None:
    every = graphs(Decoder(LATENT, 16, 1), generator, LATENT, TINY)
    step = next(graph for graph in every if graph.name == "step")
    export(step, tmp_path / "step.onnx")
    assert largest_difference(step, tmp_path / "step.onnx", 96) < 1e-4
    model = onnx.load(tmp_path / "step.onnx")
    assert {node.op_type for node in model.graph.node} <= ALLOWED_OPERATORS  # of the engine
