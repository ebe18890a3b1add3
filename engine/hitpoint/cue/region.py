"""Where a take is made anew: a stretch between two bar lines, and what the plan says in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from hitpoint.cue.form import level_of
from hitpoint.cue.plan import STYLES, Accent, CuePlan, Section, Tone
from hitpoint.cue.planner import thin
from hitpoint.cue.styles import style_row
from hitpoint.cue.tune import compose_tune
from hitpoint.errors import UsageError
from hitpoint.values import Anew

SHORTEST_BAR_S = 0.2
"""What is left of a bar at either end of the cue; less belongs to its neighbour."""
_SLACK_S = 0.05
_TUNE = 2  # which stream of chance the tune of a region has


@dataclass(frozen=True, slots=True)
class Region:
    """From bar line to bar line, in seconds; bars count from 1, that of an upbeat too."""

    start: float
    stop: float
    first: int
    last: int

    @property
    def name(self) -> str:
        """As people say it."""
        return f"bar {self.first}" if self.first == self.last else f"bars {self.first}-{self.last}"


def bar_lines(plan: CuePlan) -> tuple[float, ...]:
    """Seconds where a region may begin or end: the downbeats up to the last sound, and both ends."""
    inside = [time for time in plan.downbeats if time <= plan.end]
    most = plan.duration - SHORTEST_BAR_S
    return (0.0, *(time for time in inside if SHORTEST_BAR_S <= time <= most), plan.duration)


def region_of(lines: Sequence[float], start: float, stop: float) -> Region:
    """The region between the bar lines nearest to these seconds.

    Raises UsageError if it lies outside the cue, or holds no bar.
    """
    asked, end = f"{start:g} to {stop:g} s", lines[-1]
    if not -_SLACK_S <= start < stop <= end + _SLACK_S:
        raise UsageError(f"The region {asked} is not within the {end:.2f} s of the music.", "Choose another.")
    first, last = (int(np.argmin(np.abs(np.array(lines) - time))) for time in (start, stop))
    if first == last:
        bar = float(np.median([after - before for before, after in pairwise(lines)]))
        raise UsageError(f"The region {asked} holds no bar of the music.", f"A bar lasts {bar:.2f} s.")
    return Region(lines[first], lines[last], first + 1, last)


def revised(plan: CuePlan, region: Region, anew: Anew) -> CuePlan:
    """The plan with what is wished in the region. Tempo, bars and chords stay, so that it fits.

    The tune gets new notes there. Raises UsageError for an unknown style.
    """
    style = anew.style or plan.style
    style_row(style)
    plan = replace(plan, accents=_accents(plan, region, anew), sections=_sections(plan, region, anew))
    if not plan.tune:
        return plan
    singer = np.random.default_rng((anew.seed, STYLES.index(style), _TUNE))
    return replace(plan, tune=_grafted(plan.tune, compose_tune(replace(plan, style=style), singer), region))


def _accents(plan: CuePlan, region: Region, anew: Anew) -> tuple[Accent, ...]:
    if anew.hits is None:
        return plan.accents
    asked = thin([Accent(hit.time, hit.strength) for hit in anew.hits], plan.duration)
    outside = [accent for accent in plan.accents if not region.start <= accent.time < region.stop]
    inside = [accent for accent in asked if region.start <= accent.time < region.stop]
    return tuple(sorted([*outside, *inside], key=lambda accent: accent.time))


def _sections(plan: CuePlan, region: Region, anew: Anew) -> tuple[Section, ...]:
    """Those in the region as strong as is wished; the one that goes on after it as strong as it was."""
    if anew.intensity is None:
        return plan.sections
    made: list[Section] = []
    stops = [section.start for section in plan.sections[1:]] + [plan.duration]
    for section, stop in zip(plan.sections, stops, strict=True):
        wished = replace(section, intensity=level_of(section.kind, anew.intensity))
        parts = (
            (section, section.start, min(stop, region.start)),
            (wished, max(section.start, region.start), min(stop, region.stop)),
            (section, max(section.start, region.stop), stop),
        )
        made += [replace(part, start=low) for part, low, high in parts if low < high]
    return tuple(made)


def _grafted(old: Sequence[Tone], new: Sequence[Tone], region: Region) -> tuple[Tone, ...]:
    """The old notes outside the region, the new ones inside; none rings across its edges."""
    before = [_until(tone, region.start) for tone in old if tone.start < region.start]
    inside = [_until(tone, region.stop) for tone in new if region.start <= tone.start < region.stop]
    return (*before, *inside, *(tone for tone in old if tone.start >= region.stop))


def _until(tone: Tone, stop: float) -> Tone:
    return replace(tone, duration=min(tone.duration, stop - tone.start))
