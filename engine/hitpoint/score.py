"""The whole product on one screen: from a clip on a timeline to music on that timeline."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from hitpoint.cue.bundle import load_bundle
from hitpoint.cue.ducking import Ducked, dips_into, ducks_of
from hitpoint.cue.make import LONGEST_S, Cue, make_cue
from hitpoint.cue.plan import Accent, CuePlan
from hitpoint.cue.planner import plan_cue
from hitpoint.cue.sessions import CpuModel
from hitpoint.cue.stream import wav_stream
from hitpoint.cue.styles import choose_style, in_range, style_row
from hitpoint.errors import OutputError, UsageError
from hitpoint.media.probe import probe
from hitpoint.motion.descriptors import liveliness
from hitpoint.motion.pose_model import ensure_pose_model
from hitpoint.progress import SILENT, Progress
from hitpoint.provenance import asset_path, ducking_json, provenance, request_json
from hitpoint.rhythm.extract import extract_rhythm
from hitpoint.speech.detect import speech_of
from hitpoint.timeline.convert import losses_to
from hitpoint.timeline.edited import FROM_MARKERS, hits_json, marked_hits
from hitpoint.timeline.formats.base import automates
from hitpoint.timeline.formats.native import OTIOD
from hitpoint.timeline.formats.registry import writable
from hitpoint.timeline.place import frame_aligned, place
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.scope import select_scope, still_there
from hitpoint.timeline.select import select
from hitpoint.values import (
    SAMPLE_RATE,
    Asset,
    BundleId,
    Duck,
    HitReport,
    Rhythm,
    ScoreRequest,
    ScoreResult,
    Selection,
    TempoPoint,
    TimelineInfo,
    Timings,
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read and seen before any music is made."""

    timeline: TimelineInfo
    selection: Selection
    rhythm: Rhythm
    seconds: float  # of wall clock that it took
    speech: tuple[tuple[float, float], ...] = ()  # seconds of the selection; looked for only when asked

    def ducks(self, request: ScoreRequest) -> tuple[Duck, ...]:
        """Where the music makes room for speech."""
        return ducks_of(self.speech, request.ducking, float(self.selection.duration))


def score(request: ScoreRequest, output: Path, progress: Progress = SILENT) -> ScoreResult:
    """Score a clip or a line of clips: timeline -> movement -> rhythm -> plan -> cue -> placed timeline.

    Raises the leaves of `HitpointError`; then nothing was written.
    """
    output = output.absolute()
    check_target(output)
    if request.style != "auto":
        style_row(request.style)
    if request.stream is not None and request.takes > 1:
        raise UsageError("Only a single take can be streamed.", "Leave --takes out.")
    request = settled(request, output)
    bundle = load_bundle(request.bundle)
    with ThreadPoolExecutor(1, "hitpoint-model") as loading:
        model = loading.submit(CpuModel, bundle, backend=request.backend)
        seen = see(request, _minding(model, progress))
        return score_seen(seen, request, model.result(), output, progress)


def _minding(model: Future[CpuModel], progress: Progress) -> Progress:
    """`progress`, whose next report raises what went wrong with the model: nobody watches on for nothing."""

    def listen(stage: str, fraction: float) -> None:
        if model.done():
            model.result()
        progress.listener(stage, fraction)

    return Progress(listen, progress.cancelled)


def score_seen(
    seen: Seen, request: ScoreRequest, model: CpuModel, output: Path, progress: Progress = SILENT
) -> ScoreResult:
    """Score what was already watched, for another style, seed or take.

    The sound file is finished before the timeline that refers to it, and each appears whole or not at
    all, so a failure at any point leaves nothing dangling.
    """
    started = time.perf_counter()
    request = settled(request, output)
    losses = tuple(loss.sentence for loss in losses_to(seen.timeline, output))
    plan = plan_for(seen, request)
    cue = compose(seen, plan, request, model, output, progress)
    made = time.perf_counter()
    bundle = model.bundle.id
    placed = lay(seen, request, plan.style, bundle, cue.asset, cue.hits, cue.hit_rate, output)
    spent = seen.seconds + time.perf_counter() - started
    timings = Timings(seen.seconds, made - started, spent)
    return replace(_result(request, seen, plan, cue, bundle, placed, timings), losses=losses)


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


def see(request: ScoreRequest, progress: Progress) -> Seen:
    """Timeline -> clip -> movement -> rhythm and hit points; no music is made."""
    started = time.perf_counter()
    timeline = read_timeline(request.timeline, request.media_root)
    selection = _selected(timeline, request)
    marked = marked_hits(timeline, selection, request.markers)
    speech = speech_of(selection, progress) if request.ducking is not None else ()
    rhythm = extract_rhythm(
        selection.media,
        probe(selection.media.path),
        accents=request.accents,
        user_hits=request.user_hits,
        bpm=request.bpm,
        pose_model=ensure_pose_model(progress),
        progress=progress,
        marked=marked,
        pieces=selection.pieces,
    )
    return Seen(timeline, selection, rhythm, time.perf_counter() - started, speech)


def _selected(timeline: TimelineInfo, request: ScoreRequest) -> Selection:
    if request.scope is None:
        return select(timeline, request.clip, request.range)
    if request.clip is not None or request.range is not None:
        raise UsageError("A clip or a range in it is no part of a line.", "Give one or the other.")
    found = select_scope(timeline, request.scope)
    if found.duration > LONGEST_S:  # known before anything is watched
        raise UsageError(
            f"{found.name} is {float(found.duration) / 60:.0f} minutes long.",
            f"One cue may have {LONGEST_S / 60:.0f}; score it in parts.",
        )
    return found


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


def _result(
    request: ScoreRequest,
    seen: Seen,
    plan: CuePlan,
    cue: Cue,
    bundle: BundleId,
    placed: Path,
    timings: Timings,
) -> ScoreResult:
    return ScoreResult(
        output=placed,
        asset=cue.asset,
        clip=seen.selection.clip,
        record_start=seen.selection.record_start,
        duration=seen.selection.duration,
        seed=request.seed,
        bundle=bundle,
        hit_points=cue.hits,
        hit_rate=cue.hit_rate,
        chance_rate=cue.chance_rate,
        tempo_map=(TempoPoint(0.0, plan.bpm),),
        shots=seen.rhythm.shots,
        motion_source=seen.rhythm.source,
        timings=timings,
        style=plan.style,
        backend=cue.backend,
        warnings=(*seen.selection.warnings, *seen.rhythm.warnings, *cue.warnings, *_unheard(seen, request)),
        title=seen.selection.name,
        clips=seen.selection.clip_names,
        ducking=seen.ducks(request),
        ducking_baked=request.ducking is None or request.ducking.baked,
    )


def _unheard(seen: Seen, request: ScoreRequest) -> tuple[str, ...]:
    if request.ducking is None or seen.speech:
        return ()
    return ("No speech was found in the clips' own sound, so the music is nowhere turned down.",)
