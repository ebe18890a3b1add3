"""Renders the plans of a corpus folder with a bundle, through the engine's own code, to be measured.

Every way of rendering is a row of a table: a number of steps, streams left out, random weights. The sounds
are 16-bit FLAC files at half of their level, so that nothing clips that did not clip before.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch

from hitpoint.cue.bundle import Bundle
from hitpoint.cue.decode import decode_chunk, identity
from hitpoint.cue.generate import Composer, Model, Sampling
from hitpoint.cue.plan import CuePlan
from hitpoint.cue.sessions import CpuModel
from hitpoint.errors import UsageError
from hitpoint.progress import Progress
from hitpoint.values import SAMPLE_RATE, Floats
from hitpoint_training.ablation import Deaf, untrained
from hitpoint_training.dataset import BEFORE, Piece, padded_mel
from hitpoint_training.from_bundle import decoder_of_bundle
from hitpoint_training.mel import LogMel, Projection

HEADROOM = 0.5
"""The sounds are written at this share of their level."""
_CHUNK = 200  # latent frames


@dataclass(frozen=True, slots=True)
class Row:
    """One way to render: its name, steps of the sampler, streams left out, weights learned or random."""

    name: str
    steps: int
    without: tuple[str, ...] = ()
    random: bool = False


def rows_of(steps: Sequence[int], default: int, without: Sequence[str], controls: bool) -> tuple[Row, ...]:
    """The rows for some numbers of steps; all others are at the default number."""
    return (
        *(Row(f"{count} steps", count) for count in steps),
        *(Row(f"without {stream}", default, (stream,)) for stream in without),
        *((Row("random weights", default, random=True),) if controls else ()),
    )


def decode(model: Model, bundle: Bundle, z: Floats) -> Floats:
    """(samples, 2) of latents (Z, frames), chunk by chunk as the engine does."""
    places = identity(z.shape[1])
    chunks = [
        decode_chunk(model, bundle.manifest, z, places, first, min(first + _CHUNK, z.shape[1]))
        for first in range(0, z.shape[1], _CHUNK)
    ]
    return np.concatenate(chunks, 1).T


def generate(model: Model, bundle: Bundle, plan: CuePlan, sampling: Sampling) -> Floats:
    """(samples, 2) for a plan, exactly as long as it says."""
    z = Composer(plan, model, bundle.manifest, sampling, Progress()).compose()
    return decode(model, bundle, z)[: round(plan.duration * SAMPLE_RATE)]


def write(path: Path, sound: Floats) -> None:
    """Write a sound with headroom, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    soundfile.write(part, np.clip(sound * HEADROOM, -1, 1), SAMPLE_RATE, subtype="PCM_16", format="FLAC")
    part.replace(path)


class Renderer:
    """A bundle and how to sample it; the graphs are loaded when they are first needed."""

    def __init__(self, bundle: Bundle, guidance: float, seed: int) -> None:
        self.bundle = bundle
        self.guidance = guidance
        self.seed = seed
        self._loaded: dict[bool, CpuModel] = {}

    def render(self, row: Row, plan: CuePlan) -> Floats:
        """(samples, 2) of a plan in one of the ways."""
        model = self._model(row.random)
        sampling = Sampling(self.seed, row.steps, self.guidance)
        return generate(Deaf(model, row.without) if row.without else model, self.bundle, plan, sampling)

    def decode(self, z: Floats, plan: CuePlan) -> Floats:
        """(samples, 2) of latents, exactly as long as the plan."""
        return decode(self._model(False), self.bundle, z)[: round(plan.duration * SAMPLE_RATE)]

    def _model(self, random: bool) -> CpuModel:
        if random not in self._loaded:
            self._loaded[random] = CpuModel(untrained(self.bundle, self.seed) if random else self.bundle)
        return self._loaded[random]


def render_rows(
    renderer: Renderer,
    rows: Sequence[Row],
    pieces: Sequence[tuple[str, CuePlan]],
    out: Path,
    progress: Progress,
) -> None:
    """Write `OUT/ROW/PIECE.flac` for what is not there yet."""
    paths = [(row, plan, out / folder_of(row.name) / f"{name}.flac") for row in rows for name, plan in pieces]
    missing = [one for one in paths if not one[2].exists()]
    for number, (row, plan, path) in enumerate(missing):
        progress.report(f"Rendering: {row.name}", number / len(missing))
        write(path, renderer.render(row, plan))


def render_codec(
    renderer: Renderer, projection: Projection, pieces: Sequence[Piece], out: Path, progress: Progress
) -> None:
    """Write `OUT/codec/PIECE.flac`: the pieces themselves, encoded and decoded."""
    for number, piece in enumerate(pieces):
        path = out / "codec" / f"{piece.sound.stem}.flac"
        if not path.exists():
            progress.report("Through the codec", number / len(pieces))
            write(path, renderer.decode(encode(piece, projection), piece.plan))


def projection_of(bundle: Path) -> Projection:
    """The projection in a bundle's decoder. Raises `UsageError` where it has none."""
    try:
        return decoder_of_bundle(bundle).projection
    except KeyError as error:
        raise UsageError(
            f"The decoder of {bundle} has no {error}.", "Leave the row codec out, with --rows."
        ) from error


@torch.no_grad()
def encode(piece: Piece, projection: Projection) -> Floats:
    """(Z, frames) of a piece, a multiple of eight frames from its first sample on."""
    z = projection.encode(padded_mel(piece, LogMel()))[0, :, BEFORE:]
    return z[:, : z.shape[1] // 8 * 8].numpy()


def shuffle(sounds: Path, out: Path) -> None:
    """Copy every sound to the name of another piece, half the folder back: music for another picture."""
    files = sorted(sounds.glob("*.flac"))
    out.mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(files):
        shutil.copyfile(files[(number + max(1, len(files) // 2)) % len(files)], out / file.name)


def folder_of(row: str) -> str:
    """The folder of a row's sounds."""
    return row.replace(" ", "-")
