"""Figures of real clips, scored by the engine as a user would, beside the hit points of another clip."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from hitpoint.cue.bundle import load_bundle
from hitpoint.cue.plan import Accent
from hitpoint.cue.sessions import CpuModel
from hitpoint.progress import SILENT
from hitpoint.score import score_seen, see
from hitpoint.values import HitReport, ScoreRequest, ScoreResult
from hitpoint_training.evaluate.sync import hit_auc
from hitpoint_training.evaluate.tone import key_clarity


@dataclass(frozen=True, slots=True)
class ClipFigures:
    """One clip. The rates count strong hit points within half a video frame."""

    name: str
    source: str  # pose or flow
    style: str
    strong: int
    hit_rate: float
    chance_rate: float
    hit_auc: float
    shuffled_auc: float  # this music, the hit points of the next clip
    key_clarity: float
    seconds: float
    duration: float


def measure_clips(videos: Sequence[Path], style: str, seed: int) -> Iterator[ClipFigures]:
    """Score every clip into a temporary folder and measure the result."""
    with tempfile.TemporaryDirectory() as folder:
        results = [_score(video, style, seed, Path(folder)) for video in videos]
        for index, (video, result) in enumerate(zip(videos, results, strict=True)):
            other = results[(index + 1) % len(results)]
            yield _figures(video, result, other, np.random.default_rng((seed, index)))


def _score(video: Path, style: str, seed: int, folder: Path) -> ScoreResult:
    request = ScoreRequest(timeline=video, style=style, seed=seed)
    model = CpuModel(load_bundle(None))
    return score_seen(see(request, SILENT), request, model, folder / f"{video.stem}.otio")


def _figures(video: Path, result: ScoreResult, other: ScoreResult, rng: np.random.Generator) -> ClipFigures:
    sound, rate = soundfile.read(result.asset.path, dtype="float32")
    duration = float(result.duration)
    most = max((hit.strength for hit in result.hit_points), default=0.0)
    return ClipFigures(
        name=video.stem,
        source=result.motion_source,
        style=result.style,
        strong=sum(hit.strength >= most / 2 for hit in result.hit_points),
        hit_rate=result.hit_rate,
        chance_rate=result.chance_rate,
        hit_auc=hit_auc(sound, rate, _accents(result.hit_points), rng),
        shuffled_auc=hit_auc(sound, rate, _wrapped(other, duration), rng),
        key_clarity=key_clarity(sound, rate),
        seconds=result.timings.total_s,
        duration=duration,
    )


def _accents(reports: Sequence[HitReport]) -> list[Accent]:
    return [Accent(report.time, report.strength) for report in reports]


def _wrapped(other: ScoreResult, duration: float) -> list[Accent]:
    """The hit points of another clip, wound round this one's length."""
    return sorted(
        (Accent(hit.time % duration, hit.strength) for hit in other.hit_points), key=lambda hit: hit.time
    )
