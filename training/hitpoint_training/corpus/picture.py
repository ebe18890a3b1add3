"""A picture that never was: hit points, cuts, shots and a tempo as the extractor finds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.plan import Accent
from hitpoint.cue.planner import beat_grid
from hitpoint.cue.styles import style_row
from hitpoint.motion.descriptors import FAST, SLOW, STEP_S, TYPICAL_SCALE
from hitpoint.values import Shot, TempoMap, TempoPoint

_ON_GRID = 0.65  # share of real movement accents that fall near the grid, as danced
_CUT_ON_BEAT = 0.5  # share of cuts that an editor put on a beat
_JITTER = 0.006  # seconds around the grid
_SHORTEST_SHOT = 0.45  # seconds

Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Picture:
    """What is asked of the music. Times in seconds."""

    duration: float
    tempo: TempoMap
    hits: tuple[Accent, ...]
    cuts: tuple[float, ...]
    intensity: float
    shots: tuple[Shot, ...]


def simulate(style: str, duration: float, rng: np.random.Generator) -> Picture:
    """A random picture whose tempo suits the style: busy and quiet stretches, 0.2 to 3 hits a second,
    strengths 0.3 to 1, most near eighths and sixteenths of the grid and a third anywhere."""
    tempo = _tempo(style, duration, rng)
    grid = beat_grid(tempo, duration).times
    busy = float(np.exp(rng.uniform(np.log(0.2), np.log(3.0))))
    hits: list[Accent] = []
    start = 0.0
    while start < duration:
        stop = min(duration, start + float(rng.uniform(3, 9)))
        rate = busy * float(rng.choice((0.0, 0.5, 1.0, 1.5), p=(0.15, 0.2, 0.4, 0.25)))
        for _ in range(int(rng.poisson(rate * (stop - start)))):
            time = _moment(start, stop, grid, rng)
            if 0 <= time < duration - 0.05:
                hits.append(Accent(time, float(0.3 + 0.7 * rng.beta(1.6, 1.2))))
        start = stop
    cuts = _cuts(duration, grid, rng)
    hits += [Accent(cut, float(rng.uniform(0.4, 0.8))) for cut in cuts if rng.random() < 0.5]
    hits.sort(key=lambda hit: hit.time)
    shots = _shots(duration, hits, cuts, rng)
    return Picture(duration, tempo, tuple(hits), cuts, float(rng.uniform(0.25, 1.0)), shots)


def _tempo(style: str, duration: float, rng: np.random.Generator) -> TempoMap:
    """A steady tempo in the style's range; in one piece of six it changes once."""
    row = style_row(style)
    others = row.meters[1:]
    meter = int(rng.choice(others)) if others and rng.random() < 0.4 else row.meters[0]
    bpm = float(np.exp(rng.uniform(np.log(row.tempo[0]), np.log(row.tempo[1]))))
    bpm *= 2 if meter == 6 else 1
    points = [TempoPoint(0.0, bpm)]
    if rng.random() < 1 / 6:
        points.append(TempoPoint(duration * float(rng.uniform(0.3, 0.7)), bpm * float(rng.uniform(0.9, 1.1))))
    first = float(rng.uniform(0, 60 / bpm * meter)) if rng.random() < 0.7 else 0.0
    return TempoMap(tuple(points), first, meter)


def _on_grid(time: float, grid: Curve, parts: int, spread: float, rng: np.random.Generator) -> float:
    """The nearest 1, 1/2 or 1/4 of a beat (`parts` in a beat), about `spread` seconds off."""
    place = round(float(np.interp(time, grid, np.arange(len(grid)))) * parts) / parts
    return float(np.interp(place, np.arange(len(grid)), grid)) + float(rng.normal(0, spread))


def _moment(start: float, stop: float, grid: Curve, rng: np.random.Generator) -> float:
    """A time in the stretch: near the grid (beats before eighths before sixteenths), or anywhere."""
    time = float(rng.uniform(start, stop))
    if rng.random() >= _ON_GRID:
        return time
    return _on_grid(time, grid, int(rng.choice((1, 2, 4), p=(0.4, 0.4, 0.2))), _JITTER, rng)


