"""The form of a cue: where sections change, what each does, and how strongly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.plan import Accent, Section, SectionKind

Times = NDArray[np.float64]

_BASE: dict[SectionKind, float] = {
    "intro": 0.4, "groove": 0.6, "build": 0.7, "drop": 0.95, "break": 0.35, "ending": 0.7,
}  # fmt: skip
_NEAR_HIT = 0.35  # seconds: how far a strong hit pulls a section change to a downbeat
_LONGEST = 12  # bars in a section
_SAMPLES = 33  # of a drawn curve in each section
_SHORT = 20  # bars: a shorter cue comes to the point after two


def lay_form(
    bars: Times,
    end: float,
    accents: Sequence[Accent],
    cuts: Sequence[float],
    intensity: float,
    curve: Sequence[tuple[float, float]] = (),
) -> tuple[Section, ...]:
    """Sections over the downbeats `bars` (seconds, ascending, at most `end`).

    Changes prefer downbeats near cuts and strong hits; the densest stretches become drops, the emptiest
    breaks, and what leads to a drop builds. `intensity` (0 to 1) scales all; 0.6 is neutral. Instead of it
    a `curve` of (seconds, 0 to 1), linear between its points, scales each section by its mean there.
    """
    edges = _edges(bars, end, _pull(bars, accents, cuts))
    times = [0.0, *(float(bars[edge]) for edge in edges)]
    density = _density(times, end, accents)
    kinds = _kinds(density, has_ending=len(edges) > 0)
    peak = max(*density, 1e-9)
    sections: list[Section] = []
    wanted = _wanted(times, end, curve) if curve else [intensity] * len(times)
    for start, kind, dense, scale in zip(times, kinds, density, wanted, strict=True):
        sections.append(Section(start, kind, level_of(kind, scale, dense / peak)))
    return tuple(sections)


def level_of(kind: SectionKind, intensity: float, dense: float = 0.5) -> float:
    """How strongly a section is played, 0.05 to 1; `dense`: its accents against the densest section's."""
    return float(np.clip((_BASE[kind] + 0.15 * (dense - 0.5)) * (0.4 + intensity), 0.05, 1.0))


def _wanted(times: list[float], end: float, curve: Sequence[tuple[float, float]]) -> list[float]:
    """The mean of the curve over each section."""
    moments, levels = np.array(sorted(curve), np.float64).T
    stops = [*times[1:], max(end, times[-1])]
    spans = (np.linspace(start, stop, _SAMPLES) for start, stop in zip(times, stops, strict=True))
    return [float(np.clip(np.interp(span, moments, levels), 0, 1).mean()) for span in spans]


def _pull(bars: Times, accents: Sequence[Accent], cuts: Sequence[float]) -> Times:
    """(bars,): how much each downbeat asks for a section change, 0 to 1: a cut within half a bar, or a
    strong hit close by."""
    half = float(np.median(np.diff(bars))) / 2 if len(bars) > 1 else 1.0
    hits = np.array([accent.time for accent in accents])
    strengths = np.array([accent.strength for accent in accents])
    by_cut = _nearness(bars, np.sort(np.asarray(cuts, np.float64)), np.ones(len(cuts)), half)
    return np.maximum(by_cut, _nearness(bars, hits, 0.6 * strengths**2, _NEAR_HIT))


def _nearness(bars: Times, times: Times, weights: Times, reach: float) -> Times:
    """(bars,): the greatest weight of an event near each bar, falling to nothing at `reach` seconds."""
    near = np.zeros(len(bars))
    for index, bar in enumerate(bars):
        first, last = np.searchsorted(times, (bar - reach, bar + reach))
        if first < last:
            near[index] = np.max(weights[first:last] * (1 - np.abs(times[first:last] - bar) / reach))
    return near


def _edges(bars: Times, end: float, pull: Times) -> list[int]:
    """Bar numbers where sections after the first begin, best by dynamic programming; the last one
    begins the ending, one or two bars before `end`."""
    if len(bars) < 4:
        return [len(bars) - 2] if len(bars) == 3 else []
    last = len(bars) - (1 if end - bars[-1] > 0.6 * (bars[-1] - bars[-2]) else 2)
    wanted = 4 if last < 32 else 8
    best = np.full(last + 1, -np.inf)
    came = np.zeros(last + 1, np.int64)
    best[0] = 0.0
    for bar in range(1, last + 1):
        for length in range(1, min(bar, _LONGEST) + 1):
            opening = bar == length and last < _SHORT
            odd = 0.5 * (length % 2) + 0.3 * (length % 4 == 2 and not opening)
            long = 0.2 * abs(length - (2 if opening else wanted))
            value = best[bar - length] + pull[bar] - long - odd
            if value > best[bar]:
                best[bar], came[bar] = value, bar - length
    edges = [last]
    while came[edges[-1]] > 0:
        edges.append(int(came[edges[-1]]))
    return edges[::-1]


def _density(times: list[float], end: float, accents: Sequence[Accent]) -> list[float]:
    """Summed strength of the accents per second of each section."""
    moments = np.array([accent.time for accent in accents])
    strengths = np.concatenate(([0.0], np.cumsum([accent.strength for accent in accents])))
    stops = np.maximum([*times[1:], end], np.array(times) + 0.1)
    first, last = np.searchsorted(moments, times), np.searchsorted(moments, stops)
    density: list[float] = ((strengths[last] - strengths[first]) / (stops - np.array(times))).tolist()
    return density


def _kinds(density: list[float], has_ending: bool) -> list[SectionKind]:
    """What each section does, from how much happens in it beside the others."""
    count = len(density)
    kinds: list[SectionKind] = ["groove"] * count
    inner = list(range(1, count - 1))
    if has_ending:
        kinds[-1] = "ending"
    if count >= 3 and density[0] <= float(np.median(density)):
        kinds[0] = "intro"
    if len(inner) >= 2:
        high, low = np.quantile([density[i] for i in inner], (0.7, 0.2))
        for i in inner:
            if density[i] >= high and density[i] > 0 and kinds[i - 1] != "drop":
                kinds[i] = "drop"
            elif density[i] <= low and i > 1:
                kinds[i] = "break"
        for i in inner:
            if kinds[i] == "drop" and i > 1 and kinds[i - 1] == "groove":
                kinds[i - 1] = "build"
    return kinds
