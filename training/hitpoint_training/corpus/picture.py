"""A picture that never was: hit points, cuts and a tempo as the extractor would find them in a clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hitpoint.cue.plan import Accent
from hitpoint.cue.styles import style_row
from hitpoint.values import TempoMap, TempoPoint

_ON_GRID = 0.65  # share of real movement accents that fall near the grid, as danced
_JITTER = 0.006  # seconds around the grid


@dataclass(frozen=True, slots=True)
class Picture:
    """What is asked of the music. Times in seconds."""

    duration: float
    tempo: TempoMap
    hits: tuple[Accent, ...]
    cuts: tuple[float, ...]
    intensity: float


def simulate(style: str, duration: float, rng: np.random.Generator) -> Picture:
    """A random picture whose tempo suits the style: busy and quiet stretches, 0.2 to 3 hits a second,
    strengths 0.3 to 1, most near eighths and sixteenths of the grid and a third anywhere."""
    tempo = _tempo(style, duration, rng)
    busy = float(np.exp(rng.uniform(np.log(0.2), np.log(3.0))))
    hits: list[Accent] = []
    start = 0.0
    while start < duration:
        stop = min(duration, start + float(rng.uniform(3, 9)))
        rate = busy * float(rng.choice((0.0, 0.5, 1.0, 1.5), p=(0.15, 0.2, 0.4, 0.25)))
        for _ in range(int(rng.poisson(rate * (stop - start)))):
            time = _moment(start, stop, tempo, rng)
            if 0 <= time < duration - 0.05:
                hits.append(Accent(time, float(0.3 + 0.7 * rng.beta(1.6, 1.2))))
        start = stop
    cuts = np.sort(rng.uniform(0.5, duration, int(rng.poisson(duration / 9))))
    hits += [Accent(float(cut), float(rng.uniform(0.4, 0.8))) for cut in cuts if rng.random() < 0.5]
    hits.sort(key=lambda hit: hit.time)
    return Picture(duration, tempo, tuple(hits), tuple(cuts.tolist()), float(rng.uniform(0.25, 1.0)))


def _tempo(style: str, duration: float, rng: np.random.Generator) -> TempoMap:
    """A steady tempo in the style's range; in one piece of twelve it changes once."""
    row = style_row(style)
    meter = row.meters[0] if rng.random() < 0.8 else int(rng.choice(row.meters))
    bpm = float(np.exp(rng.uniform(np.log(row.tempo[0]), np.log(row.tempo[1]))))
    bpm *= 2 if meter == 6 else 1
    points = [TempoPoint(0.0, bpm)]
    if rng.random() < 1 / 12:
        points.append(
            TempoPoint(duration * float(rng.uniform(0.3, 0.7)), bpm * float(rng.uniform(0.92, 1.08)))
        )
    first = float(rng.uniform(0, 60 / bpm * meter)) if rng.random() < 0.7 else 0.0
    return TempoMap(tuple(points), first, meter)


def _moment(start: float, stop: float, tempo: TempoMap, rng: np.random.Generator) -> float:
    """A time in the stretch: near the grid (beats before eighths before sixteenths), or anywhere."""
    time = float(rng.uniform(start, stop))
    if rng.random() >= _ON_GRID:
        return time
    point = max((p for p in tempo.points if p.time <= time), key=lambda p: p.time)
    step = 60 / point.bpm / float(rng.choice((1, 2, 4), p=(0.4, 0.4, 0.2)))
    origin = tempo.first_beat if point.time == 0 else point.time
    return origin + round((time - origin) / step) * step + float(rng.normal(0, _JITTER))
