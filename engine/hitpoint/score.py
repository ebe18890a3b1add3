"""The whole product on one screen: from a clip on a timeline to music on that timeline."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from hitpoint.cue.bundle import load_bundle
from hitpoint.cue.make import Cue
from hitpoint.cue.plan import CuePlan
from hitpoint.cue.sessions import CpuModel
from hitpoint.cue.styles import style_row
from hitpoint.errors import UsageError
from hitpoint.progress import SILENT, Progress
from hitpoint.see import Seen, see
from hitpoint.steps import check_target, compose, lay, plan_for, settled
from hitpoint.timeline.convert import losses_to
from hitpoint.values import BundleId, ScoreRequest, ScoreResult, TempoPoint, Timings


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


def _minding(model: Future[CpuModel], progress: Progress) -> Progress:
    """`progress`, whose next report raises what went wrong with the model: nobody watches on for nothing."""

    def listen(stage: str, fraction: float) -> None:
        if model.done():
            model.result()
        progress.listener(stage, fraction)

    return Progress(listen, progress.cancelled)


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
