"""Measures many sounds in a few processes, each of them once."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from hitpoint.cue.plan import CuePlan
from hitpoint.values import SAMPLE_RATE
from hitpoint_training.corpus.annotations import plan_to_json
from hitpoint_training.evaluate.compositions import metronome
from hitpoint_training.evaluate.heard import Heard
from hitpoint_training.evaluate.measured import Impression, Measured, impression, measure
from hitpoint_training.evaluate.store import keep, kept, kept_impression, key_of


@dataclass(frozen=True, slots=True)
class Task:
    """A sound and the plan to measure it by. The sound is a file at `level` of its level, or a control."""

    sound: Path | Literal["metronome", "silence"]
    plan: CuePlan
    seed: int
    store: Path
    level: float = 1.0

    @property
    def file(self) -> Path:
        """Where the result is kept."""
        return (
            self.store / f"{key_of(self.sound, plan_to_json(self.plan), str(self.seed), str(self.level))}.npz"
        )

    def heard(self) -> Heard:
        """The sound."""
        if isinstance(self.sound, Path):
            heard = Heard.read(self.sound)
            return Heard(heard.audio / np.float32(self.level), heard.rate)
        rng = np.random.default_rng((self.seed, 1))
        beat = 60 / self.plan.bpm
        clicks = metronome(self.plan.bpm, float(rng.uniform(0, beat)), self.plan.duration)
        return Heard(clicks if self.sound == "metronome" else np.zeros_like(clicks), SAMPLE_RATE)


def measure_all(tasks: Sequence[Task], jobs: int) -> Iterator[Measured]:
    """The results in order, as they come."""
    with _pool(jobs) as pool:
        for task, _ in zip(tasks, pool.map(_measure, tasks), strict=True):
            yield kept(task.file)


def impressions(sounds: Sequence[Path], store: Path, jobs: int) -> Iterator[Impression]:
    """What pieces of the corpus sound like, in order."""
    with _pool(jobs) as pool:
        for file in pool.map(_impress, sounds, [store] * len(sounds)):
            yield kept_impression(file)


def _pool(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"))


def _measure(task: Task) -> None:
    if not task.file.exists():
        keep(task.file, measure(task.heard(), task.plan, np.random.default_rng((task.seed, 0))))


def _impress(sound: Path, store: Path) -> Path:
    file = store / f"{key_of(sound)}.npz"
    if not file.exists():
        keep(file, impression(Heard.read(sound)))
    return file
