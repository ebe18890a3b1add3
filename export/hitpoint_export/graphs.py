"""The graphs of a bundle as modules with fixed inputs and outputs, ready to export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hitpoint.cue.tokens import (
    LOOKS,
    SCENE_FEATURES,
    SCENES,
    TOKENS,
    VISUAL,
)
from hitpoint.cue.tracks import GLOBALS, SAMPLES_PER_LATENT, TRACKS
from hitpoint_training.conditioner import ALIGNED, Conditions
from hitpoint_training.decoder import Decoder
from hitpoint_training.encoder import Encoder
from hitpoint_training.recipe import FlowRecipe
from hitpoint_training.unet import Generator, attentions_of

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


def _told(flow: FlowRecipe) -> tuple[Port, ...]:
    """What the conditioner says and the U-Net hears."""
    rows, features = attentions_of(flow) * flow.heads, flow.context // flow.heads
    return (
        Port("keys", (1, rows, features, TOKENS)),
        Port("values", (1, rows, TOKENS, features)),
        Port("vector", (1, flow.context)),
        Port("aligned", (1, ALIGNED, "T")),
    )


def _conditioner(generator: Generator, flow: FlowRecipe) -> Graph:
    ports = (
        Port("style", (1,), "int64"),
        Port("globals", (1, GLOBALS)),
        Port("looks", (1, VISUAL, LOOKS)),
        Port("scenes", (1, SCENES, SCENE_FEATURES)),
        Port("tracks", (1, TRACKS, "T")),
        Port("transitions", (1, 1, "T")),
    )

    def example(frames: int) -> tuple[Tensor, ...]:
        return torch.tensor([3]), *_random(ports[1:], frames)

    return Graph("cond", Conditions(generator.conditioner, generator.aligner), ports, _told(flow), example)


def _random(ports: tuple[Port, ...], frames: int) -> tuple[Tensor, ...]:
    """Numbers from 0 to 1 in the shape of every port, with so many frames where the length is free."""
    sizes = [[frames if size == "T" else int(size) for size in port.shape] for port in ports]
    return tuple(torch.rand(*size) for size in sizes)


def _step(generator: Generator, latent: int, flow: FlowRecipe) -> Graph:
    ports = (
        Port("x", (1, latent, "T")),
        Port("time", (1, 3)),
        Port("known", (1, latent, "T")),
        Port("mask", (1, 1, "T")),
        Port("tracks", (1, TRACKS, "T")),
        Port("attention", (1, "T", TOKENS)),
        *_told(flow),
    )

    def example(frames: int) -> tuple[Tensor, ...]:
        x, time, known, mask, *rest = _random(ports, frames)
        return torch.randn_like(x), time, torch.randn_like(known), mask.round(), *rest

    return Graph("step", generator.unet, ports, (Port("v", (1, latent, "T")),), example)


def _decode(decoder: Decoder, latent: int) -> Graph:
    def example(frames: int) -> tuple[Tensor, ...]:
        positions = torch.arange(2 * frames) + 0.3 * torch.sin(torch.arange(2 * frames) / 9)
        return torch.randn(1, latent, frames), positions, torch.tensor([123_456])

    return Graph(
        "decode",
        decoder,
        (Port("z", (1, latent, "T")), Port("positions", ("2T",)), Port("frame", (1,), "int64")),
        (Port("spectrum", (1, 2, "2T", 2, 1025)),),
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
