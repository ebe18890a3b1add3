"""The second half of the work, step by step: a plan, its sound, and the sound on the timeline."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from hitpoint.cue.ducking import Ducked, dips_into
from hitpoint.cue.make import Cue, make_cue
from hitpoint.cue.plan import Accent, CuePlan
from hitpoint.cue.planner import plan_cue
from hitpoint.cue.sessions import CpuModel
from hitpoint.cue.stream import wav_stream
from hitpoint.cue.styles import choose_style, in_range
from hitpoint.errors import OutputError
from hitpoint.motion.descriptors import liveliness
from hitpoint.progress import SILENT, Progress
from hitpoint.provenance import asset_path, ducking_json, provenance, request_json
from hitpoint.see import Seen
from hitpoint.timeline.edited import FROM_MARKERS, hits_json
from hitpoint.timeline.formats.base import automates
from hitpoint.timeline.formats.native import OTIOD
from hitpoint.timeline.formats.registry import writable
from hitpoint.timeline.place import frame_aligned, place
from hitpoint.timeline.scope import still_there
from hitpoint.values import SAMPLE_RATE, Asset, BundleId, HitReport, ScoreRequest


def check_target(output: Path) -> None:
    """Fail before the work and not after it, where the result could not be written."""
    folder = writable(output) is OTIOD
    if not output.parent.is_dir():
        raise OutputError(f"The folder {output.parent} does not exist.", "Create it or choose another.")
    if output.is_dir() and not folder:
        raise OutputError(f"{output} is a folder.", "Name a file.")


def settled(request: ScoreRequest, output: Path) -> ScoreRequest:
    """With it decided where the dips under speech go, which is part of what the sound is."""
    return replace(request, ducking=dips_into(request.ducking, automates(writable(output)), output.name))


def plan_for(seen: Seen, request: ScoreRequest) -> CuePlan:
    """Rhythm -> the lead sheet that the network plays."""
    rhythm, style = seen.rhythm, request.style
    if style == "auto":
        style = choose_style(rhythm.tempo.bpm, liveliness(rhythm.shots))
    tempo = rhythm.tempo if request.bpm else in_range(rhythm.tempo, style)
    hits = [Accent(hit.time, hit.strength) for hit in rhythm.hit_points]
    duration = float(seen.selection.duration)
    return plan_cue(
        duration,
        hits,
        tempo,
        rhythm.cuts,
        style,
        request.intensity,
        request.seed,
        rhythm.shots,
        tail=request.tail,
        curve=request.intensity_curve,
    )


def compose(
    seen: Seen,
    plan: CuePlan,
    request: ScoreRequest,
    model: CpuModel,
    beside: Path,
    progress: Progress = SILENT,
) -> Cue:
    """Make the sound of `plan` in the folder of the file `beside`, for any frame that the clip starts on."""
    origin = provenance(request, plan.style, seen.selection, model.bundle, seen.rhythm)
    ducks, how = seen.ducks(request), request.ducking
    rate = seen.selection.clip.rate
    frame, lead = frame_aligned(seen.selection, rate)
    listening = (
        nullcontext()
        if request.stream is None
        else wav_stream(request.stream, round(plan.duration * SAMPLE_RATE))
    )
    with listening as heard:
        return make_cue(
            plan,
            seen.rhythm.hit_points,
            model,
            seed=request.seed,
            steps=request.steps,
            guidance=request.guidance,
            takes=request.takes,
            loudness=request.loudness,
            frame_rate=float(rate),
            lead_samples=round(lead * SAMPLE_RATE),
            out=asset_path(beside, seen.selection, origin),
            time_reference=round((seen.timeline.start_timecode + frame / rate) * SAMPLE_RATE),
            provenance=origin,
            progress=progress,
            dip=Ducked(ducks, how) if ducks and how and how.baked else None,
            heard=heard,
        )


def lay(
    seen: Seen,
    request: ScoreRequest,
    style: str,
    bundle: BundleId,
    asset: Asset,
    hits: Sequence[HitReport],
    hit_rate: float,
    output: Path,
    *,
    keep: bool = False,
) -> Path:
    """Place a finished sound with all that is known of it; returns the timeline. `keep`: as for `place`."""
    record = request_json(request, style)
    record["bundle"], record["hit_rate"] = bundle.sha256, hit_rate
    record["hit_points"] = hits_json(seen.rhythm.hit_points)
    record[FROM_MARKERS] = seen.rhythm.from_markers
    if (ducks := seen.ducks(request)) and request.ducking:
        lead = frame_aligned(seen.selection, seen.selection.clip.rate)[1]
        record |= ducking_json(ducks, request.ducking, float(seen.selection.duration), lead)
    name = f"{seen.selection.name} ({style}, seed {request.seed})"
    still_there(seen.timeline, seen.selection)
    return place(seen.timeline, seen.selection, asset, name, hits, record, output, keep=keep)