def _cuts(duration: float, grid: Curve, rng: np.random.Generator) -> tuple[float, ...]:
    """None in a tenth of the pieces, else one every 1.5 to 14 s; half of them near a beat."""
    if rng.random() < 0.1:
        return ()
    every = float(np.exp(rng.uniform(np.log(1.5), np.log(14.0))))
    cuts: list[float] = []
    for time in np.sort(rng.uniform(0.5, duration, int(rng.poisson(duration / every)))).tolist():
        cut = _on_grid(time, grid, 1, 0.02, rng) if rng.random() < _CUT_ON_BEAT else time
        if cut - (cuts[-1] if cuts else 0.0) >= _SHORTEST_SHOT and cut < duration - 0.3:
            cuts.append(cut)
    return tuple(cuts)


def _shots(
    duration: float, hits: list[Accent], cuts: tuple[float, ...], rng: np.random.Generator
) -> tuple[Shot, ...]:
    """Shots between the cuts with the columns of `motion.descriptors.DESCRIPTORS`, in the ranges that
    real clips have; some pieces stay in one place and light, others cut between very different ones."""
    moved = _energy(duration, hits, rng)
    place, variety = _setting(rng), float(rng.uniform(0.3, 1.0))
    shots: list[Shot] = []
    for start, stop in zip((0.0, *cuts), (*cuts, duration), strict=True):
        setting = place + variety * (_setting(rng) - place)
        count = len(np.arange(start, max(stop, start + 1e-3), STEP_S))
        since = STEP_S * np.arange(count)
        size = _size(setting[5])
        people = float(rng.choice((0, 1, 2, 3, 4, 6), p=(0.07, 0.7, 0.09, 0.06, 0.04, 0.04)))
        level = np.interp(start + since + STEP_S / 2, np.arange(len(moved)) * STEP_S, moved)
        level = level + rng.normal(0, 0.1)
        area = (size if people else TYPICAL_SCALE) ** 2
        light = setting[:5] + _wander(count, 0.015, rng)[:, None] * (1, 0.5, 0.5, 0.5, 0.3)
        camera = np.exp(rng.normal(setting[6], 0.5, count))
        scale = (size if people else 0.0) * np.exp(rng.normal(0, 0.06, count))
        energy = SLOW * (FAST / SLOW) ** level * area
        columns = [energy, *light.T, camera, scale, np.full(count, people), np.minimum(since, 8.0)]
        shots.append(Shot(start, stop - start, np.stack(columns, 1).astype(np.float32)))
    return tuple(shots)


def _setting(rng: np.random.Generator) -> Curve:
    """(7,): brightness, saturation, two of hue, contrast; how near; how much the camera moves (log)."""
    bright, colour = float(rng.uniform(0.12, 0.9)), float(rng.beta(1.6, 3.0))
    angle, clear = float(rng.uniform(0, 2 * np.pi)), float(rng.beta(3, 2))
    hue = colour * clear * np.array([np.cos(angle), np.sin(angle)])
    contrast = float(rng.uniform(0.1, 0.28))
    return np.array([bright, colour, *hue, contrast, rng.uniform(), rng.normal(np.log(0.03), 0.8)])


def _size(near: float) -> float:
    """Torso length of the largest person, in shares of the picture's long side: 0.07 to 0.5."""
    return float(0.07 * (0.5 / 0.07) ** near)


def _energy(duration: float, hits: list[Accent], rng: np.random.Generator) -> Curve:
    """A value each half second: it follows the density of the hits, and drifts and trembles on its own."""
    times = np.arange(0, duration + 2 * STEP_S, STEP_S)
    dense = np.zeros(len(times))
    for hit in hits:
        dense += hit.strength * np.exp(-0.5 * ((times - hit.time) / 0.8) ** 2)
    dense = (dense - dense.mean()) / max(float(dense.std()), 0.3)
    drift = sum(
        np.sin(2 * np.pi * (times / float(rng.uniform(6, 25)) + float(rng.uniform()))) for _ in range(2)
    )
    middle = float(rng.uniform(0.3, 0.75))
    curve = middle + 0.1 * dense + 0.15 * drift + _wander(len(times), 0.08, rng)
    return np.asarray(curve, np.float64)


def _wander(count: int, spread: float, rng: np.random.Generator) -> Curve:
    """(count,) noise whose neighbours are alike (correlation 0.6)."""
    out = np.zeros(count)
    held = float(rng.normal(0, spread))
    for index in range(count):
        held = 0.6 * held + 0.8 * float(rng.normal(0, spread))
        out[index] = held
    return out
