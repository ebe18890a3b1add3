"""Frames come with exact clip times, whatever the file and the range."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import number_of, numbered, whole, write_film

from hitpoint.errors import MediaError, MissingMediaError
from hitpoint.media.probe import probe
from hitpoint.motion.frames import PICTURE_SIDE, THUMB_SIDE, read_frames
from hitpoint.values import MediaRange

STEP = Fraction(1, 25)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("frames") / "even.mp4"
    return write_film(path, numbered(25 * 5), [index * STEP for index in range(125)])


def shown(media: MediaRange, rate: float = 30.0) -> list[tuple[float, int]]:
    return [(frame.time, number_of(frame.thumb)) for frame in read_frames(media, probe(media.path), rate)]


def test_every_frame_of_a_file_has_its_time(film: Path) -> None:
    assert shown(whole(film)) == [(pytest.approx(index / 25), index % 25) for index in range(125)]


def test_a_range_far_into_the_file_starts_with_what_is_on_screen_then(film: Path) -> None:
    media = MediaRange(film, Fraction(401, 100), Fraction(1, 2))  # 0.01 s after frame 100 has come
    frames = shown(media)
    assert frames[0] == (pytest.approx(-0.01), 0)
    assert [number for _, number in frames] == [number % 25 for number in range(100, 113)]


def test_backwards_the_last_frame_comes_first_and_stays_its_time(film: Path) -> None:
    frames = shown(MediaRange(film, Fraction(2), Fraction(1), Fraction(-1)))
    by_time = sorted(frames)
    assert by_time[0] == (pytest.approx(0.0, abs=1e-9), 49 % 25)
    assert [number for _, number in by_time] == [number % 25 for number in range(49, 24, -1)]


def test_a_freeze_shows_one_frame(film: Path) -> None:
    assert shown(MediaRange(film, Fraction(1), Fraction(3), Fraction(0))) == [(0.0, 0)]


def test_double_speed_is_thinned_but_every_frame_is_looked_at_for_cuts(film: Path) -> None:
    media = MediaRange(film, Fraction(0), Fraction(2), Fraction(2))
    frames = list(read_frames(media, probe(film), rate=30.0))
    assert len(frames) == 100
    analysed = [frame.time for frame in frames if frame.picture is not None]
    assert np.allclose(np.diff(analysed), 0.04)


def test_uneven_frame_times_are_kept(tmp_path: Path) -> None:
    chance = np.random.default_rng(3)
    ticks = np.cumsum(chance.integers(1800, 9000, 40)).tolist()
    times = [Fraction(tick - ticks[0], 90_000) for tick in ticks]
    path = write_film(tmp_path / "uneven.mp4", numbered(40), times)
    assert [time for time, _ in shown(whole(path))] == pytest.approx(
        [float(time) for time in times], abs=1e-4
    )


def test_turned_pictures_stand_upright(tmp_path: Path) -> None:
    picture = np.zeros((180, 320, 3), np.uint8)
    picture[:, 160:] = 255  # bright on the right
    path = write_film(tmp_path / "turned.mp4", [picture] * 10, [index * STEP for index in range(10)])
    info = replace(probe(path), rotation=90)
    frame = next(read_frames(whole(path), info))
    assert frame.thumb.shape[:2] == (THUMB_SIDE, 72)
    assert (
        frame.thumb[-20:].mean() > 240 > 20 > frame.thumb[:20].mean()
    )  # clockwise: right goes to the bottom


def test_large_pictures_shrink_and_small_ones_do_not_grow(tmp_path: Path) -> None:
    for width, height, expected in ((1280, 720, (288, PICTURE_SIDE)), (96, 64, (64, 96))):
        path = write_film(
            tmp_path / f"{width}.mp4", numbered(3, (width, height)), [index * STEP for index in range(3)]
        )
        frame = next(read_frames(whole(path), probe(path)))
        assert frame.picture is not None
        assert frame.picture.shape[:2] == expected


def test_a_file_that_breaks_off_early_is_refused(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    noise = [chance.integers(0, 255, (64, 96, 3)).astype(np.uint8) for _ in range(100)]
    path = write_film(tmp_path / "whole.mkv", noise, [index * STEP for index in range(100)])
    info, media = probe(path), whole(path)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    with pytest.raises(MediaError, match=r"Only \d\d%"):
        list(read_frames(replace(media, path=cut), info))
    cut.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.97)])
    assert 90 <= len(list(read_frames(replace(media, path=cut), info))) < 100


def test_a_missing_file_has_its_own_error(film: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingMediaError):
        list(read_frames(MediaRange(tmp_path / "no.mp4", Fraction(0), Fraction(1)), probe(film)))
