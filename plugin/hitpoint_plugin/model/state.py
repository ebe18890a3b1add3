"""The values that the panel is made of; all of them can be written into the session file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import numpy as np

from hitpoint.values import (
    GUIDANCE,
    STEPS,
    AccentKind,
    Anew,
    Ducking,
    HitPoint,
    Scope,
    ScoreRequest,
    TempoMap,
)
from hitpoint_plugin.tasks import Take, Watched

NUDGE_STRENGTH = 0.1
_SAMPLES = 65  # of a drawn curve in a region
SAME_TIME_S = 0.01
"""Of two points of the curve closer than this the later drawn one stays."""


@dataclass(frozen=True, slots=True)
class Controls:
    """What the user asks of the music."""

    style: str = "auto"
    intensity: float = 0.6
    seed: int = 1
    takes: int = 2
    loudness: float = -14.0
    accents: AccentKind = "impact"
    steps: int = STEPS
    guidance: float = GUIDANCE
    bundle: Path | None = None
    ducked: bool = False
    ducking: Ducking = field(default_factory=Ducking)
    tail: float | None = None  # seconds; None: what suits
    markers: bool | None = None  # as in ScoreRequest
    media_root: Path | None = None


@dataclass(frozen=True, slots=True)
class Preset:
    """Controls under a name; what belongs to the work at hand stays as it is when one is chosen."""

    name: str
    controls: Controls

    def over(self, now: Controls) -> Controls:
        """Its controls with the seed, the takes and the places of `now`."""
        return replace(
            self.controls, seed=now.seed, takes=now.takes, markers=now.markers, media_root=now.media_root
        )


PRESETS = (
    Preset("On every move", Controls(intensity=0.7)),
    Preset("Trailer", Controls(style="cinematic", intensity=0.9)),
    Preset("Under a voice", Controls(style="ambient", intensity=0.3, loudness=-23.0, ducked=True)),
    Preset("Club", Controls(style="house", intensity=0.8)),
    Preset("Broadcast", Controls(loudness=-23.0)),
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What can be edited under the picture: the hit points in order of time, a tempo if one is pinned, and
    the intensity over time if it is drawn: (seconds, 0 to 1) in order of time, linear between. `region` of
    the chosen take, from bar line to bar line in seconds, is what can be made anew."""

    hits: tuple[HitPoint, ...] = ()
    bpm: float | None = None
    curve: tuple[tuple[float, float], ...] = ()
    region: tuple[float, float] | None = None

    def adding(self, time: float) -> Sheet:
        """With a locked point of the user's at `time`."""
        return self._with((*self.hits, HitPoint(time, 1.0, "user", locked=True)))

    def moving(self, index: int, time: float) -> Sheet:
        """With a point at another time; it is the user's now, and locked."""
        moved = replace(self.hits[index], time=time, kind="user", locked=True)
        return self._with((*self.hits[:index], moved, *self.hits[index + 1 :]))

    def without(self, index: int) -> Sheet:
        """Without a point."""
        return replace(self, hits=self.hits[:index] + self.hits[index + 1 :])

    def locking(self, index: int) -> Sheet:
        """With a point's lock turned over."""
        hit = self.hits[index]
        return self._swapped(index, replace(hit, locked=not hit.locked))

    def weighing(self, index: int, strength: float) -> Sheet:
        """With another weight of a point, kept within 0.1 to 1."""
        return self._swapped(index, replace(self.hits[index], strength=min(1.0, max(0.1, strength))))

    def bending(self, index: int, time: float, level: float) -> Sheet:
        """With a point of the curve elsewhere, or with one more for an `index` of -1."""
        others = [point for number, point in enumerate(self.curve) if number != index]
        others = [point for point in others if abs(point[0] - time) > SAME_TIME_S]
        return replace(self, curve=tuple(sorted([*others, (time, min(1.0, max(0.0, level)))])))

    def straightening(self, index: int) -> Sheet:
        """Without a point of the curve."""
        return replace(self, curve=self.curve[:index] + self.curve[index + 1 :])

    def _swapped(self, index: int, hit: HitPoint) -> Sheet:
        return replace(self, hits=(*self.hits[:index], hit, *self.hits[index + 1 :]))

    def _with(self, hits: tuple[HitPoint, ...]) -> Sheet:
        return replace(self, hits=tuple(sorted(hits, key=lambda hit: hit.time)))


@dataclass(frozen=True, slots=True)
class TakeCard:
    """A take among others of the same clip."""

    take: Take
    starred: bool = False


@dataclass(frozen=True, slots=True)
class ClipWork:
    """Everything that belongs to one clip. `watched` is as the engine saw it, `sheet` as the user left it."""

    index: int
    watched: Watched | None = None
    sheet: Sheet = Sheet()
    edited: bool = False
    tempo: TempoMap | None = None  # of the sheet
    takes: tuple[TakeCard, ...] = ()
    chosen: int = -1

    def as_edited(self) -> Watched | None:
        """What was seen, with the user's hit points and tempo in their place."""
        if self.watched is None:
            return None
        tempo = self.tempo or self.watched.rhythm.tempo
        rhythm = replace(self.watched.rhythm, hit_points=self.sheet.hits, tempo=tempo)
        return replace(self.watched, rhythm=rhythm)

    @property
    def take(self) -> Take | None:
        """The chosen one."""
        return self.takes[self.chosen].take if 0 <= self.chosen < len(self.takes) else None


@dataclass(frozen=True, slots=True)
class Session:
    """What is there again after a restart or a crash."""

    source: Path | None = None
    current: int = 0
    controls: Controls = Controls()
    works: tuple[ClipWork, ...] = ()
    lines: tuple[tuple[int, ...], ...] = ()


def anew_for(take: Take, region: tuple[float, float], controls: Controls, sheet: Sheet) -> Anew:
    """What is asked of a region: a seed that the take has not seen, and what of the rest is not as it was."""
    seen = {take.request.seed, *(part.seed for part in take.request.remade)}
    seed = next(seed for seed in count(controls.seed) if seed not in seen)
    before = _level(take.request.intensity, take.request.intensity_curve, region)
    now = _level(controls.intensity, sheet.curve, region)
    style = None if controls.style in ("auto", take.style) else controls.style
    return Anew(*region, seed, style, None if now == before else now, sheet.hits)


def _level(level: float, curve: Sequence[tuple[float, float]], region: tuple[float, float]) -> float:
    """The intensity of a region: the mean of the curve there, if one is drawn."""
    if not curve:
        return level
    moments, levels = zip(*curve, strict=True)
    return float(np.interp(np.linspace(*region, _SAMPLES), moments, levels).mean())


def request_for(
    source: Path, index: int, controls: Controls, sheet: Sheet, edited: bool, line: tuple[int, ...] = ()
) -> ScoreRequest:
    """The engine's request; edited hit points travel in it whole, so that it says all that matters.

    `line` has the numbers of several clips that are one cue, instead of the one called `index`.
    """
    return ScoreRequest(
        timeline=source,
        clip=None if line else str(index),
        scope=Scope(clips=tuple(map(str, line))) if line else None,
        style=controls.style,
        intensity=controls.intensity,
        seed=controls.seed,
        steps=controls.steps,
        guidance=controls.guidance,
        accents=controls.accents,
        loudness=controls.loudness,
        bpm=sheet.bpm,
        user_hits=sheet.hits if edited else (),
        bundle=controls.bundle,
        markers=controls.markers,
        ducking=controls.ducking if controls.ducked else None,
        media_root=controls.media_root,
        tail=controls.tail,
        intensity_curve=sheet.curve,
    )
