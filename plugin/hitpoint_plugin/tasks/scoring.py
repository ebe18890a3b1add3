"""The long work: watch a clip, make a take."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hitpoint.progress import Progress
from hitpoint.values import (
    Anew,
    Asset,
    BundleId,
    HitReport,
    Rhythm,
    ScoreRequest,
    Selection,
    TempoPoint,
    TimelineInfo,
)
from hitpoint_plugin.tasks.base import Task

if TYPE_CHECKING:
    from hitpoint.cue.sessions import CpuModel


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen in a clip; the panel keeps it, so no worker has to watch again."""

    timeline: TimelineInfo
    selection: Selection
    rhythm: Rhythm
    seconds: float
    speech: tuple[tuple[float, float], ...] | None = None  # None: nobody has listened yet


@dataclass(frozen=True, slots=True)
class Take:
    """A finished piece of music for a clip, in no timeline yet. `lead` seconds of silence come first."""

    request: ScoreRequest
    asset: Asset
    bundle: BundleId
    style: str
    hits: tuple[HitReport, ...]
    hit_rate: float
    chance_rate: float
    tempo: tuple[TempoPoint, ...]
    lead: Fraction
    loudness: float  # LUFS
    seconds: float  # of wall clock that it took
    warnings: tuple[str, ...] = ()
    speech: tuple[tuple[float, float], ...] = ()  # that it makes room for; seconds of the selection
    bars: tuple[float, ...] = ()  # where a region may begin or end, seconds; the last is the end
    part: str = ""  # which bars were made anew last, in plain words


@dataclass(frozen=True, slots=True)
class Watch(Task):
    """Watch the clip of a request and find its hit points."""

    result: ClassVar[type] = Watched
    request: ScoreRequest

    def run(self, progress: Progress) -> Watched:
        """Everything that is read before music is made."""
        from hitpoint.see import see

        seen = see(self.request, progress)
        heard = seen.speech if self.request.ducking is not None else None
        return Watched(seen.timeline, seen.selection, seen.rhythm, seen.seconds, heard)


@dataclass(frozen=True, slots=True)
class Compose(Task):
    """Make one take in `folder`, on the hit points and the tempo that `watched` has now."""

    result: ClassVar[type] = Take
    watched: Watched
    request: ScoreRequest
    folder: Path

    def run(self, progress: Progress) -> Take:
        """The take, mastered and measured."""
        from hitpoint.cue.region import bar_lines
        from hitpoint.errors import OutputError
        from hitpoint.files import sweep_stale_temps
        from hitpoint.see import Seen
        from hitpoint.steps import compose, plan_for
        from hitpoint.timeline.place import frame_aligned

        started = time.perf_counter()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{self.folder} cannot be made: {error.strerror}.", "Free some space."
            ) from error
        sweep_stale_temps(self.folder)  # of workers that were killed
        model = _model(self.request.bundle)
        watched, speech = self.watched, self._speech(progress)
        seen = Seen(watched.timeline, watched.selection, watched.rhythm, watched.seconds, speech)
        plan = plan_for(seen, self.request)
        cue = compose(seen, plan, self.request, model, self.folder / "take.otio", progress)
        return Take(
            request=self.request,
            asset=cue.asset,
            bundle=model.bundle.id,
            style=plan.style,
            hits=cue.hits,
            hit_rate=cue.hit_rate,
            chance_rate=cue.chance_rate,
            tempo=seen.rhythm.tempo.points,
            lead=frame_aligned(seen.selection, seen.selection.clip.rate)[1],
            loudness=cue.loudness,
            seconds=time.perf_counter() - started,
            warnings=cue.warnings,
            speech=speech,
            bars=bar_lines(plan),
        )

    def _speech(self, progress: Progress) -> tuple[tuple[float, float], ...]:
        """Listened for only where the music shall make room for it."""
        from hitpoint.speech.detect import speech_of

        if self.request.ducking is None:
            return ()
        heard = self.watched.speech
        return speech_of(self.watched.selection, progress) if heard is None else heard


@dataclass(frozen=True, slots=True)
class Remake(Task):
    """Make a region of a take anew in `folder`; the rest of its sound stays to the bit."""

    result: ClassVar[type] = Take
    watched: Watched
    take: Take
    anew: Anew
    folder: Path

    def run(self, progress: Progress) -> Take:
        """The new take, beside the old one, measured as a whole."""
        from hitpoint.cue.remake import kept_take, remake
        from hitpoint.provenance import asset_path

        started, request = time.perf_counter(), self.take.request
        kept = kept_take(self.take.asset.path)
        region, model = kept.region(self.anew), _model(request.bundle)
        out = asset_path(self.folder / "take.otio", self.watched.selection, kept.provenance(self.anew))
        cue = remake(kept, self.anew, model, out, progress)
        return replace(
            self.take,
            request=replace(request, remade=(*request.remade, self.anew)),
            asset=cue.asset,
            hits=cue.hits,
            hit_rate=cue.hit_rate,
            chance_rate=cue.chance_rate,
            loudness=cue.loudness,
            seconds=time.perf_counter() - started,
            warnings=cue.warnings,
            part=region.name,
        )


@lru_cache(maxsize=1)
def _model(bundle: Path | None) -> CpuModel:
    """The model of a bundle, checked and loaded once for all the takes that one worker makes."""
    from hitpoint.cue.bundle import load_bundle
    from hitpoint.cue.sessions import CpuModel

    return CpuModel(load_bundle(bundle), backend="auto")
