"""Conditional 1-D U-Net over latents, written to export into a few hundred nodes.

Levels at 50, 25, 12.5 and 6.25 Hz. The tracks enter at the input and in every block at its own rate; tokens
(style, global numbers, accents) by cross-attention at the lower levels, as in LORIS, and style by modulation.
All norms look at one frame only: nothing depends on how long the window is.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hitpoint.cue.plan import STYLES
from hitpoint.cue.tracks import EVENT_FEATURES, GLOBALS, LATENT_RATE, TRACKS
from hitpoint_training.recipe import FlowRecipe

NULL_STYLE = len(STYLES)
_OCTAVES = 6


def waves(value: Tensor, octaves: int = _OCTAVES) -> Tensor:
    """(...,) -> (..., 2 * octaves): sines and cosines at doubling rates, half a turn per unit first."""
    rates = math.pi * 2.0 ** torch.arange(octaves, device=value.device)
    angle = value[..., None] * rates
    return torch.cat([torch.sin(angle), torch.cos(angle)], -1)


class FrameNorm(nn.Module):
    """Root-mean-square norm over the channels of each frame, (batch, channels, frames)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out."""
        return x * torch.rsqrt((x * x).mean(1, keepdim=True) + 1e-5) * self.gain


class Residual(nn.Module):
    """Two convolutions; tracks are added between them, time and style scale and shift."""

    def __init__(self, inside: int, channels: int, embedding: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = FrameNorm(inside), FrameNorm(channels)
        self.conv1 = nn.Conv1d(inside, channels, 3, padding=1)
        self.conv2 = nn.Conv1d(channels, channels, 3, padding=1)
        self.modulate = nn.Linear(embedding, 2 * channels)
        self.inject = nn.Conv1d(TRACKS, channels, 1)
        self.skip = nn.Conv1d(inside, channels, 1) if inside != channels else nn.Identity()

    def forward(self, x: Tensor, embedding: Tensor, tracks: Tensor) -> Tensor:
        """`x` (batch, inside, frames), `embedding` (batch, embedding), `tracks` (batch, TRACKS, frames)."""
        hidden: Tensor = self.conv1(F.silu(self.norm1(x))) + self.inject(tracks)
        scale, shift = self.modulate(embedding)[..., None].chunk(2, 1)
        hidden = self.conv2(F.silu(self.norm2(hidden) * (1 + scale) + shift))
        passed: Tensor = self.skip(x)
        return passed + hidden


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """(batch, heads, frames, features) each; plain so that it exports plainly."""
    weight = (query * query.shape[-1] ** -0.5) @ key.transpose(2, 3)
    return torch.softmax(weight.float(), -1).to(value.dtype) @ value


def rotate(x: Tensor, angle: Tensor) -> Tensor:
    """Rotary position (RoFormer, arXiv 2104.09864): x (..., frames, features), angle (frames, half)."""
    first, second = x.chunk(2, -1)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], -1)


class Attention(nn.Module):
    """Self-attention over the window, then cross-attention to the tokens."""

    def __init__(self, channels: int, context: int, heads: int, rate: float) -> None:
        super().__init__()
        self.heads, self.rate = heads, rate
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.inward = nn.Linear(channels, 3 * channels)
        self.outward = nn.Linear(channels, channels)
        self.ask = nn.Linear(channels + 2 * _OCTAVES, context)
        self.answer = nn.Linear(context, channels)
        for layer in (self.outward, self.answer):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        half = channels // heads // 2
        self.register_buffer("turning", 100.0 ** (-torch.arange(half) / half), persistent=False)

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], x.shape[1], self.heads, x.shape[2] // self.heads).transpose(1, 2)

    def forward(self, x: Tensor, kv: Tensor) -> Tensor:
        """`x` (batch, channels, frames), `kv` (batch, 2, tokens, context)."""
        hidden = x.transpose(1, 2)
        frame = torch.arange(hidden.shape[1], device=x.device)
        angle = frame[:, None] * self.get_buffer("turning")
        query, key, value = (self._split(part) for part in self.inward(self.norm1(hidden)).chunk(3, 2))
        mixed = attend(rotate(query, angle).to(value.dtype), rotate(key, angle).to(value.dtype), value)
        seen: Tensor = self.outward(mixed.transpose(1, 2).flatten(2))
        hidden = hidden + seen
        place = waves(frame / (10 * self.rate)).expand(hidden.shape[0], -1, -1)
        query = self._split(self.ask(torch.cat([self.norm2(hidden), place], 2)))
        mixed = attend(query, self._split(kv[:, 0]).to(query.dtype), self._split(kv[:, 1]).to(query.dtype))
        told: Tensor = self.answer(mixed.transpose(1, 2).flatten(2))
        return (hidden + told).transpose(1, 2)


class Conditioner(nn.Module):
    """Style, global numbers and accent tokens to the keys and values of every cross-attention.

    All of it is constant over the steps of the sampler, hence a graph of its own. The last block of `kv`
    carries in its first row the style vector that modulates the convolutions.
    """

    def __init__(self, context: int, blocks: int) -> None:
        super().__init__()
        self.style = nn.Embedding(NULL_STYLE + 1, context)
        self.globals = nn.Sequential(nn.Linear(GLOBALS, context), nn.SiLU(), nn.Linear(context, context))
        features = EVENT_FEATURES + 2 * _OCTAVES
        self.events = nn.Sequential(nn.Linear(features, context), nn.SiLU(), nn.Linear(context, context))
        self.norm = nn.LayerNorm(context)
        self.keys = nn.ModuleList([nn.Linear(context, 2 * context) for _ in range(blocks)])
        self.vector = nn.Linear(2 * context, context)

    def forward(self, style: Tensor, globals_: Tensor, events: Tensor) -> Tensor:
        """(batch,), (batch, GLOBALS), (batch, EVENTS, EVENT_FEATURES) -> kv (batch, blocks + 1, 2, tokens,
        context).
        """
        named, level = self.style(style), self.globals(globals_)
        moments = self.events(torch.cat([events, waves(events[..., 0])], -1))
        tokens = self.norm(torch.cat([named[:, None], level[:, None], moments], 1))
        pairs = [torch.stack(layer(tokens).chunk(2, -1), 1) for layer in self.keys]
        vector = self.vector(torch.cat([named, level], 1))
        pairs.append(torch.zeros_like(pairs[0]) + vector[:, None, None])
        return torch.stack(pairs, 1)


class Stage(nn.Module):
    """Two residual blocks, and attention where there is some."""

    def __init__(self, inside: int, channels: int, embedding: int, attention: Attention | None) -> None:
        super().__init__()
        self.first = Residual(inside, channels, embedding)
        self.second = Residual(channels, channels, embedding)
        self.attention = attention

    def forward(self, x: Tensor, embedding: Tensor, tracks: Tensor, kv: Tensor | None) -> Tensor:
        """As `Residual`; `kv` (batch, 2, tokens, context) is for the attention."""
        hidden: Tensor = self.second(self.first(x, embedding, tracks), embedding, tracks)
        if self.attention is not None and kv is not None:
            hidden = self.attention(hidden, kv)
        return hidden


class UNet(nn.Module):
    """Velocity of the rectified flow; the depth of `channels` fixes what T must be a multiple of (8)."""

    def __init__(self, latent: int, recipe: FlowRecipe) -> None:
        super().__init__()
        channels, context, embedding = recipe.channels, recipe.context, recipe.embedding
        self.blocks = 2 * (len(channels) - 1) + 1
        self.time = nn.Sequential(nn.Linear(2 * 10, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.vector = nn.Linear(context, embedding)
        self.enter = nn.Conv1d(2 * latent + 1 + TRACKS, channels[0], 3, padding=1)

        def attention(level: int) -> Attention | None:
            rate = LATENT_RATE / 2**level
            width = channels[min(level, len(channels) - 1)]
            return Attention(width, context, recipe.heads, rate) if level else None

        below = (channels[0], *channels)
        above = (*channels[1:], channels[-1])
        levels = range(len(channels))
        self.down = nn.ModuleList([Stage(below[i], channels[i], embedding, attention(i)) for i in levels])
        self.halve = nn.ModuleList([nn.Conv1d(c, c, 4, 2, 1) for c in channels])
        self.middle = Stage(channels[-1], channels[-1], embedding, attention(len(channels)))
        self.lift = nn.ModuleList([nn.ConvTranspose1d(above[i], channels[i], 4, 2, 1) for i in levels])
        self.up = nn.ModuleList(
            [Stage(2 * channels[i], channels[i], embedding, attention(i)) for i in levels]
        )
        self.norm = FrameNorm(channels[0])
        self.leave = nn.Conv1d(channels[0], latent, 3, padding=1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self, x: Tensor, t: Tensor, known: Tensor, mask: Tensor, tracks: Tensor, kv: Tensor
    ) -> Tensor:
        """`x`, `known` (batch, latent, T), `t` (batch,), `mask` (batch, 1, T) with 1 where known, `tracks`
        (batch, TRACKS, T), `kv` from the `Conditioner` -> noise minus data (batch, latent, T).
        """
        embedding = F.silu(self.time(waves(t, 10)) + self.vector(kv[:, -1, 0, 0]))
        hidden = self.enter(torch.cat([x, known * mask, mask, tracks], 1))
        slots = iter(range(self.blocks))
        passed: list[tuple[Tensor, Tensor]] = []
        for level, (stage, halve) in enumerate(zip(self.down, self.halve, strict=True)):
            hidden = stage(hidden, embedding, tracks, kv[:, next(slots)] if level else None)
            passed.append((hidden, tracks))
            hidden, tracks = halve(hidden), F.avg_pool1d(tracks, 2)
        hidden = self.middle(hidden, embedding, tracks, kv[:, next(slots)])
        for level in reversed(range(len(self.up))):
            aside, tracks = passed.pop()
            hidden = torch.cat([self.lift[level](hidden), aside], 1)
            hidden = self.up[level](hidden, embedding, tracks, kv[:, next(slots)] if level else None)
        velocity: Tensor = self.leave(F.silu(self.norm(hidden)))
        return velocity


class Generator(nn.Module):
    """The conditioner and the U-Net, trained as one."""

    def __init__(self, latent: int, recipe: FlowRecipe) -> None:
        super().__init__()
        self.unet = UNet(latent, recipe)
        self.conditioner = Conditioner(recipe.context, self.unet.blocks)
