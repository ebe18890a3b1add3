"""The draft of a region: as a draft of the whole cue, of which only what is near the region is rendered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hitpoint.cue.align import FRAME_RATE, Knot, time_map
from hitpoint.cue.bundle import Manifest
from hitpoint.cue.decode import Positions
from hitpoint.cue.draft import Draft
from hitpoint.cue.generate import Arrays, Model
from hitpoint.cue.onsets import Onsets
from hitpoint.cue.tracks import LATENT_RATE
from hitpoint.cue.windows import MULTIPLE, Span
from hitpoint.progress import Progress
from hitpoint.values import Floats

MARGIN = 152
"""Latent frames rendered on each side: what an accent is measured against, and the decoder's reach."""


class Excerpt(Draft):
    """All arguments and results are of the whole cue. Outside `heard`, latent frames of the output, the time
    map stays as it was.

    `positions`: the map as it was; `samples`: of the whole cue.
    """

    def __init__(
        self, model: Model, manifest: Manifest, samples: int, folder: Path, heard: Span, positions: Positions
    ) -> None:
        total, hop = len(positions) // 2, 2 * manifest.hop
        self.first = max(0, heard.start - MARGIN) // MULTIPLE * MULTIPLE
        self._stop = min(total, -(-(heard.stop + MARGIN) // MULTIPLE) * MULTIPLE)
        self.offset = self.first * hop
        super().__init__(
            _Later(model, 2 * self.first), manifest, min(samples, self._stop * hop) - self.offset, folder
        )
        self._heard, self._before = heard, positions
        self._whole: tuple[Floats, Positions] = np.zeros((0, 0), np.float32), positions
        edges = (2 * heard.start, min(2 * heard.stop, len(positions) - 1))
        self.pinned = tuple(Knot(edge / FRAME_RATE, (positions[edge] - edge) / FRAME_RATE) for edge in edges)

    @property
    def latents(self) -> Floats:
        """(Z, frames) as last rendered."""
        return self._whole[0]

    @property
    def positions(self) -> Positions:
        """The time map as last rendered."""
        return self._whole[1]

    @property
    def onsets(self) -> Onsets:
        """The attacks of what is rendered."""
        near = super().onsets
        return Onsets(near.times + self.first / LATENT_RATE, near.strengths)

    def render(self, z: Floats, positions: Positions, progress: Progress) -> None:
        """Bring the sound to these latents (Z, frames) and positions."""
        self._whole = z, positions
        part = slice(self.first, self._stop)
        here = positions[2 * self.first : 2 * self._stop] - 2 * self.first
        super().render(z[:, part], here, progress)

    def sound(self, z: Floats, knots: Sequence[Knot], progress: Progress) -> None:
        """Render these latents; the time map goes through these knots, and at the edges on as it was."""
        inside = slice(2 * self._heard.start, 2 * self._heard.stop)
        wanted = sorted((*self.pinned, *knots), key=lambda knot: knot.time)
        positions = self._before.copy()
        positions[inside] = time_map(wanted, len(positions) // 2)[inside]
        self.render(z, positions, progress)

    def read_whole(self, start: int, stop: int) -> Floats:
        """(2, stop - start) samples of the cue; silence where nothing is rendered. A `Reader`."""
        return self.read(start - self.offset, stop - self.offset)


class _Later:
    """A model that counts 100 Hz frames from a later one, so that its oscillators are where they were."""

    def __init__(self, model: Model, frames: int) -> None:
        self._model, self._frames = model, frames

    @property
    def threads(self) -> int:
        return self._model.threads

    def condition(self, told: Arrays) -> Arrays:
        return self._model.condition(told)

    def velocity(self, told: Arrays) -> Floats:
        return self._model.velocity(told)

    def spectrum(self, z: Floats, positions: Floats, first: int) -> Floats:
        return self._model.spectrum(z, positions, first + self._frames)
