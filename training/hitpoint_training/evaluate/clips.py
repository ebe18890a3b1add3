"""Real clips beside controls and beside their own sound: measured, and as JSON."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hitpoint.cue.bundle import load_bundle
from hitpoint.files import write_atomic
from hitpoint.progress import Progress
from hitpoint.values import BundleId, ScoreRequest
from hitpoint_training.evaluate.clip_figures import clip_figures, row_figures
from hitpoint_training.evaluate.clip_sounds import (
    AS_COMPOSED,
    OWN,
    RANDOM,
    Clip,
    Sound,
    score_clips,
    sounds_for,
)
from hitpoint_training.evaluate.measured import Measured
from hitpoint_training.evaluate.table import Figures, told
from hitpoint_training.evaluate.work import Task, measure_all
from hitpoint_training.evaluate_bundle import HEADROOM


@dataclass(frozen=True, slots=True)
class ClipsQuestion:
    """Which videos, and how they are scored. `bundle` None is the one that came with the program."""

    videos: tuple[Path, ...]
    style: str
    seed: int
    bundle: Path | None
    jobs: int


@dataclass(frozen=True, slots=True)
class Found:
    """`rows`: for every sound the means over the clips. `each`: for every sound the figures of each clip,
    None where the clip does not have it."""

    bundle: BundleId
    clips: tuple[Clip, ...]
    rows: dict[str, Figures]
    each: dict[str, list[Figures | None]]


def measure_clips(question: ClipsQuestion, progress: Progress) -> Found:
    """Score every clip into a temporary folder, and measure that and the controls by the plan that was used.

    Raises what loading the bundle and scoring raise.
    """
    bundle = load_bundle(question.bundle)
    request = ScoreRequest(
        timeline=question.videos[0], style=question.style, seed=question.seed, bundle=question.bundle
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = score_clips(request, question.videos, bundle, folder, progress)
        sounds = sounds_for(clips, request, bundle, folder, progress)
        found = _measure(clips, sounds, folder / "measured", question.jobs, progress)
    rows: dict[str, Figures] = {}
    each: dict[str, list[Figures | None]] = {}
    for row, of in found.items():
        own = [None if row == OWN else one for one in found[OWN]]  # it is no truth of itself
        beside = zip(of, clips, own, strict=True)
        each[row] = [clip_figures(one, clip, true) if one else None for one, clip, true in beside]
        rows[row] = row_figures(each[row], of, own)
    return Found(bundle.id, tuple(clips), rows, each)


def _measure(
    clips: Sequence[Clip], sounds: dict[str, list[Sound]], store: Path, jobs: int, progress: Progress
) -> dict[str, list[Measured | None]]:
    """Of every sound that is there, as `sounds` has them."""
    tasks = [
        Task(sound, clip.asked, index, store, HEADROOM if row in (AS_COMPOSED, RANDOM) else 1.0)
        for row, of in sounds.items()
        for index, (sound, clip) in enumerate(zip(of, clips, strict=True))
        if sound is not None
    ]
    results = _told_of(measure_all(tasks, jobs), len(tasks), progress)
    return {row: [None if sound is None else next(results) for sound in of] for row, of in sounds.items()}


def _told_of(results: Iterator[Measured], total: int, progress: Progress) -> Iterator[Measured]:
    for number, one in enumerate(results):
        progress.report("Measuring", number / total)
        yield one


def write_clips(path: Path, question: ClipsQuestion, found: Found) -> None:
    """The figures as JSON, with what was asked."""
    asked = {"bundle": found.bundle.sha256, "style": question.style, "seed": question.seed}
    rows = {row: told(figures) for row, figures in found.rows.items()}
    clips = [_clip_json(index, found) for index in range(len(found.clips))]
    text = json.dumps({"question": asked, "rows": rows, "clips": clips}, indent=1) + "\n"
    write_atomic(path, text.encode())


def _clip_json(index: int, found: Found) -> dict[str, Any]:
    clip = found.clips[index]
    return {
        "name": clip.name,
        "source": clip.result.motion_source,
        "style": clip.result.style,
        "own sound": clip.unheard or "heard",
        "hit rate": clip.result.hit_rate,
        "chance rate": clip.result.chance_rate,
        "sounds": {row: told(of[index] or {}) for row, of in found.each.items() if of[index]},
    }
