"""The tune: singable, on the chords, with a motif that comes back, and out of the way of the accents."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitpoint.cue.bars import chord_at, lay_bars
from hitpoint.cue.plan import STYLES, Accent, CuePlan, Section, Tone
from hitpoint.cue.planner import plan_cue
from hitpoint.cue.room import Room
from hitpoint.cue.tune import HIGHEST, LOWEST
from hitpoint.values import TempoMap, TempoPoint


def a_plan(
    seed: int, style: str = "pop", duration: float = 64.0, rate: float = 0.3, bpm: float = 120
) -> CuePlan:
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, duration, int(duration * rate)))
    hits = [Accent(float(t), float(s)) for t, s in zip(times, rng.uniform(0.3, 1, len(times)), strict=True)]
    tempo = TempoMap((TempoPoint(0.0, bpm),), 0.0)
    return plan_cue(duration, hits, tempo, (), style, 0.6, seed)


PLANS = tuple(a_plan(seed, style) for seed, style in enumerate(STYLES))
LONG = tuple(a_plan(seed, "pop", 150.0, 0.1) for seed in range(14))


def tones_in(plan: CuePlan, start: float, stop: float) -> list[Tone]:
    return [tone for tone in plan.tune if start - 0.02 <= tone.start < stop - 0.02]


def section_starts(plan: CuePlan, *kinds: str) -> list[float]:
    return [section.start for section in plan.sections if section.kind in kinds]


@settings(max_examples=30, deadline=None)
@given(
    duration=st.floats(0.3, 60),
    bpm=st.floats(30, 260),
    meter=st.sampled_from((3, 4, 6)),
    style=st.sampled_from(STYLES),
    rate=st.floats(0, 5),
    change=st.floats(0.5, 2),
    seed=st.integers(0, 2**31),
)
def test_any_tune_is_one_voice_in_range_and_over_before_the_last_chord(
    duration: float, bpm: float, meter: int, style: str, rate: float, change: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    hits = [
        Accent(float(t), 0.3 + 0.7 * float(rng.random()))
        for t in rng.uniform(0, duration, int(duration * rate))
    ]
    tempo = TempoMap((TempoPoint(0.0, bpm), TempoPoint(duration / 2, bpm * change)), 0.0, meter)
    plan = plan_cue(duration, hits, tempo, (duration / 3,), style, 0.6, seed)
    stops = [0.0, *(tone.start + tone.duration for tone in plan.tune)]
    for tone, before in zip(plan.tune, stops, strict=False):
        assert LOWEST <= tone.pitch <= HIGHEST
        assert tone.start >= before - 1e-9, "one voice"
        assert tone.duration > 0.04
        assert tone.start <= plan.end - 0.12
        assert tone.start + tone.duration < plan.end


def test_the_same_seed_sings_the_same_tune() -> None:
    assert a_plan(3).tune == a_plan(3).tune != a_plan(4).tune


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.style)
def test_strong_beats_have_chord_tones_and_foreign_notes_are_short(plan: CuePlan) -> None:
    assert len(plan.tune) > 15
    downbeats = np.array(plan.downbeats)
    for tone in plan.tune:
        inside = tone.pitch % 12 in chord_at(plan, tone.start).pitch_classes
        if np.min(np.abs(downbeats - tone.start)) < 0.01:
            assert inside
    foreign = [t.duration for t in plan.tune if t.pitch % 12 not in chord_at(plan, t.start).pitch_classes]
    assert sum(foreign) < 0.2 * sum(tone.duration for tone in plan.tune)


def test_lines_move_by_step_and_turn_back_after_leaps() -> None:
    small = leaps = turned = moves = 0
    for plan in PLANS:
        pitches = np.array([tone.pitch for tone in plan.tune])
        steps = np.diff(pitches)
        gaps = np.array(
            [b.start - a.start - a.duration for a, b in zip(plan.tune, plan.tune[1:], strict=False)]
        )
        steps = np.where(gaps < 0.3, steps, 0)
        moves += int(np.sum(steps != 0))
        small += int(np.sum((steps != 0) & (np.abs(steps) <= 5)))
        for first, second in itertools.pairwise(steps):
            if abs(first) > 5 and second:
                leaps += 1
                turned += first * second < 0
    assert small > 0.85 * moves
    assert turned > 0.7 * leaps


def _shape(plan: CuePlan, start: float) -> list[tuple[int, int]] | None:
    """(sixteenth, pitch class) of the first two bars from a section's start; None where an accent is in
    the way or the section is shorter."""
    bars = [bar for bar in lay_bars(plan) if bar.start >= start - 1e-6][:2]
    if len(bars) < 2 or bars[1].in_section != 1:
        return None
    if any(bars[0].start - 0.2 < accent.time < bars[1].stop for accent in plan.accents):
        return None
    grid = np.concatenate([bars[0].steps[:-1], bars[1].steps[:-1]])
    tones = tones_in(plan, bars[0].start, bars[1].stop)
    return [(int(np.argmin(np.abs(grid - tone.start))), tone.pitch) for tone in tones]


def _alike(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> float:
    """Share of notes at the same place of the two bars (Jaccard)."""
    a, b = {step for step, _ in first}, {step for step, _ in second}
    return len(a & b) / max(1, len(a | b))


def test_the_motif_comes_back_in_every_main_section() -> None:
    """The rhythm of a section's first bars is that of the other main sections of the cue (drops may be
    denser), and not that of the breaks or of another cue; its contour goes the same way."""
    own: list[float] = []
    contour: list[float] = []
    contrast: list[float] = []
    foreign: list[float] = []
    last: list[tuple[int, int]] | None = None
    for plan in LONG:
        main = [shape for at in section_starts(plan, "groove") if (shape := _shape(plan, at))]
        breaks = [shape for at in section_starts(plan, "break") if (shape := _shape(plan, at))]
        for a, b in itertools.pairwise(main):
            own.append(_alike(a, b))
            if len(a) == len(b) and len(a) > 3:
                contour.append(
                    float(np.mean(np.sign(np.diff([p for _, p in a])) == np.sign(np.diff([p for _, p in b]))))
                )
        contrast += [_alike(main[0], other) for other in breaks if main]
        if main:
            if last:
                foreign.append(_alike(main[0], last))
            last = main[0]
    assert len(own) > 10
    assert len(contrast) > 5
    assert np.mean(own) > 0.95
    assert np.mean(contour) > 0.6
    assert np.mean(contrast) < 0.6
    assert np.mean(foreign) < 0.7


def test_drops_sing_higher_or_denser() -> None:
    answered = 0
    for plan in LONG:
        sections = [*plan.sections, Section(plan.end, "ending", 1.0)]
        rate: dict[str, list[float]] = {"groove": [], "drop": []}
        height: dict[str, list[float]] = {"groove": [], "drop": []}
        for section, after in itertools.pairwise(sections):
            tones = tones_in(plan, section.start, after.start)
            if section.kind in rate and tones:
                rate[section.kind].append(len(tones) / (after.start - section.start))
                height[section.kind].append(float(np.mean([tone.pitch for tone in tones])))
        if rate["drop"] and rate["groove"]:
            higher = np.mean(height["drop"]) > np.mean(height["groove"]) + 4
            denser = np.mean(rate["drop"]) > 1.1 * np.mean(rate["groove"])
            answered += 1 if higher or denser else -5
    assert answered > 4


def test_it_is_silent_in_intros_and_breathes() -> None:
    for plan in PLANS:
        edges = [*(section.start for section in plan.sections), plan.end]
        for section, stop in zip(plan.sections, edges[1:], strict=True):
            if section.kind in ("intro", "ending"):
                assert tones_in(plan, section.start + 0.02, stop) == []
        sung = sum(tone.duration for tone in plan.tune)
        assert 0.15 * plan.end < sung < 0.85 * plan.end


def test_it_leaves_the_accents_their_room() -> None:
    for plan in [a_plan(seed, style, 24.0, 1.5) for seed, style in enumerate(STYLES[::2])]:
        room = Room.around(plan.accents)
        times = set(room.times)
        for tone in plan.tune:
            assert tone.start in times or not room.blurs(tone.start)
            strong = [a.time for a in plan.accents if a.strength >= 0.5]
            held = [t for t in strong if tone.start + 0.15 < t < tone.start + tone.duration - 0.01]
            assert held == [], "let go before a strong accent"


def test_it_is_silent_where_accents_crowd() -> None:
    crowd = [Accent(float(t), 0.6) for t in np.arange(20.0, 26.0, 0.2)]
    tempo = TempoMap((TempoPoint(0.0, 120.0),), 0.0)
    plan = plan_cue(40.0, crowd, tempo, (), "pop", 0.6, 1)
    assert [tone for tone in plan.tune if 20.5 < tone.start < 25.5] == []
    assert len(plan.tune) > 10
