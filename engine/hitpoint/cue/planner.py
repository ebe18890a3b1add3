"""From what was seen to a musical plan: form over bars, harmony over form, accents where they must land."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.form import lay_form
from hitpoint.cue.harmony import Harmony, harmony, progression
from hitpoint.cue.looks import looks_of
from hitpoint.cue.plan import STYLES, Accent, Chord, CuePlan, Section
from hitpoint.cue.styles import Style, bar_length, style_row
from hitpoint.cue.tune import compose_tune
from hitpoint.errors import UsageError
from hitpoint.values import Shot, TempoMap

Times = NDArray[np.float64]

CLOSEST_ACCENTS = 0.09
"""Seconds: of two accents closer than this only the stronger is played; the ear hears one anyway."""
_LONGEST_TAIL = 1.6  # seconds left for the last chord to ring, where the clip is long enough
_TAIL_SHARE = 0.25  # of a short clip
_SHORTEST_TAIL, _ASKED_SHARE = 0.1, 0.5  # seconds, and the share of the clip, of a tail that was asked for
_APART = 0.3  # seconds between the last hit and a last chord that is not on it
_SNAP = 0.13  # seconds: a chord change this near to an accent comes with it
_SHORTEST_CHORD = 0.2  # seconds
_TUNE = 1  # which stream of chance the tune has


def plan_cue(
    duration: float,
    hits: Sequence[Accent],
    tempo: TempoMap,
    cuts: Sequence[float],
    style: str,
    intensity: float,
    seed: int,
    shots: Sequence[Shot] = (),
    *,
    tail: float | None = None,
    curve: Sequence[tuple[float, float]] = (),
) -> CuePlan:
    """The plan of a cue of `duration` seconds whose accents are the hits; the same for the same arguments.

    `cuts` in seconds; `intensity` 0 to 1, or `curve` over time, see `lay_form`; `shots` as
    `motion.descriptors` sees them, where it did; `tail` in seconds for the last sound to ring, at most half
    of the cue. Raises `UsageError` for an unknown style or no duration.
    """
    row = style_row(style)
    if not duration > 0:
        raise UsageError("The clip has no length.", "Select a range of at least a frame.")
    rng = np.random.default_rng((seed, STYLES.index(style)))
    tonic, minor = int(rng.integers(12)), bool(rng.random() < row.minor_bias)
    meter = bar_length(style, tempo.beats_per_bar)
    grid = beat_grid(tempo, duration)
    accents = thin(hits, duration)
    end = _last_sound(duration, accents, grid.times, grid.downbeats(meter), tail)
    beats = _covering(grid.times, end)
    downbeats = _covering(grid.downbeats(meter), end)
    bars = downbeats[downbeats <= end]
    accents = tuple(accent for accent in accents if accent.time <= end)
    sections = lay_form(bars, end, accents, cuts, intensity, curve)
    key = _Key(tonic, minor, row, rng)
    laid = _lay_chords(sections, bars, beats, meter, end, key)
    scenes, looks = looks_of(shots, duration)
    plan = CuePlan(
        duration=float(duration),
        end=end,
        style=style,
        bpm=float(tempo.bpm),
        beats_per_bar=meter,
        beats=tuple(beats.tolist()),
        downbeats=tuple(downbeats.tolist()),
        accents=accents,
        chords=_close(laid, accents, end, key.home()),
        sections=sections,
        tonic=tonic,
        minor=minor,
        scenes=scenes,
        looks=looks,
    )
    singer = np.random.default_rng((seed, STYLES.index(style), _TUNE))  # its own: harmony stays as it was
    return replace(plan, tune=compose_tune(plan, singer))


@dataclass(frozen=True, slots=True)
class Grid:
    """Beat times that reach past both ends of the cue; `first` is the number of the first one,
    counted from the tempo map's first beat."""

    times: Times
    first: int

    def downbeats(self, meter: int) -> Times:
        """The beats that begin a bar."""
        return self.times[-self.first % meter :: meter]


def beat_grid(tempo: TempoMap, duration: float) -> Grid:
    """All beats from about a bar before 0 to two bars after `duration`, through every tempo change."""
    starts = np.array([point.time for point in tempo.points])
    rates = np.array([point.bpm for point in tempo.points]) / 60
    if not np.all(rates > 0):
        raise UsageError("A tempo must be more than 0 beats per minute.", "Pin another tempo.")
    reach = 16 / float(rates.min())
    knots = np.concatenate(([min(starts[0], tempo.first_beat) - reach], starts[1:]))
    knots = np.append(knots, max(duration, float(knots[-1])) + reach)
    counts = np.concatenate(([0.0], np.cumsum(np.diff(knots) * rates)))
    counts -= np.interp(tempo.first_beat, knots, counts)
    first, last = int(np.ceil(counts[0])), int(np.floor(counts[-1]))
    times = np.interp(np.arange(first, last + 1), counts, knots)
    return Grid(times, first)


def _covering(marks: Times, end: float) -> Times:
    """The marks from 0 to `end`, or at least two of the nearest, so that a phase can be told."""
    inside = np.flatnonzero((marks >= -1e-9) & (marks <= end + 1e-9))
    if len(inside) >= 2:
        return np.maximum(marks[inside], 0.0)
    first = int(np.argmax(marks >= -1e-9))
    return np.maximum(marks[first : first + 2], 0.0)


