"""Measures many sounds in a few processes, each of them once."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from hitpoint.cue.plan import CuePlan
from hitpoint.values import SAMPLE_RATE
from hitpoint_training.corpus.annotations import plan_to_json
from hitpoint_training.evaluate.compositions import metronome
from hitpoint_training.evaluate.heard import Heard
from hitpoint_training.evaluate.measured import Impression, Measured, impression, measure
from hitpoint_training.evaluate.store import keep, kept, kept_impression, key_of

In = TypeVar("In")
Out = TypeVar("Out")


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
        key = key_of(Measured, self.sound, plan_to_json(self.plan), str(self.seed), str(self.level))
        return self.store / f"{key}.npz"

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
    for task, _ in zip(tasks, _each(_measure, tasks, jobs), strict=True):
        yield kept(task.file)


def impressions(sounds: Sequence[Path], store: Path, jobs: int) -> Iterator[Impression]:
    """What pieces of the corpus sound like, in order."""
    for file in _each(_impress, [(sound, store) for sound in sounds], jobs):
        yield kept_impression(file)


def _each(work: Callable[[In], Out], inputs: Sequence[In], jobs: int) -> Iterator[Out]:
    """The results in order; in this process where one is enough."""
    if jobs == 1:
        yield from map(work, inputs)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(work, inputs)


def _measure(task: Task) -> None:
    if not task.file.exists():
        keep(task.file, measure(task.heard(), task.plan, np.random.default_rng((task.seed, 0))))


def _impress(wanted: tuple[Path, Path]) -> Path:
    sound, store = wanted
    file = store / f"{key_of(Impression, sound)}.npz"
    if not file.exists():
        keep(file, impression(Heard.read(sound)))
    return file
