"""The time map: smooth, ascending, bounded, and it finds its shifts by measuring."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hitpoint.cue.align import MAX_SHIFT_S, Alignment, Knot, time_map
from hitpoint.cue.decode import MAX_SHIFT_FRAMES, identity
from hitpoint.cue.onsets import Onsets
from hitpoint.values import HitPoint


def heard(times: np.ndarray) -> Onsets:
    return Onsets(np.asarray(times, float), np.ones(len(times), np.float32))


errors = st.lists(st.floats(-0.08, 0.08), min_size=1, max_size=25)
gaps = st.lists(st.floats(0.05, 2.0), min_size=25, max_size=25)


@given(errors, gaps)
def test_any_measured_errors_give_a_map_that_can_be_played(late: list[float], between: list[float]) -> None:
    times = np.cumsum(between)[: len(late)] + 0.3
    hits = [HitPoint(float(time), 1.0) for time in times]
    frames = int(times[-1] * 50) + 60
    alignment = Alignment(hits, 0.02)
    alignment.observe(heard(np.sort(times + np.array(late))), identity(frames))
    positions = time_map(alignment.propose(), frames)
    steps = np.diff(positions)
    assert len(positions) == 2 * frames
    assert steps.min() >= 0
    assert np.abs(positions - identity(frames)).max() <= MAX_SHIFT_FRAMES
    inside = (positions > 0) & (positions < 2 * frames - 1)
    assert steps[inside[1:]].min() > 0.05
    assert steps.max() < 2.2


def test_map_passes_through_its_knots_and_returns_to_zero() -> None:
    positions = time_map([Knot(1.0, 0.03), Knot(3.0, -0.05)], 300)
    assert np.isclose(positions[100], 103)
    assert np.isclose(positions[300], 295)
    assert np.array_equal(positions[:70], np.arange(70.0))
    assert np.array_equal(positions[180:220], np.arange(180.0, 220.0))
    assert np.array_equal(positions[340:], np.arange(340.0, 600.0))


def test_no_knots_no_change() -> None:
    assert np.array_equal(time_map([], 40), identity(40))


def test_converges_when_attacks_only_follow_halfway_and_in_leaps() -> None:
    """The frames are 10 ms wide, so a moved attack is quantised; measuring finds the best all the same."""
    hits = [HitPoint(float(time), 1.0) for time in np.arange(1, 20, 0.7)]
    true = np.array([hit.time for hit in hits]) + np.random.default_rng(1).uniform(-0.047, 0.047, len(hits))
    alignment, positions = Alignment(hits, 0.02), identity(1100)

    def attacks() -> np.ndarray:
        moved = np.interp(true * 100, positions, np.arange(len(positions)))
        return (0.75 * moved + 0.25 * np.round(moved)) / 100 + 0.001

    for _ in range(4):
        alignment.observe(heard(attacks()), positions)
        positions = time_map(alignment.propose(), 1100)
    alignment.observe(heard(attacks()), positions)
    positions = time_map(alignment.best(), 1100)
    missed = np.abs(attacks() - np.array([hit.time for hit in hits]))
    assert missed.max() < 0.006


def test_of_two_that_cannot_both_be_had_the_locked_one_wins() -> None:
    hits = [HitPoint(1.0, 1.0), HitPoint(1.1, 0.2, locked=True)]
    alignment = Alignment(hits, 0.02)
    alignment.observe(heard(np.array([0.96, 1.14])), identity(100))
    assert [knot.time for knot in alignment.propose()] == [1.1]


def test_two_requests_at_one_moment() -> None:
    alignment = Alignment([HitPoint(1.0, 1.0), HitPoint(1.0, 0.5, "cut")], 0.02)
    alignment.observe(heard(np.array([1.03])), identity(100))
    assert np.isclose(time_map(alignment.propose(), 100)[100], 103)


def test_an_accent_out_of_reach_is_left_alone() -> None:
    alignment = Alignment([HitPoint(1.0, 1.0)], 0.02)
    alignment.observe(heard(np.array([1.0 + MAX_SHIFT_S + 0.01])), identity(100))
    assert alignment.propose() == []
