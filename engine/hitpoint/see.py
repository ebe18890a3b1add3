"""The first half of the work: a clip is found on its timeline and its movement watched."""

from __future__ import annotations

import time
from dataclasses import dataclass

from hitpoint.cue.ducking import ducks_of
from hitpoint.cue.make import LONGEST_S
from hitpoint.errors import UsageError
from hitpoint.media.probe import probe
from hitpoint.motion.pose_model import ensure_pose_model
from hitpoint.progress import Progress
from hitpoint.rhythm.extract import extract_rhythm
from hitpoint.speech.detect import speech_of
from hitpoint.timeline.edited import marked_hits
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.scope import select_scope
from hitpoint.timeline.select import select
from hitpoint.values import Duck, Rhythm, ScoreRequest, Selection, TimelineInfo


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
