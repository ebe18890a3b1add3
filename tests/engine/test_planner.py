"""The planner: valid plans for any clip, form that follows the picture, chords that come home."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitpoint.cue.harmony import harmony, scale, voicing
from hitpoint.cue.plan import STYLES, Accent, CuePlan
from hitpoint.cue.planner import CLOSEST_ACCENTS, plan_cue
from hitpoint.cue.styles import choose_style, style_row
from hitpoint.cue.tracks import tracks
from hitpoint.errors import UsageError
from hitpoint.values import TempoMap, TempoPoint

STEADY = TempoMap((TempoPoint(0.0, 120.0),), 0.0)


def some_hits(duration: float, rate: float, seed: int = 0) -> list[Accent]:
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, duration, max(1, int(duration * rate))))
    return [Accent(float(t), float(s)) for t, s in zip(times, rng.uniform(0.3, 1, len(times)), strict=True)]


def ascending(values: list[float]) -> bool:
    return all(a < b for a, b in itertools.pairwise(values))


def check(plan: CuePlan) -> None:
    """What every plan promises, whatever was asked."""
    assert 0 <= plan.end < plan.duration
    for marks in (plan.beats, plan.downbeats):
        assert len(marks) >= 2
        assert ascending(list(marks))
    for parts in (plan.chords, plan.sections):
        assert parts[0].start == 0.0
        assert ascending([part.start for part in parts])
    inside = [t for t in plan.downbeats if t <= plan.end]
    assert set(inside) <= set(plan.beats)
    assert all(accent.time <= plan.end for accent in plan.accents)
    gaps = np.diff([accent.time for accent in plan.accents])
    assert np.all(gaps >= CLOSEST_ACCENTS)
    last = plan.chords[-1]
    assert (last.root, last.bass) == (plan.tonic, plan.tonic), "the last chord is the tonic"
    assert (plan.tonic + (3 if plan.minor else 4)) % 12 in last.pitch_classes
    assert all(0 <= section.intensity <= 1 for section in plan.sections)
    assert np.isfinite(tracks(plan, 0, 100)).all()


@settings(max_examples=150, deadline=None)
@given(
    duration=st.floats(0.04, 200),
    bpm=st.floats(30, 260),
    first=st.floats(-3, 3),
    meter=st.sampled_from((3, 4, 6)),
    style=st.sampled_from(STYLES),
    rate=st.floats(0, 8),
    seed=st.integers(0, 2**31),
    intensity=st.floats(0, 1),
)
def test_any_clip_has_a_valid_plan(
    duration: float,
    bpm: float,
    first: float,
    meter: int,
    style: str,
    rate: float,
    seed: int,
    intensity: float,
) -> None:
    tempo = TempoMap((TempoPoint(0.0, bpm), TempoPoint(duration / 2, bpm * 1.1)), first, meter)
    check(plan_cue(duration, some_hits(duration, rate, seed), tempo, [duration / 3], style, intensity, seed))


def test_no_hits_no_cuts_still_make_music() -> None:
    plan = plan_cue(20.0, (), STEADY, (), "pop", 0.6, 1)
    check(plan)
    assert plan.accents == ()
    assert len(plan.chords) > 4


def test_the_same_arguments_make_the_same_plan_and_another_seed_another() -> None:
    first, again, other = (
        plan_cue(30.0, some_hits(30, 1), STEADY, (9.0,), "house", 0.6, seed) for seed in (5, 5, 6)
    )
    assert first == again
    assert (first.tonic, first.minor, first.chords) != (other.tonic, other.minor, other.chords)
    assert first.accents == other.accents


def test_the_stronger_of_two_close_hits_stays() -> None:
    hits = [Accent(1.0, 0.4), Accent(1.05, 0.9), Accent(1.12, 0.5), Accent(2.0, 1.0)]
    plan = plan_cue(10.0, hits, STEADY, (), "pop", 0.6, 1)
    assert plan.accents == (Accent(1.05, 0.9), Accent(2.0, 1.0))


def test_no_hit_is_lost_to_the_tail() -> None:
    plan = plan_cue(10.0, [Accent(3.0, 1.0), Accent(9.9, 0.8)], STEADY, (), "pop", 0.6, 1)
    assert plan.accents[-1].time == 9.9
    assert plan.end == 9.9


def test_the_tail_has_room_where_the_picture_leaves_it() -> None:
    plan = plan_cue(30.0, [Accent(3.0, 1.0)], STEADY, (), "pop", 0.6, 1)
    assert 1.5 <= plan.duration - plan.end <= 4.2
    assert plan.end in plan.downbeats


def test_beats_follow_every_tempo_change() -> None:
    tempo = TempoMap((TempoPoint(0.0, 60.0), TempoPoint(10.0, 120.0)), 0.5)
    plan = plan_cue(20.0, (), tempo, (), "pop", 0.6, 1)
    before = [beat for beat in plan.beats if beat < 10]
    assert before == pytest.approx([0.5 + k for k in range(10)])
    # Half a beat is over when the tempo doubles; the other half takes a quarter of a second.
    after = [beat for beat in plan.beats if beat > 10]
    assert after[:3] == pytest.approx([10.25, 10.75, 11.25])
    assert plan.downbeats[:3] == pytest.approx([0.5, 4.5, 8.5])


@pytest.mark.parametrize(
    ("style", "asked", "played"), [("waltz", 4, 3), ("pop", 3, 3), ("house", 3, 4), ("cinematic", 6, 6)]
)
def test_meter_is_as_asked_where_the_style_can(style: str, asked: int, played: int) -> None:
    plan = plan_cue(20.0, (), TempoMap((TempoPoint(0.0, 120.0),), 0.0, asked), (), style, 0.6, 1)
    assert plan.beats_per_bar == played
    assert plan.downbeats[1] == pytest.approx(plan.beats[played])


def test_sections_change_at_downbeats_near_cuts() -> None:
    hits = some_hits(60.0, 0.3)
    near = control = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        bars, others = (rng.choice(np.arange(3, 24), 3, replace=False) for _ in range(2))
        plan = plan_cue(60.0, hits, STEADY, (2.0 * bars + 0.1).tolist(), "pop", 0.6, seed)
        starts = {section.start for section in plan.sections[1:]}
        assert starts <= set(plan.downbeats)
        near += sum(2.0 * bar in starts for bar in bars.tolist())
        control += sum(2.0 * bar in starts for bar in others.tolist())
    assert near > 2 * control, (near, control)


def test_a_busy_stretch_is_the_drop_and_what_leads_to_it_builds() -> None:
    busy = [Accent(t, 0.9) for t in np.arange(24.0, 32.0, 0.5).tolist()]
    calm = [Accent(t, 0.4) for t in (2.0, 9.0, 15.0, 38.0, 43.0)]
    plan = plan_cue(60.0, busy + calm, STEADY, (24.0, 32.0), "electronic", 0.6, 1)
    at = {section.kind: section for section in plan.sections}
    drop = at["drop"]
    assert 22.0 <= drop.start <= 26.0
    assert drop.intensity == max(section.intensity for section in plan.sections)
    assert plan.sections[-1].kind == "ending"


def test_intensity_scales_the_sections() -> None:
    quiet, loud = (plan_cue(30.0, some_hits(30, 1), STEADY, (), "pop", level, 1) for level in (0.1, 1.0))
    assert all(a.intensity < b.intensity for a, b in zip(quiet.sections, loud.sections, strict=True))


def test_a_chord_change_comes_with_the_hit_beside_it() -> None:
    hits = [Accent(0.0, 1.0), Accent(4.07, 1.0)]
    plan = plan_cue(20.0, hits, STEADY, (), "pop", 0.6, 1)
    starts = [chord.start for chord in plan.chords]
    assert 4.07 in starts
    assert 4.0 not in starts


def test_half_an_hour_is_planned_in_no_time() -> None:
    hits = some_hits(1800.0, 2)
    began = time.perf_counter()
    plan = plan_cue(1800.0, hits, STEADY, np.arange(5, 1800, 7.0).tolist(), "pop", 0.6, 1)
    assert time.perf_counter() - began < 2.0
    check(plan)
    assert {"intro", "groove", "drop", "break", "ending"} <= {section.kind for section in plan.sections}


@pytest.mark.parametrize("duration", [0.0, -1.0, float("nan")])
def test_no_length_is_a_usage_error(duration: float) -> None:
    with pytest.raises(UsageError):
        plan_cue(duration, (), STEADY, (), "pop", 0.6, 1)


def test_an_unknown_style_is_a_usage_error_that_lists_the_styles() -> None:
    with pytest.raises(UsageError, match="cinematic"):
        plan_cue(5.0, (), STEADY, (), "polka", 0.6, 1)


def test_auto_style_answers_tempo_and_movement() -> None:
    assert choose_style(80, 0.05) == "ambient"
    assert choose_style(88, 0.95) == "krump"
    assert choose_style(112, 0.3) == "corporate"
    for bpm in (40, 90, 120, 150, 240):
        for movement in (0.0, 0.5, 1.0, 3.0):
            assert 4 in style_row(choose_style(bpm, movement)).meters


@pytest.mark.parametrize(
    ("numeral", "tonic", "pitches", "bass"),
    [
        ("I", 0, {0, 4, 7}, 0),
        ("V7", 0, {7, 11, 2, 5}, 7),
        ("bVII", 2, {0, 4, 7}, 0),
        ("ii7", 10, {0, 3, 7, 10}, 0),
        ("V/3", 0, {7, 11, 2}, 11),
        ("I/5", 5, {5, 9, 0}, 0),
        ("IVmaj7", 7, {0, 4, 7, 11}, 0),
    ],
)
def test_numerals(numeral: str, tonic: int, pitches: set[int], bass: int) -> None:
    found = harmony(numeral, tonic)
    assert set(found.pitch_classes) == pitches
    assert found.bass == bass


@pytest.mark.parametrize("wrong", ["", "H", "IX", "imaj9", "VIIII", "Idim"])
def test_wrong_numerals_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError):
        harmony(wrong, 0)


def test_every_progression_of_every_style_is_in_reach_of_its_key() -> None:
    """Tonal clarity: at most one note of a chord may lie outside the key."""
    for style in STYLES:
        row = style_row(style)
        for minor, lines in ((False, row.major), (True, row.minor)):
            for numeral in " ".join(lines).split():
                foreign = set(harmony(numeral, 0).pitch_classes) - set(scale(0, minor))
                assert len(foreign) <= 1, (style, numeral)


def test_voices_move_little_and_stay_in_range() -> None:
    before = voicing((0, 4, 7), None, 52, 70)
    after = voicing((9, 0, 4), before, 52, 70)
    assert {note % 12 for note in after} == {9, 0, 4}
    assert all(52 <= note <= 70 for note in after)
    assert len(set(before) & set(after)) == 2, "C major to A minor keeps two notes"
