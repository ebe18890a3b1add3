"""The whole product on one screen: from a clip on a timeline to music on that timeline."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from hitpoint.cue.bundle import load_bundle
from hitpoint.cue.make import make_cue
from hitpoint.cue.plan import CuePlan
from hitpoint.cue.planner import plan_for
from hitpoint.media.probe import probe
from hitpoint.motion.pose_model import ensure_pose_model
from hitpoint.progress import Progress
from hitpoint.provenance import asset_path, provenance
from hitpoint.rhythm.extract import extract_rhythm
from hitpoint.timeline.place import frame_aligned, place
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.select import select
from hitpoint.values import Rhythm, ScoreRequest, ScoreResult, Selection, TimelineInfo, Timings


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read and seen before any music is made."""

    timeline: TimelineInfo
    selection: Selection
    rhythm: Rhythm


def see(request: ScoreRequest, progress: Progress) -> Seen:
    """Timeline -> clip -> movement -> rhythm and hit points."""
    timeline = read_timeline(request.timeline)
    selection = select(timeline, request.clip, request.range)
    rhythm = extract_rhythm(
        selection.media,
        probe(selection.media.path),
        accents=request.accents,
        user_hits=request.user_hits,
        bpm=request.bpm,
        pose_model=ensure_pose_model(progress),
        progress=progress,
    )
    return Seen(timeline, selection, rhythm)


def score(request: ScoreRequest, output: Path, progress: Progress = Progress()) -> ScoreResult:
    """Score one clip and place the music; see `ScoreRequest` for what may be asked.

    Everything is made in memory or in temporary files first; the sound file is committed before the
    timeline that refers to it, so a failure at any point leaves no dangling reference.

    Raises: any leaf of `HitpointError`.
    """
    started = time.perf_counter()
    bundle = load_bundle(request.bundle)
    seen = see(request, progress)
    watched = time.perf_counter()
    rate = seen.selection.clip.rate
    record_frame, lead = frame_aligned(seen.selection, rate)
    plan: CuePlan = plan_for(seen.rhythm, float(seen.selection.duration), request)
    cue = make_cue(...)
    made = time.perf_counter()
    placed = place(...)
    return ScoreResult(...)
