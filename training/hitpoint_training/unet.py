"""Conditional 1-D U-Net over latents, written to export into a few hundred nodes.

Levels at 50, 25, 12.5 and 6.25 Hz. The tracks enter at the input and in every block at its own rate; tokens
by cross-attention at the lower levels (`conditioner.py`); style, time, step and guidance by modulation. All
norms look at one frame only: nothing depends on how long the window is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hitpoint.cue.tracks import LATENT_RATE, TRACKS
from hitpoint_training.conditioner import ALIGNED, Aligner, Conditioner
from hitpoint_training.recipe import FlowRecipe
from hitpoint_training.waves import waves

_OCTAVES, _TIME_OCTAVES = 6, 10
_PLACE = 2 * _OCTAVES + 1
LONGEST = 2048
"""Latent frames of the longest window."""


class FrameNorm(nn.Module):
    """Root-mean-square norm over the channels of each frame, (batch, channels, frames)."""

    def __init__(self, channels: int, gain: bool = True) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.full((channels, 1), channels**0.5)) if gain else None

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out; without a gain of its own the length of each frame becomes 1."""
        unit: Tensor = x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-3)
        return unit * self.gain if self.gain is not None else unit


class Residual(nn.Module):
    """Two convolutions; tracks are added between them, the embedding scales and shifts."""

    def __init__(self, inside: int, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = FrameNorm(inside), FrameNorm(channels, gain=False)
        self.conv1 = nn.Conv1d(inside, channels, 3, padding=1)
        self.conv2 = nn.Conv1d(channels, channels, 3, padding=1)
        self.skip = nn.Conv1d(inside, channels, 1) if inside != channels else nn.Identity()

    def forward(self, x: Tensor, injected: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """`x` (batch, inside, frames), `injected` (batch, channels, frames), the others (batch, channels,
        1)."""
        hidden: Tensor = self.conv1(F.silu(self.norm1(x))) + injected
        hidden = self.conv2(F.silu(self.norm2(hidden) * scale + shift))
        passed: Tensor = self.skip(x)
        return passed + hidden


class Attention(nn.Module):
    """Self-attention over the window, then cross-attention to the tokens that a frame may see."""

    def __init__(self, channels: int, context: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.inward = nn.Linear(channels, 3 * channels)
        self.outward = nn.Linear(channels, channels)
        self.ask = nn.Linear(channels + _PLACE, context, bias=False)
        self.answer = nn.Linear(context, channels)
        for layer in (self.outward, self.answer):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def _split(self, x: Tensor, parts: int = 1) -> Tensor:
        """(batch, frames, features) -> (batch, parts * heads, frames, features of a head)."""
        count = parts * self.heads
        return x.reshape(x.shape[0], -1, count, x.shape[2] // count).transpose(1, 2)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, hidden: Tensor, places: Tensor) -> Tensor:
        """`x` (batch, channels, frames); `keys` (batch, heads, features, tokens) and `values` (batch,
        heads, tokens, features); `hidden` (batch, 1, frames, tokens) is added to the scores; `places` as
        `places_of` has them.
        """
        size = x.shape[1] // self.heads
        cosine, sine, place = torch.split(places, [size, size, _PLACE], 1)
        stream = x.transpose(1, 2)
        parts = self._split(self.inward(self.norm1(stream)), 3)
        asking, own = torch.split(parts, [2 * self.heads, self.heads], 1)
        first, second = asking.chunk(2, -1)
        turned = (asking * cosine + torch.cat([second, first], -1) * sine).to(own.dtype)
        query, key = turned.chunk(2, 1)
        weight = torch.softmax(query @ key.transpose(2, 3), -1)
        stream = stream + self.outward(self._join(weight @ own))
        query = self._split(self.ask(torch.cat([self.norm2(stream), place.expand(x.shape[0], -1, -1)], 2)))
        weight = torch.softmax(query @ keys.to(query.dtype) + hidden, -1).to(query.dtype)
        stream = stream + self.answer(self._join(weight @ values.to(query.dtype)))
        out: Tensor = stream.transpose(1, 2)
        return out

    @staticmethod
    def _join(x: Tensor) -> Tensor:
        return x.transpose(1, 2).reshape(x.shape[0], -1, x.shape[1] * x.shape[3])


def places_of(rate: float, features: int) -> Tensor:
    """(frames, 2 * features + _PLACE) for every frame of the longest window at `rate`: cosine and sine of
    the rotary position (RoFormer, arXiv 2104.09864) with the scale of the scores in them, and where in the
    window a frame is.
    """
    half = features // 2
    frame = torch.arange(int(LONGEST * rate / LATENT_RATE))
    angle = frame[:, None] * 100.0 ** (-torch.arange(half) / half)
    cosine, sine = torch.cos(angle) * features**-0.25, torch.sin(angle) * features**-0.25
    place = waves(frame / (10 * rate), _OCTAVES)
    return torch.cat([cosine, cosine, -sine, sine, place, torch.ones(len(frame), 1)], 1)


@dataclass(frozen=True, slots=True)
class Level:
    """What all stages of one rate share."""

    injected: Iterator[Tensor]  # (batch, channels, frames) for one residual after the other
    aligned: Tensor  # (batch, ALIGNED, frames)
    hidden: Tensor  # (batch, 1, frames, tokens)
    places: Tensor  # (frames, features), as `places_of` has them


class Stage(nn.Module):
    """Two residual blocks, then the transition-beat adapter and the attention, where there are some."""

    def __init__(self, inside: int, channels: int, attention: Attention | None, adapted: bool) -> None:
        super().__init__()
        self.first, self.second = Residual(inside, channels), Residual(channels, channels)
        self.attention = attention
        self.adapt = nn.Conv1d(ALIGNED, 2 * channels, 1) if adapted else None
        if self.adapt is not None:
            nn.init.zeros_(self.adapt.weight)
            assert self.adapt.bias is not None
            nn.init.zeros_(self.adapt.bias)
            nn.init.ones_(self.adapt.bias[:channels])

    def forward(
        self, x: Tensor, level: Level, modulation: Iterator[Tensor], pairs: Iterator[tuple[Tensor, Tensor]]
    ) -> Tensor:
        """`x` (batch, inside, frames); takes its own share of the modulation, the injections and the pairs of
        keys and values.
        """
        for residual in (self.first, self.second):
            x = residual(x, next(level.injected), next(modulation), next(modulation))
        if self.adapt is not None:  # (1 + gamma) z + beta, both zero at first (VeM, transition-beat adapter)
            scale, shift = self.adapt(level.aligned).chunk(2, 1)
            x = scale * x + shift
        if self.attention is not None:
            x = self.attention(x, *next(pairs), level.hidden, level.places)
        return x


class UNet(nn.Module):
    """Mean velocity of the flow from t down to r under guidance; T must be a multiple of 2^levels (8)."""

    def __init__(self, latent: int, recipe: FlowRecipe) -> None:
        super().__init__()
        channels, context, embedding = recipe.channels, recipe.context, recipe.embedding
        count = len(channels)
        self.heads, self.widths = recipe.heads, (*channels, channels[-1])
        for level, width in enumerate(self.widths):
            places = places_of(LATENT_RATE / 2**level, width // recipe.heads)
            self.register_buffer(f"places{level}", places, persistent=False)
        self.time = nn.Sequential(
            nn.Linear(3 * 2 * _TIME_OCTAVES, embedding), nn.SiLU(), nn.Linear(embedding, embedding)
        )
        self.vector = nn.Linear(context, embedding)
        self.enter = nn.Conv1d(2 * latent + 1 + TRACKS, channels[0], 3, padding=1)

        def attention(level: int) -> Attention | None:
            return Attention(self.widths[level], context, recipe.heads) if level else None

        below, above = (channels[0], *channels), self.widths[1:]
        levels = range(count)
        self.down = nn.ModuleList([Stage(below[i], channels[i], attention(i), True) for i in levels])
        self.halve = nn.ModuleList([nn.Conv1d(c, c, 4, 2, 1) for c in channels])
        self.middle = Stage(channels[-1], channels[-1], attention(count), True)
        self.lift = nn.ModuleList([nn.ConvTranspose1d(above[i], channels[i], 4, 2, 1) for i in levels])
        self.up = nn.ModuleList([Stage(2 * channels[i], channels[i], attention(i), False) for i in levels])
        residuals = [4] * count + [2]
        self.inject = nn.ModuleList(
            [nn.Conv1d(TRACKS, n * c, 1) for n, c in zip(residuals, self.widths, strict=True)]
        )
        order = [*levels, count, *reversed(levels)]
        self.shares = [self.widths[level] for level in order for _ in range(4)]
        self.modulate = nn.Linear(embedding, sum(self.shares))
        self._balance()
        self.norm = FrameNorm(channels[0])
        self.leave = nn.Conv1d(channels[0], latent, 3, padding=1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)

    @torch.no_grad()
    def _balance(self) -> None:
        """Scales start where a frame of unit length gets a mean square of 1, shifts at 0."""
        nn.init.normal_(self.modulate.weight, std=0.02)
        for index, part in enumerate(torch.split(self.modulate.bias, self.shares)):
            part.fill_(part.numel() ** 0.5 if index % 2 == 0 else 0.0)

    def _levels(self, tracks: Tensor, aligned: Tensor, attention: Tensor) -> list[Level]:
        """Everything that is frame-aligned, at every rate from the top down."""
        levels = []
        for number, (inject, width) in enumerate(zip(self.inject, self.widths, strict=True)):
            if number:
                tracks, aligned = F.avg_pool1d(tracks, 2), F.avg_pool1d(aligned, 2)
            hidden = attention[:, None, :: 2**number]
            places = self.get_buffer(f"places{number}")[: tracks.shape[2]]
            levels.append(Level(iter(torch.split(inject(tracks), width, 1)), aligned, hidden, places))
        return levels

    def forward(
        self,
        x: Tensor,
        time: Tensor,
        known: Tensor,
        mask: Tensor,
        tracks: Tensor,
        attention: Tensor,
        keys: Tensor,
        values: Tensor,
        vector: Tensor,
        aligned: Tensor,
    ) -> Tensor:
        """`x`, `known` (batch, latent, T), `known` 0 where not; `time` (batch, 3): t, t - r and guidance /
        STRONGEST; `mask` (batch, 1, T) with 1 where known; `tracks` (batch, TRACKS, T); `attention` (batch,
        T, TOKENS) to be added to the scores; the rest is what the `Conditioner` and the `Aligner` say ->
        mean of noise minus data on the way (batch, latent, T).
        """
        embedding = F.silu(self.time(waves(time, _TIME_OCTAVES).flatten(1)) + self.vector(vector))
        modulation = iter(torch.split(self.modulate(embedding)[..., None], self.shares, 1))
        pairs = iter(zip(torch.split(keys, self.heads, 1), torch.split(values, self.heads, 1), strict=True))
        levels = self._levels(tracks, aligned, attention)
        hidden = self.enter(torch.cat([x, known, mask, tracks], 1))
        passed: list[Tensor] = []
        for stage, halve, level in zip(self.down, self.halve, levels, strict=False):
            passed.append(stage(hidden, level, modulation, pairs))
            hidden = halve(passed[-1])
        hidden = self.middle(hidden, levels[-1], modulation, pairs)
        for number in reversed(range(len(self.up))):
            hidden = torch.cat([self.lift[number](hidden), passed.pop()], 1)
            hidden = self.up[number](hidden, levels[number], modulation, pairs)
        velocity: Tensor = self.leave(F.silu(self.norm(hidden)))
        return velocity


def attentions_of(recipe: FlowRecipe) -> int:
    """How many blocks of the U-Net have attention: all but those at the full rate."""
    return 2 * (len(recipe.channels) - 1) + 1


class Generator(nn.Module):
    """Everything that is trained as one; the aligner has its own phase before."""

    def __init__(self, latent: int, recipe: FlowRecipe) -> None:
        super().__init__()
        self.unet = UNet(latent, recipe)
        self.conditioner = Conditioner(recipe.context, attentions_of(recipe), recipe.heads)
        self.aligner = Aligner()
