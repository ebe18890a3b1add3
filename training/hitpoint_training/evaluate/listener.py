"""A small network that learns the styles of the corpus; its narrow layer is the embedding `corpus-styles-32`.

The embedding belongs to this repository: nothing is downloaded, and anybody can make it again from the
corpus. It was trained on other pieces than those that distances are measured to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hitpoint.cue.plan import STYLES
from hitpoint.values import Floats
from hitpoint_training.evaluate.patches import FEATURES

EMBEDDING = "corpus-styles-32"
_NARROW, _WIDE = 32, 96
_ROUNDS = 400


class Listener(nn.Module):
    """Features of patches -> log odds of the styles."""

    def __init__(self, mean: Tensor, spread: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)
        self.enter = nn.Sequential(
            nn.Linear(FEATURES, _WIDE), nn.GELU(), nn.Dropout(0.4), nn.Linear(_WIDE, _NARROW)
        )
        self.answer = nn.Sequential(nn.GELU(), nn.Dropout(0.2), nn.Linear(_NARROW, len(STYLES)))

    def embed(self, patches: Tensor) -> Tensor:
        """(patches, FEATURES) -> (patches, 32)."""
        narrow: Tensor = self.enter((patches - self.get_buffer("mean")) / self.get_buffer("spread"))
        return narrow

    def forward(self, patches: Tensor) -> Tensor:
        """(patches, FEATURES) -> (patches, styles)."""
        odds: Tensor = self.answer(self.embed(patches))
        return odds


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the listener makes of one sound: embeddings (patches, 32), and the style it believes to hear."""

    embeddings: Floats
    style: str


def learn(pieces: list[Floats], styles: list[str], seed: int = 0, rounds: int = _ROUNDS) -> Listener:
    """A listener taught by pieces, each (patches, FEATURES), and their styles; the same for the same seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        rows = torch.from_numpy(np.concatenate(pieces))
        marks = torch.tensor(
            [STYLES.index(style) for style, piece in zip(styles, pieces, strict=True) for _ in piece]
        )
        listener = Listener(rows.mean(0), rows.std(0) + 1e-3)
        optimiser = torch.optim.AdamW(listener.parameters(), lr=3e-3, weight_decay=0.05)
        for _ in range(rounds):
            chosen = torch.randint(len(rows), (256,))
            loss = F.cross_entropy(listener(rows[chosen]), marks[chosen], label_smoothing=0.1)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return listener.eval()


@torch.no_grad()
def listen(listener: Listener, patches: Floats) -> Opinion:
    """All patches of a sound together have one vote."""
    rows = torch.from_numpy(patches)
    odds = torch.log_softmax(listener(rows), 1).mean(0)
    return Opinion(listener.embed(rows).numpy(), STYLES[int(odds.argmax())])
