"""A batch from beginning to end, in terms of the parts: plan, queue, supervisor, report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hitpoint.batch.choose import Choice
from hitpoint.batch.cluster import Cluster, run_on_cluster
from hitpoint.batch.jobs import Job, Tally
from hitpoint.batch.plan import plan
from hitpoint.batch.queue import Queue
from hitpoint.batch.report import Report, report_target, write_report
from hitpoint.batch.run import Crew, known_outputs, opened, run
from hitpoint.cue.bundle import load_bundle
from hitpoint.cue.styles import style_row
from hitpoint.motion.pose_model import ensure_pose_model
from hitpoint.progress import Progress
from hitpoint.values import BundleId, ScoreRequest


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user wants. `request` holds the settings for every job; its timeline is not used.

    `fresh` forgets what earlier runs did with these clips and does them again.
    """

    inputs: tuple[Path, ...]
    folder: Path
    request: ScoreRequest
    crew: Crew | Cluster
    all_clips: bool = False
    choice: Choice | None = None
    fresh: bool = False
    report: Path | None = None


def preview(asked: Asked, progress: Progress) -> tuple[Job, ...]:
    """The jobs that `carry_out` would do; writes nothing. Raises HitpointError."""
    bundle = _checked(asked)
    known = known_outputs(asked.folder)
    return plan(
        asked.inputs, asked.folder, asked.request, bundle,
        all_clips=asked.all_clips, choice=asked.choice, taken=known, progress=progress,
    )  # fmt: skip


def carry_out(asked: Asked, progress: Progress, listen: Callable[[Tally], None]) -> Report:
    """Do everything that is asked for and not done yet; one bad file stops nothing.

    Raises UsageError, ModelBundleError, OutputError, ConflictError before any work; WorkerError; and
    Cancelled, after which the same call goes on.
    """
    bundle = _checked(asked)
    ensure_pose_model(progress)
    with opened(asked.folder) as path:
        queue = Queue(path)
        jobs = plan(
            asked.inputs, asked.folder, asked.request, bundle,
            all_clips=asked.all_clips, choice=asked.choice, taken=queue.outputs(), progress=progress,
        )  # fmt: skip
        if asked.fresh:
            queue.forget(jobs)
        queue.ask(jobs)
        _do_again_where_files_are_gone(queue)
        before, started = queue.tally().counts["done"], time.monotonic()
        workers = asked.crew.jobs
        if isinstance(asked.crew, Cluster):
            workers = run_on_cluster(path, asked.crew, listen, progress.cancelled)
        else:
            run(path, asked.crew, listen, progress.cancelled)
        made = queue.tally().counts["done"] - before
        report = Report(queue.rows(), time.monotonic() - started, made, workers)
        queue.close()
    if asked.report is not None:
        write_report(report, asked.report)
    return report


def _checked(asked: Asked) -> BundleId:
    """What would go wrong with every job goes wrong once, and now."""
    report_target(asked.report)
    if asked.request.style != "auto":
        style_row(asked.request.style)
    return load_bundle(asked.request.bundle).id


def _do_again_where_files_are_gone(queue: Queue) -> None:
    for row in queue.rows():
        made = row.outcome is not None and row.job.output.is_file() and row.outcome.asset.is_file()
        if row.state == "done" and not made:
            queue.again(row.job.key)
