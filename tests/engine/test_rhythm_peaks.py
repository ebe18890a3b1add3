"""LORIS Eq. 7, and the choice of few hit points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitpoint.rhythm.hitpoints import FLOOR, MIN_GAP_S, PER_SECOND, choose_hit_points, full_strength
from hitpoint.rhythm.peaks import pick_peaks
from hitpoint.values import HitPoint, Peak

RATE = 50.0


def bumps(times: list[float], seconds: float = 10.0, width: float = 0.04) -> np.ndarray:
    rows = np.arange(int(seconds * RATE)) / RATE
    return sum((np.exp(-0.5 * ((rows - time) / width) ** 2) for time in times), np.zeros(len(rows))).astype(
        np.float32
    )


@given(st.floats(0.5, 9.5))
def test_a_peak_between_rows_is_found_to_two_milliseconds(time: float) -> None:
    peaks = pick_peaks(bumps([time]), RATE)
    assert [peak.time for peak in peaks] == [pytest.approx(time, abs=0.002)]


def test_peaks_half_a_second_apart_are_all_found() -> None:
    times = [0.5 + 0.5 * number for number in range(18)]
    assert [peak.time for peak in pick_peaks(bumps(times), RATE)] == pytest.approx(times, abs=0.002)


def test_a_plateau_and_silence_have_no_peaks() -> None:
    assert pick_peaks(np.ones(100, np.float32), RATE) == ()
    assert pick_peaks(np.zeros(100, np.float32), RATE) == ()
    assert pick_peaks(np.zeros(0, np.float32), RATE) == ()


def test_one_outlier_does_not_set_the_scale() -> None:
    peaks = tuple(Peak(float(second), 1.0) for second in range(20))
    with_outlier = (*peaks[:-1], Peak(19.0, 5.0))
    assert full_strength(with_outlier, 20.0) == pytest.approx(1.4)
    assert full_strength((), 20.0) == 1.0


@given(
    st.lists(st.tuples(st.floats(0, 20), st.floats(0, 1)), max_size=80),
    st.lists(st.floats(0, 20), max_size=5),
)
def test_hit_points_keep_their_distance_and_stay_few(
    movements: list[tuple[float, float]], cuts: list[float]
) -> None:
    peaks = tuple(Peak(time, strength) for time, strength in movements)
    hits = choose_hit_points(peaks, tuple(cuts), (), 20.0)
    times = [hit.time for hit in hits]
    assert times == sorted(times)
    assert all(gap >= MIN_GAP_S for gap in np.diff(times))
    assert len(hits) <= PER_SECOND * 20
    assert not hits or max(hit.strength for hit in hits) == pytest.approx(1.0)
    assert all(hit.strength >= FLOOR for hit in hits if hit.kind == "movement")


def test_the_users_points_stay_as_they_are_and_push_others_away() -> None:
    mine = (
        HitPoint(3.0, 1.0, "user", True),
        HitPoint(3.1, 0.5, "user", True),
        HitPoint(30.0, 1.0, "user", True),
    )
    hits = choose_hit_points((Peak(3.2, 1.0), Peak(5.0, 1.0)), (3.15, 7.0), mine, 10.0)
    assert [(hit.time, hit.kind) for hit in hits] == [
        (3.0, "user"), (3.1, "user"), (5.0, "movement"), (7.0, "cut"),
    ]  # fmt: skip
    assert hits[0] == mine[0]
