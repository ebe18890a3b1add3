"""A corpus of a few seconds and a recipe that trains on it in no time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from hitpoint.cue.plan import Accent, Chord, CuePlan, Section
from hitpoint_training.corpus.annotations import plan_to_json

RATE = 48_000
SECONDS = 5
PLAN = CuePlan(
    float(SECONDS), 4.0, "pop", 120.0, 4, tuple(t / 2 for t in range(10)), (0.0, 2.0, 4.0),
    (Accent(1.0, 1.0), Accent(2.5, 0.5)),
    (Chord(0.0, 0, (0, 4, 7), 0),), (Section(0.0, "groove", 0.5),), 0, False,
)  # fmt: skip

RECIPE = """
[run]
name = "tiny"
corpus = "{corpus}"
folder = "{run}"
device = "cpu"
threads = 1
seed = 7
save_seconds = {save_seconds}

[codec]
latent = 8
width = 16
blocks = 1
batch = 2
frames = 48

[flow]
channels = [8, 16]
context = 8
embedding = 8
heads = 2
windows = [64]
window_odds = [1.0]
batch_frames = 128
{more}
"""


def tune(seed: int, seconds: float = SECONDS, rate: int = RATE) -> np.ndarray:
    """(samples, 2): chords with a click on every half second."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    sound = sum(np.sin(2 * np.pi * 220 * 2 ** (k / 12) * time) for k in (0, 4, 7)) * 0.1
    clicks = np.exp(-((time % 0.5) * 60)) * rng.normal(0, 0.2, len(time))
    return np.stack([sound + clicks, sound - 0.5 * clicks], 1).astype(np.float32)


def corpus(folder: Path, pieces: int = 2) -> Path:
    """Pieces as the composer writes them: FLAC with a JSON annotation."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(pieces):
        soundfile.write(folder / f"{index:05d}.flac", tune(index), RATE, subtype="PCM_16")
        (folder / f"{index:05d}.json").write_text(plan_to_json(PLAN))
    return folder


def recipe(folder: Path, data: Path, save_seconds: float = 1000.0, more: str = "") -> Path:
    """A recipe whose run lies in `folder`; `more` goes into its last table, the flow's."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tiny.toml"
    path.write_text(RECIPE.format(corpus=data, run=folder / "run", save_seconds=save_seconds, more=more))
    return path
