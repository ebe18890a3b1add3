"""What the network attends to, made once per window: LORIS's and VeM's streams as keys and values."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hitpoint.cue.plan import STYLES
from hitpoint.cue.tokens import LOOKS, SCENE_FEATURES
from hitpoint.cue.tracks import GLOBALS, RHYTHM_TRACKS
from hitpoint_training.waves import waves

NULL_STYLE = len(STYLES)
ALIGNED = 16
"""Features of the transition-beat aligner."""
_OCTAVES = 6


class Visual(nn.Module):
    """A bidirectional LSTM over what the picture looks like, from a zero state (LORIS section 3.2)."""

    def __init__(self, context: int) -> None:
        super().__init__()
        self.enter = nn.Linear(LOOKS, context // 2)
        self.lstm = nn.LSTM(context // 2, context // 2, batch_first=True, bidirectional=True)

    def forward(self, looks: Tensor) -> Tensor:
        """(batch, VISUAL, LOOKS) -> (batch, VISUAL, context)."""
        seen: Tensor = self.lstm(self.enter(looks))[0]
        return seen


class Conditioner(nn.Module):
    """Style, global numbers, looks and scenes to the keys and values of every cross-attention."""

    def __init__(self, context: int, blocks: int, heads: int) -> None:
        super().__init__()
        self.blocks, self.heads = blocks, heads

        def small(inside: int) -> nn.Sequential:
            return nn.Sequential(nn.Linear(inside, context), nn.SiLU(), nn.Linear(context, context))

        self.style = nn.Embedding(NULL_STYLE + 1, context)
        self.globals = small(GLOBALS)
        self.visual = Visual(context)
        self.scenes = small(SCENE_FEATURES + 2 * 2 * _OCTAVES)
        self.norm = nn.LayerNorm(context)
        self.keys = nn.Linear(context, blocks * context)
        self.values = nn.Linear(context, blocks * context)
        self.vector = nn.Linear(2 * context, context)

    def forward(
        self, style: Tensor, globals_: Tensor, looks: Tensor, scenes: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(batch,), (batch, GLOBALS), (batch, VISUAL, LOOKS), (batch, SCENES, SCENE_FEATURES) -> keys (batch,
        blocks * heads, features, TOKENS) with the scale of the scores in them, values (batch, blocks * heads,
        TOKENS, features), style vector (batch, context).
        """
        named, level = self.style(style), self.globals(globals_)
        timed = waves(scenes[..., LOOKS:], _OCTAVES).flatten(2)
        shots = self.scenes(torch.cat([scenes, timed], -1))
        tokens = torch.cat([named[:, None], level[:, None], self.visual(looks), shots], 1)
        tokens = self.norm(tokens)
        keys, values = self._heads(self.keys(tokens)), self._heads(self.values(tokens))
        keys = keys.transpose(2, 3) * keys.shape[3] ** -0.5
        return keys, values, self.vector(torch.cat([named, level], 1))

    def _heads(self, x: Tensor) -> Tensor:
        """(batch, tokens, blocks * context) -> (batch, blocks * heads, tokens, features)."""
        count = self.blocks * self.heads
        return x.reshape(x.shape[0], x.shape[1], count, x.shape[2] // count).transpose(1, 2)


class Aligner(nn.Module):
    """Which cuts are beats, and what leads there (VeM, transition-beat aligner).

    Trained on its own for just this question; the features before the answer go to the adapters of the U-Net.
    """

    def __init__(self) -> None:
        super().__init__()
        inside = RHYTHM_TRACKS.stop - RHYTHM_TRACKS.start + 1
        self.body = nn.Sequential(
            nn.Conv1d(inside, 32, 5, padding=2),
            nn.SiLU(),
            nn.Conv1d(32, 32, 9, padding=4),
            nn.SiLU(),
            nn.Conv1d(32, ALIGNED, 5, padding=2),
            nn.Tanh(),
        )
        self.head = nn.Conv1d(ALIGNED, 1, 1)

    def forward(self, tracks: Tensor, transitions: Tensor) -> Tensor:
        """(batch, TRACKS, T), (batch, 1, T) -> features (batch, ALIGNED, T)."""
        features: Tensor = self.body(torch.cat([tracks[:, RHYTHM_TRACKS], transitions], 1))
        return features

    def answer(self, features: Tensor) -> Tensor:
        """Log odds that a frame holds a cut that is a beat, (batch, T)."""
        odds: Tensor = self.head(features)[:, 0]
        return odds


class Conditions(nn.Module):
    """Everything that is constant over the steps: the conditioner and the aligner as one graph."""

    def __init__(self, conditioner: Conditioner, aligner: Aligner) -> None:
        super().__init__()
        self.conditioner, self.aligner = conditioner, aligner

    def forward(
        self,
        style: Tensor,
        globals_: Tensor,
        looks: Tensor,
        scenes: Tensor,
        tracks: Tensor,
        transitions: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Keys, values, style vector, aligner's features."""
        aligned = self.aligner(tracks, transitions)
        return *self.conditioner(style, globals_, looks, scenes), aligned
