"""Pieces on disk to what the two stages train on: crops of sound, and windows of latents with their plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from hitpoint.cue.plan import CuePlan
from hitpoint.cue.tokens import attention, looks, scenes
from hitpoint.cue.tracks import (
    LATENT_RATE,
    SAMPLES_PER_LATENT,
    globals_,
    style_index,
    tracks,
    transitions,
)
from hitpoint.errors import UsageError
from hitpoint.values import SAMPLE_RATE, Floats
from hitpoint_training.corpus.annotations import plan_from_json
from hitpoint_training.mel import LogMel, Projection

BEFORE, AFTER = 2 * LATENT_RATE, 4 * LATENT_RATE
"""Latent frames of silence that are cached around each piece, so that beginnings and endings are learnt."""
ON_BEAT_S = 0.06
"""Seconds between a cut and the beat that it is."""


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
    transitions: Tensor  # (batch, 1, T)
    style: Tensor  # (batch,) int64
    globals: Tensor  # (batch, GLOBALS)
    looks: Tensor  # (batch, VISUAL, LOOKS)
    scenes: Tensor  # (batch, SCENES, SCENE_FEATURES)
    attention: Tensor  # (batch, T, TOKENS), added to the scores
    adapted: Tensor  # (batch,) 1, or 0 where the aligner's features are left out

    def to(self, device: str) -> Window:
        """The same on a device."""
        return Window(*(getattr(self, field.name).to(device) for field in fields(self)))

    def rows(self, which: slice) -> Window:
        """Some of its rows."""
        return Window(*(getattr(self, field.name)[which] for field in fields(self)))


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
        drawn = [self._window(int(self.random.integers(len(self.pieces))), frames) for _ in range(batch)]
        return batch_of(drawn)

    def transition_beats(self, batch: int, frames: int) -> tuple[Tensor, Tensor, Tensor]:
        """Tracks, transitions and (batch, T) 1 where a cut is a beat, for the aligner."""
        picked = [int(self.random.integers(len(self.pieces))) for _ in range(batch)]
        rows = []
        for which in picked:
            plan, first = (
                self.pieces[which].plan,
                int(self.random.integers(-BEFORE, len(self.latents[which]))),
            )
            rows.append(
                (tracks(plan, first, frames), transitions(plan, first, frames), on_beat(plan, first, frames))
            )
        told, cuts, wanted = (torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True))
        return told, cuts, wanted

    def _window(self, which: int, frames: int) -> tuple[Floats, Floats, CuePlan, int]:
        """Latents, tracks, plan and first frame. Starts are uniform, with a tenth of all windows each at
        the very start and end of the piece."""
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
        return part.T.copy(), row, plan, start - BEFORE


def batch_of(rows: Sequence[tuple[Floats, Floats, CuePlan, int]]) -> Window:
    """Latents (latent, T), tracks (TRACKS, T), plan and first frame of every row as one batch."""
    frames = rows[0][0].shape[1]
    made = [
        (
            latent,
            row,
            transitions(plan, first, frames),
            np.int64(style_index(plan.style)),
            globals_(plan, first),
            looks(plan, first, frames),
            scenes(plan, first, frames),
            attention(plan, first, frames),
            np.float32(1),
        )
        for latent, row, plan, first in rows
    ]
    return Window(*(torch.from_numpy(np.stack(part)) for part in zip(*made, strict=True)))


def on_beat(plan: CuePlan, first_frame: int, frames: int) -> Floats:
    """(frames,) 1 in the frames next to a cut that is a beat, else 0: the question of the aligner."""
    out = np.zeros(frames, np.float32)
    beats = np.asarray(plan.beats)
    for scene in plan.scenes[1:]:
        if np.abs(beats - scene.start).min() <= ON_BEAT_S:
            place = round(scene.start * LATENT_RATE) - first_frame
            out[max(0, place - 1) : max(0, place + 2)] = 1
    return out