def thin(hits: Sequence[Accent], duration: float) -> tuple[Accent, ...]:
    """The hits inside the cue, strengths clipped to 0..1, without the weaker of any two too close."""
    kept: list[Accent] = []
    for hit in sorted(hits, key=lambda hit: (hit.time, hit.strength)):
        accent = Accent(float(hit.time), float(np.clip(hit.strength, 0.0, 1.0)))
        if not 0 <= accent.time < duration:
            continue
        while kept and accent.time - kept[-1].time < CLOSEST_ACCENTS and kept[-1].strength < accent.strength:
            kept.pop()
        if not kept or accent.time - kept[-1].time >= CLOSEST_ACCENTS:
            kept.append(accent)
    return tuple(kept)


def _last_sound(
    duration: float, accents: tuple[Accent, ...], beats: Times, downbeats: Times, tail: float | None
) -> float:
    """When the last sound begins: the last hit if it comes late, else the last downbeat or beat that
    leaves the tail its room. A hit is never dropped for the tail."""
    longest, share = (_LONGEST_TAIL, _TAIL_SHARE) if tail is None else (tail, _ASKED_SHARE)
    room = duration - min(max(longest, _SHORTEST_TAIL), share * duration)
    last_hit = accents[-1].time if accents else 0.0
    if last_hit >= room - 0.8:
        return last_hit
    for marks in (downbeats, beats):
        before = marks[(marks > max(last_hit + _APART, room - 2.5)) & (marks <= room)]
        if len(before):
            return float(before[-1])
    return room


@dataclass(frozen=True, slots=True)
class _Key:
    """The key of a cue and the progressions that it was dealt."""

    tonic: int
    minor: bool
    row: Style
    rng: np.random.Generator

    def theme(self) -> tuple[Harmony, ...]:
        """A progression for the main sections."""
        lines = self.row.minor if self.minor else self.row.major
        return progression(lines[int(self.rng.integers(len(lines) - 1))], self.tonic)

    def bridge(self) -> tuple[Harmony, ...]:
        """The progression for breaks and builds."""
        return progression((self.row.minor if self.minor else self.row.major)[-1], self.tonic)

    def home(self) -> Harmony:
        """The tonic chord."""
        return harmony("i" if self.minor else "I", self.tonic)

    def away(self) -> Harmony:
        """The dominant, which wants to go home."""
        return harmony("V", self.tonic)


def _lay_chords(
    sections: tuple[Section, ...], bars: Times, beats: Times, meter: int, end: float, key: _Key
) -> list[tuple[float, Harmony]]:
    """Chords over the form: each section starts its progression anew; builds and the ending go to the
    dominant in their last bar."""
    theme, bridge = key.theme(), key.bridge()
    laid = [(0.0, theme[0])]
    stops = [section.start for section in sections[1:]] + [end]
    for section, stop in zip(sections, stops, strict=True):
        line = bridge if section.kind in ("break", "build") else theme
        inside = bars[(bars >= section.start - 1e-6) & (bars < stop - 1e-6)]
        slots = _slots(inside, beats, meter, key.row.bars_per_chord)
        if section.kind in ("build", "ending") and len(inside) > 1:
            last = float(inside[-1])
            laid += [(slot, line[i % len(line)]) for i, slot in enumerate(slots) if slot < last]
            laid.append((last, key.away()))
        else:
            laid += [(slot, line[i % len(line)]) for i, slot in enumerate(slots)]
    return laid


def _close(
    laid: list[tuple[float, Harmony]], accents: tuple[Accent, ...], end: float, home: Harmony
) -> tuple[Chord, ...]:
    """The chords with each change on the accent next to it, if there is one; without changes to the same
    chord; and with the tonic from `end` on."""
    hits = np.array([accent.time for accent in accents])
    chords = [laid[0][1].at(0.0)]
    for slot, sounding in laid[1:]:
        if len(hits):
            nearest = float(hits[np.argmin(np.abs(hits - slot))])
            slot = nearest if abs(nearest - slot) <= _SNAP else slot
        chord = sounding.at(slot)
        if slot >= end - _SHORTEST_CHORD:
            break
        if slot - chords[-1].start < _SHORTEST_CHORD:
            chords[-1] = sounding.at(chords[-1].start)
        elif (chord.pitch_classes, chord.bass) != (chords[-1].pitch_classes, chords[-1].bass):
            chords.append(chord)
    if end <= _SHORTEST_CHORD:
        return (home.at(0.0),)
    return (*chords, home.at(end))


def _slots(bars: Times, beats: Times, meter: int, bars_per_chord: float) -> list[float]:
    """When chords change: every so many bars, or on the middle beat too where there is one."""
    if bars_per_chord >= 1:
        return [float(bar) for bar in bars[:: int(bars_per_chord)]]
    half = meter // 2
    index = np.searchsorted(beats, bars - 1e-6)
    middles = beats[np.minimum(index + half, len(beats) - 1)]
    return sorted({*bars.tolist(), *middles[middles < beats[-1]].tolist()})
