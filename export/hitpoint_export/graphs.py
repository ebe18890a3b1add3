"""The graphs of a bundle as modules with fixed inputs and outputs, ready to export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hitpoint.cue.tracks import EVENT_FEATURES, EVENTS, GLOBALS, SAMPLES_PER_LATENT, TRACKS
from hitpoint_training.decoder import Decoder
from hitpoint_training.encoder import Encoder
from hitpoint_training.recipe import FlowRecipe
from hitpoint_training.unet import Generator

Shape = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output of a graph; a shape names its free axes."""

    name: str
    shape: Shape
    kind: str = "float32"


@dataclass(frozen=True, slots=True)
class Graph:
    """A module and its ports. `example` makes inputs for so many latent frames."""

    name: str
    module: nn.Module
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    example: Callable[[int], tuple[Tensor, ...]]
    halved: bool = True  # whether its weights are shipped as fp16


def _conditioner(generator: Generator, flow: FlowRecipe) -> Graph:
    def example(frames: int) -> tuple[Tensor, ...]:
        return torch.tensor([3, 16]), torch.randn(2, GLOBALS), torch.rand(2, EVENTS, EVENT_FEATURES)

    blocks = generator.unet.blocks + 1
    return Graph(
        "cond",
        generator.conditioner,
        (
            Port("style", ("B",), "int64"),
            Port("globals", ("B", GLOBALS)),
            Port("events", ("B", EVENTS, EVENT_FEATURES)),
        ),
        (Port("kv", ("B", blocks, 2, EVENTS + 2, flow.context)),),
        example,
    )


def _step(generator: Generator, latent: int, flow: FlowRecipe) -> Graph:
    blocks = generator.unet.blocks + 1

    def example(frames: int) -> tuple[Tensor, ...]:
        mask = torch.zeros(2, 1, frames)
        mask[:, :, : frames // 4] = 1
        return (
            torch.randn(2, latent, frames),
            torch.tensor([0.3, 0.9]),
            torch.randn(2, latent, frames),
            mask,
            torch.rand(2, TRACKS, frames),
            torch.randn(2, blocks, 2, EVENTS + 2, flow.context),
        )

    return Graph(
        "step",
        generator.unet,
        (
            Port("x", ("B", latent, "T")),
            Port("t", ("B",)),
            Port("known", ("B", latent, "T")),
            Port("mask", ("B", 1, "T")),
            Port("tracks", ("B", TRACKS, "T")),
            Port("kv", ("B", blocks, 2, EVENTS + 2, flow.context)),
        ),
        (Port("v", ("B", latent, "T")),),
        example,
    )


def _decode(decoder: Decoder, latent: int) -> Graph:
    def example(frames: int) -> tuple[Tensor, ...]:
        positions = torch.arange(2 * frames) + 0.3 * torch.sin(torch.arange(2 * frames) / 9)
        return torch.randn(1, latent, frames), positions, torch.tensor([123_456])

    return Graph(
        "decode",
        decoder,
        (Port("z", (1, latent, "T")), Port("positions", ("2T",)), Port("frame", (1,), "int64")),
        (Port("spectrum", (1, 2, 2, 1025, "2T")),),
        example,
    )


def _encode(encoder: Encoder, latent: int) -> Graph:
    """Its tables stay fp32: rounded, they would hear noise where there is silence."""

    def example(frames: int) -> tuple[Tensor, ...]:
        return (0.1 * torch.randn(1, 2, SAMPLES_PER_LATENT * frames),)

    return Graph(
        "encode",
        encoder,
        (Port("sound", (1, 2, f"{SAMPLES_PER_LATENT}T")),),
        (Port("z", (1, latent, "T")),),
        example,
        halved=False,
    )


def graphs(decoder: Decoder, generator: Generator, latent: int, flow: FlowRecipe) -> tuple[Graph, ...]:
    """The graphs of a bundle."""
    return (
        _conditioner(generator, flow),
        _step(generator, latent, flow),
        _decode(decoder, latent),
        _encode(Encoder(decoder.projection), latent),
    )
