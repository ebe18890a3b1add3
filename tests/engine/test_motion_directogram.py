"""LORIS Eq. 4 to 6."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitpoint.motion.directogram import SECTORS, fall, loris_code_sectors, rise, sector_sums


def vectors(angles: list[float], length: float = 1.0) -> np.ndarray:
    return np.array([[[length * np.cos(angle), length * np.sin(angle)] for angle in angles]], np.float32)


@given(st.floats(-3.1, 3.1), st.floats(0.1, 10))
def test_a_movement_counts_in_every_sector_within_reach_and_no_other(angle: float, length: float) -> None:
    row = sector_sums(vectors([angle], length), np.ones((1, 1), np.float32))[0]
    centres = 2 * np.pi * np.arange(SECTORS) / SECTORS
    away = np.abs(np.angle(np.exp(1j * (angle - centres))))
    clear = np.abs(away - 2 * np.pi / SECTORS) > 1e-3  # but for those exactly on the border
    assert np.array_equal(row[clear] > 0, (away <= 2 * np.pi / SECTORS)[clear])
    assert row[row > 0] == pytest.approx(length, rel=1e-4)


@given(st.lists(st.floats(-3.1, 3.1), min_size=1, max_size=6))
def test_mirrored_movement_gives_the_mirrored_row(angles: list[float]) -> None:
    weight = np.ones((1, len(angles)), np.float32)
    row = sector_sums(vectors(angles), weight)[0]
    upside_down = sector_sums(vectors([-angle for angle in angles]), weight)[0]
    away = np.abs((np.array(angles) / (2 * np.pi / SECTORS)) % 1 - 0.5) < 0.499  # float borders aside
    if away.all():
        assert upside_down == pytest.approx(np.roll(row[::-1], 1), abs=1e-4)


def test_weights_and_lengths_multiply() -> None:
    row = sector_sums(vectors([0.1], 3.0), np.array([[0.5]], np.float32))[0]
    assert row.max() == pytest.approx(1.5, rel=1e-5)


def test_starting_is_a_rise_and_stopping_a_fall_at_their_own_rows() -> None:
    speed = np.zeros((40, SECTORS), np.float32)
    speed[10:20, 3] = 1.0
    assert np.flatnonzero(rise(speed)).tolist() == [9, 10]
    assert np.flatnonzero(fall(speed)).tolist() == [19, 20]


def test_a_turn_at_constant_speed_is_both() -> None:
    motion = np.concatenate([vectors([0.1])] * 5 + [vectors([2.5])] * 5)
    rows = sector_sums(motion, np.ones((10, 1), np.float32))
    assert rise(rows)[4:6].min() > 0
    assert fall(rows)[4:6].min() > 0


def test_the_released_code_cannot_tell_up_from_down() -> None:
    weight = np.ones((1, 1), np.float32)
    up, down = vectors([np.deg2rad(-87.5)]), vectors([np.deg2rad(92.5)])
    assert np.array_equal(loris_code_sectors(up, weight), loris_code_sectors(down, weight))
    assert not np.array_equal(sector_sums(up, weight), sector_sums(down, weight))


def test_a_single_row_has_no_steps() -> None:
    assert rise(np.ones((1, SECTORS), np.float32)).tolist() == [0]
