"""The three conditions of LORIS as tokens: what is seen, its rhythm, and the genre (sections 3.2 and 3.3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hitpoint_training.recipe import LorisRecipe


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A batch of conditions before they are encoded."""

    video: Tensor  # (batch, tokens, features), I3D at 2 Hz
    peaks: Tensor  # (batch, frames), 1 at a rhythm peak
    times: Tensor  # (batch, frames), seconds of the last peak
    genre: Tensor  # (batch,) int64

    def to(self, device: str) -> Seen:
        """The same on another device."""
        return Seen(*(part.to(device) for part in (self.video, self.peaks, self.times, self.genre)))


class HawkesEncoding(nn.Module):
    """Eq. 9: Tri(omega_k * i + w_k * t_i), sines in even dimensions, cosines in odd ones, both learnable.

    i is the number of the frame, t_i the true time of its rhythm peak, or of the last one before it. LORIS's
    released code puts a constant in place of t_i.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        half = features // 2
        self.omega = nn.Parameter(10_000.0 ** (-torch.arange(half) / half))
        self.shift = nn.Parameter(torch.randn(half))

    def forward(self, times: Tensor) -> Tensor:
        """(batch, frames) seconds -> (batch, frames, features)."""
        frame = torch.arange(times.shape[1], device=times.device)
        angle = frame[:, None] * self.omega + times[..., None] * self.shift
        return torch.stack([torch.sin(angle), torch.cos(angle)], -1).flatten(-2)


class Conditions(nn.Module):
    """Encodes all three. A learned null token takes the place of each where they are dropped."""

    def __init__(self, recipe: LorisRecipe) -> None:
        super().__init__()
        context = recipe.context
        self.lstm = nn.LSTM(
            recipe.video_features, context // 2, num_layers=2, batch_first=True, bidirectional=True
        )
        self.visual = nn.Linear(context, context)
        self.peak = nn.Embedding(2, context)  # the linear layer W_r on a binary vector
        self.hawkes = HawkesEncoding(context)
        self.decoder = nn.TransformerEncoderLayer(
            context,
            recipe.heads,
            2 * context,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.genre = nn.Embedding(recipe.genres, context) if recipe.genres else None
        self.null = nn.Parameter(torch.randn(3, context))

    def forward(self, seen: Seen, drop: Tensor) -> tuple[Tensor, ...]:
        """Tokens (batch, any, context) of each condition; rows where `drop` (batch,) is true get nulls."""
        visual: Tensor = self.visual(self.lstm(seen.video)[0])  # from a zero state, so results repeat
        rhythm: Tensor = self.decoder(self.peak(seen.peaks.long()) + self.hawkes(seen.times))
        streams = [visual, rhythm]
        if self.genre is not None:
            streams.append(self.genre(seen.genre)[:, None])
        return tuple(
            torch.where(drop[:, None, None], null, tokens)
            for null, tokens in zip(self.null, streams, strict=False)
        )
