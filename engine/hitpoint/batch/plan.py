"""From input files to jobs: which clips, what each result is called, and what makes two jobs the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hitpoint import __version__
from hitpoint.batch.choose import Choice
from hitpoint.batch.jobs import Fault, Job, fault_of, request_text
from hitpoint.errors import HitpointError, UsageError
from hitpoint.progress import SILENT, Progress
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.select import select
from hitpoint.timeline.urls import absolute
from hitpoint.values import BundleId, ClipInfo, ScoreRequest, TimelineInfo

_NAME_LENGTH = 48


def plan(
    inputs: Sequence[Path],
    folder: Path,
    asked: ScoreRequest,
    bundle: BundleId,
    *,
    all_clips: bool = False,
    choice: Choice | None = None,
    taken: Mapping[Path, Path] | None = None,
    progress: Progress = SILENT,
) -> tuple[Job, ...]:
    """The jobs for `inputs`, each with the settings of `asked`; what cannot be read is a job that failed.

    All clips of a timeline (or those of a `choice`) go into one output, in a folder of its own below
    `folder`. `taken` holds the outputs of earlier runs, so that a source keeps its name whatever it is asked
    together with. Raises UsageError for a choice that means no clip of any input.
    """
    jobs: list[Job] = []
    outputs = dict(taken or {})
    sources = list(dict.fromkeys(absolute(path) for path in inputs))
    for number, source in enumerate(sources):
        progress.report("Reading the inputs", number / len(sources))
        output = outputs.setdefault(source, _output(source, folder, outputs))
        jobs += _jobs_of(replace(asked, timeline=source), output, bundle, all_clips, choice)
    if choice is not None and not jobs:
        raise UsageError(f"No clip of the inputs is meant by {choice.text!r}.", "Look with hitpoint inspect.")
    return tuple(jobs)


def _output(source: Path, folder: Path, outputs: Mapping[Path, Path]) -> Path:
    """`FOLDER/NAME/NAME.otio`; a second source of that name gets some digits of its path as well."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", source.stem).strip("-.")[:_NAME_LENGTH] or "timeline"
    if name.casefold() in {path.stem.casefold() for path in outputs.values()}:
        name += "-" + hashlib.sha256(str(source).encode(errors="surrogateescape")).hexdigest()[:8]
    return absolute(folder) / name / f"{name}.otio"


def _jobs_of(
    request: ScoreRequest, output: Path, bundle: BundleId, all_clips: bool, choice: Choice | None
) -> list[Job]:
    try:
        if output == request.timeline:
            raise UsageError(f"{output} is where its own result would go.", "Choose another folder with -o.")
        info = read_timeline(request.timeline)
        if all_clips or choice is not None:
            if not info.clips:
                raise UsageError(f"{info.path.name} has no video clip.", "Choose a timeline with one.")
            clips = info.clips if choice is None else choice.of(info)
            return _several(info, clips, request, output, bundle)
        clip = select(info, request.clip).clip
    except HitpointError as error:
        key = _key(request, "", bundle)
        return [Job(key, request, output, request.clip or "", fault=fault_of(error))]
    return [_job(info, clip, request, output, bundle)]


def _several(
    info: TimelineInfo, clips: Sequence[ClipInfo], request: ScoreRequest, output: Path, bundle: BundleId
) -> list[Job]:
    """One job per clip. Where clips lie over each other the lowest track has the music."""
    jobs: list[Job] = []
    scored: list[ClipInfo] = []
    for clip in clips:
        job = _job(info, clip, request, output, bundle)
        below = next((other for other in scored if _overlap(clip, other)), None)
        if not clip.enabled:
            job = replace(job, fault=Fault("Skipped", "It is switched off in the timeline."), skipped=True)
        elif clip.media is not None and below is not None:
            what = f"It lies over clip {below.index} ({below.name}), which has the music there."
            job = replace(job, fault=Fault("Skipped", what), skipped=True)
        elif clip.media is not None:
            scored.append(clip)
        jobs.append(job)
    return jobs


def _overlap(one: ClipInfo, other: ClipInfo) -> bool:
    return (
        one.record_start < other.record_start + other.duration
        and other.record_start < one.record_start + one.duration
    )


def _job(info: TimelineInfo, clip: ClipInfo, request: ScoreRequest, output: Path, bundle: BundleId) -> Job:
    request = replace(request, clip=str(clip.index))
    return Job(_key(request, info.content_sha256, bundle), request, output, clip.name, clip.duration)


def _key(request: ScoreRequest, content: str, bundle: BundleId) -> str:
    decides = json.dumps([request_text(request), content, bundle.sha256, __version__])
    return hashlib.sha256(decides.encode(errors="surrogateescape")).hexdigest()
