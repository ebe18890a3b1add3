"""What the corpus sounds like: a listener taught by some pieces, and others to measure distances to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hitpoint.errors import UsageError
from hitpoint_training.evaluate.compositions import annotated
from hitpoint_training.evaluate.frechet import Moments, frechet, together
from hitpoint_training.evaluate.listener import Listener, learn, listen
from hitpoint_training.evaluate.measured import Impression
from hitpoint_training.evaluate.work import impressions

TAUGHT = 0.6
"""Share of the pieces that the listener learns from."""
_DRAWS = 8


@dataclass(frozen=True, slots=True)
class Distances:
    """Fréchet distances to the corpus: in the embedding, and of frames of decibels in 64 mel bands."""

    embedded: float
    mel: float


@dataclass(frozen=True, slots=True)
class Known:
    """A listener, and of each style the moments of pieces that it did not learn from."""

    listener: Listener
    embedded: dict[str, list[Moments]]
    mel: dict[str, list[Moments]]

    def distances(self, sounds: Sequence[Impression], styles: Sequence[str]) -> Distances:
        """How far sounds are from the corpus, which counts in the mix of their styles."""
        mine = [Moments.of(listen(self.listener, sound.patches).embeddings) for sound in sounds]
        return Distances(
            frechet(together(mine), together([m for s in styles for m in self.embedded[s]])),
            frechet(together([s.mel for s in sounds]), together([m for s in styles for m in self.mel[s]])),
        )

    def among_themselves(self, styles: Sequence[str]) -> Distances:
        """The yardstick: how far as many pieces of the corpus, of the same styles, are from its others."""
        found = [
            [_draw(parts, styles, np.random.default_rng(draw)) for draw in range(_DRAWS)]
            for parts in (self.embedded, self.mel)
        ]
        return Distances(*(float(np.mean(values)) for values in found))

    def guess(self, sound: Impression) -> str:
        """The style that a sound seems to be of."""
        return listen(self.listener, sound.patches).style


def _draw(parts: dict[str, list[Moments]], styles: Sequence[str], rng: np.random.Generator) -> float:
    """The distance of random pieces, one for each of the styles, from the others of these styles."""
    taken: list[Moments] = []
    others: list[Moments] = []
    for style, count in Counter(styles).items():
        drawn = [parts[style][index] for index in rng.permutation(len(parts[style]))]
        taken += drawn[:count]
        others += drawn[count:] * count
    return frechet(together(taken), together(others))


def know(folder: Path, count: int, styles: Sequence[str], store: Path, jobs: int) -> Known:
    """Learn a corpus folder from its first `count` pieces.

    Raises `UsageError` where it has too few pieces of one of the styles.
    """
    pieces = annotated(folder)[:count]
    split = round(len(pieces) * TAUGHT)
    heard = list(impressions([path for path, _ in pieces], store, jobs))
    named = [plan.style for _, plan in pieces]
    for style, asked in Counter(styles).items():
        if named[:split].count(style) < 1 or named[split:].count(style) <= asked:
            raise UsageError(
                f"{folder} has too few pieces in the style {style}.", "Take more: --corpus-pieces."
            )
    listener = learn([sound.patches for sound in heard[:split]], named[:split])
    embedded: dict[str, list[Moments]] = {}
    mel: dict[str, list[Moments]] = {}
    for style, sound in zip(named[split:], heard[split:], strict=True):
        embedded.setdefault(style, []).append(Moments.of(listen(listener, sound.patches).embeddings))
        mel.setdefault(style, []).append(sound.mel)
    return Known(listener, embedded, mel)
