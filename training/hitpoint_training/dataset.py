"""Pieces on disk to what the two stages train on: crops of sound, and windows of latents with their plan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from hitpoint.cue.plan import CuePlan
from hitpoint.cue.tracks import LATENT_RATE, SAMPLES_PER_LATENT, events, globals_, style_index, tracks
from hitpoint.errors import UsageError
from hitpoint.values import SAMPLE_RATE, Floats
from hitpoint_training.corpus.annotations import plan_from_json
from hitpoint_training.mel import LogMel, Projection

BEFORE, AFTER = 2 * LATENT_RATE, 4 * LATENT_RATE
"""Latent frames of silence that are cached around each piece, so that beginnings and endings are learnt."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A rendered piece and the plan that it was composed from."""

    sound: Path
    plan: CuePlan


@dataclass(frozen=True, slots=True)
class Window:
    """A batch of windows: latents and everything that conditions them."""

    latent: Tensor  # (batch, latent, T)
    tracks: Tensor  # (batch, TRACKS, T)
    style: Tensor  # (batch,) int64
    globals: Tensor  # (batch, GLOBALS)
    events: Tensor  # (batch, EVENTS, EVENT_FEATURES)


def find_pieces(folder: Path) -> tuple[Piece, ...]:
    """All FLAC files of a corpus folder with the JSON plan beside each, in order of name."""
    files = sorted(folder.glob("*.flac"))
    if not files:
        raise UsageError(f"No FLAC files in {folder}.", "Render the corpus first.")
    return tuple(Piece(file, plan_from_json(file.with_suffix(".json").read_text())) for file in files)


def read_sound(path: Path, start: int = 0, samples: int = -1) -> Floats:
    """(2, samples) of a file; outside the file there is silence."""
    with soundfile.SoundFile(path) as file:
        if file.samplerate != SAMPLE_RATE or file.channels != 2:
            raise UsageError(f"{path} is not 48 kHz stereo.", "Render the corpus again.")
        wanted = len(file) - start if samples < 0 else samples
        out = np.zeros((2, wanted), np.float32)
        first, last = max(0, start), min(len(file), start + wanted)
        if first < last:
            file.seek(first)
            out[:, first - start : last - start] = file.read(last - first, dtype="float32").T
    return out


def padded_mel(piece: Piece, mel: LogMel) -> Tensor:
    """(1, 2 frames, FEATURES) of the piece with BEFORE and AFTER latent frames of silence around it."""
    length = int(np.ceil(piece.plan.duration * LATENT_RATE))
    frames = BEFORE + length + AFTER
    whole = read_sound(piece.sound, -BEFORE * SAMPLES_PER_LATENT, frames * SAMPLES_PER_LATENT)
    spectra: Tensor = mel(torch.from_numpy(whole)[None])
    return spectra


def fit_projection(pieces: tuple[Piece, ...], projection: Projection) -> float:
    """Fit on every sounding frame of the pieces; returns the kept share of the variance."""
    mel = LogMel()
    rows = []
    for piece in pieces:
        part = padded_mel(piece, mel)[0, 2 * BEFORE :]
        rows.append(part[: len(part) // 2 * 2].reshape(-1, 2 * part.shape[1])[::2])
    return projection.fit(torch.cat(rows))


def encode_corpus(pieces: tuple[Piece, ...], projection: Projection, cache: Path) -> None:
    """Write the latents of every piece to `cache` as float16 (frames, latent), skipping what is there."""
    cache.mkdir(parents=True, exist_ok=True)
    mel = LogMel()
    for piece in pieces:
        target = cache / f"{piece.sound.stem}.npy"
        if not target.exists():
            latent = projection.encode(padded_mel(piece, mel))[0].T
            part = target.with_suffix(".part")
            with part.open("wb") as file:
                np.save(file, latent.numpy().astype(np.float16))
            part.replace(target)


class Corpus:
    """Latents and plans in memory; draws random crops and windows."""

    def __init__(self, pieces: tuple[Piece, ...], cache: Path, seed: int) -> None:
        self.pieces = pieces
        self.random = np.random.default_rng(seed)
        self.latents = [np.load(cache / f"{piece.sound.stem}.npy") for piece in pieces]
        self.tracks = [
            tracks(piece.plan, -BEFORE, len(latent)).astype(np.float16)
            for piece, latent in zip(pieces, self.latents, strict=True)
        ]

    def crops(self, batch: int, frames: int) -> tuple[Tensor, Tensor, Tensor]:
        """Latents (batch, latent, frames / 2), sound (batch, 2, samples), first 100 Hz frame (batch,)."""
        sounds, latents, firsts = [], [], []
        wanted = frames // 2
        for _ in range(batch):
            which = int(self.random.integers(len(self.pieces)))
            start = int(self.random.integers(BEFORE // 2, len(self.latents[which]) - AFTER // 2 - wanted))
            latents.append(self.latents[which][start : start + wanted].T)
            first = (start - BEFORE) * SAMPLES_PER_LATENT
            sounds.append(read_sound(self.pieces[which].sound, first, wanted * SAMPLES_PER_LATENT))
            firsts.append(2 * (start - BEFORE))
        latent = torch.from_numpy(np.stack(latents).astype(np.float32))
        return latent, torch.from_numpy(np.stack(sounds)), torch.tensor(firsts)

    def windows(self, batch: int, frames: int) -> Window:
        """Random windows of so many latent frames; those that reach beyond the cache see silence."""
        rows = [self._window(int(self.random.integers(len(self.pieces))), frames) for _ in range(batch)]
        latent, track, style, level, event = zip(*rows, strict=True)
        return Window(
            torch.from_numpy(np.stack(latent)),
            torch.from_numpy(np.stack(track)),
            torch.tensor(style),
            torch.from_numpy(np.stack(level)),
            torch.from_numpy(np.stack(event)),
        )

    def _window(self, which: int, frames: int) -> tuple[Floats, Floats, int, Floats, Floats]:
        """Starts are uniform, with a tenth of all windows each at the very start and end of the piece."""
        latent, plan = self.latents[which], self.pieces[which].plan
        latest = max(1, len(latent) - frames)
        dice = self.random.random()
        start = int(self.random.integers(BEFORE // 2, BEFORE + latest))
        if dice < 0.15:
            start = BEFORE
        elif dice < 0.25:
            start = max(0, latest - int(self.random.integers(AFTER)))
        start = min(start, latest)
        part = latent[start : start + frames].astype(np.float32)
        row = self.tracks[which][:, start : start + frames].astype(np.float32)
        if len(part) < frames:
            missing = frames - len(part)
            part = np.concatenate([part, np.repeat(part[-1:], missing, 0)])
            row = np.concatenate([row, tracks(plan, start - BEFORE + row.shape[1], missing)], 1)
        first = start - BEFORE
        return part.T.copy(), row, style_index(plan.style), globals_(plan, first), events(plan, first, frames)
