"""Choosing a clip and a range of it."""

from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from timelines import clip, make_video, span, timeline, write

from hitpoint.errors import MediaError, MissingMediaError, UsageError
from hitpoint.timeline.ranges import parse_range
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.select import select
from hitpoint.values import TimelineInfo


@pytest.fixture
def info(tmp_path: Path) -> TimelineInfo:
    video = str(make_video(tmp_path / "dance.mov", 100))
    slow = clip("slow", video, span(0, 20), span(0, 100))
    slow.effects.append(otio.schema.LinearTimeWarp(time_scalar=0.5))
    off = clip("off", video, span(0, 20), span(0, 100))
    off.enabled = False
    items = [
        clip("lost", "lost.mov", span(0, 10), span(0, 10)),
        clip("Leap", video, span(10, 50), span(0, 100)),
        clip("twin", video, span(0, 10), span(0, 100)),
        clip("twin", video, span(10, 10), span(0, 100)),
        slow,
        off,
        clip("nil", video, span(0, 0), span(0, 100)),
        clip("beyond", video, span(200, 10), span(0, 300)),
        clip("long", video, span(50, 200), span(0, 300)),
    ]
    return read_timeline(write(timeline([items]), tmp_path / "edit.otio"))


def test_by_name_and_by_number(info: TimelineInfo) -> None:
    assert select(info, "Leap") == select(info, "2") == select(info, "leap")
    found = select(info, "Leap")
    assert (found.record_start, found.duration, found.media.start) == (Fraction(10, 25), 2, Fraction(10, 25))


def test_without_a_name_the_first_with_media_and_it_is_said(info: TimelineInfo) -> None:
    found = select(info)
    assert found.clip.name == "Leap"
    assert "clip 2 (Leap)" in found.warnings[0]


def test_a_range_counts_from_the_start_of_the_clip(info: TimelineInfo) -> None:
    found = select(info, "Leap", (Fraction(1, 2), Fraction(3, 2)))
    assert (found.record_start, found.duration) == (Fraction(9, 10), 1)
    assert (found.media.start, found.media.duration) == (Fraction(9, 10), 1)
    slow = select(info, "slow", (Fraction(2, 5), Fraction(4, 5)))
    assert slow.media.start == Fraction(1, 5)


def test_a_rounded_end_is_the_end(info: TimelineInfo) -> None:
    assert select(info, "Leap", (Fraction(1), Fraction("2.01"))).duration == 1


def test_notes(info: TimelineInfo) -> None:
    assert "switched off" in select(info, "off").warnings[0]
    assert "longer than its media" in select(info, "long").warnings[0]


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("nobody", UsageError, "1 lost, 2 Leap"),
        ("99", UsageError, "no clip '99'"),
        ("0", UsageError, "no clip"),
        ("twin", UsageError, "3, 4"),
        ("lost", MissingMediaError, "offline"),
        ("nil", UsageError, "no length"),
        ("beyond", MediaError, "does not have"),
    ],
)
def test_clips_that_cannot_be_scored(
    info: TimelineInfo, name: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        select(info, name)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (1, 1, "empty"),
        (2, 1, "backwards"),
        (-1, 1, "not within"),
        (0, 3, "2.000 s long"),
        (5, 6, "not within"),
    ],
)
def test_ranges_that_cannot_be(info: TimelineInfo, start: int, end: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        select(info, "Leap", (Fraction(start), Fraction(end)))


def test_all_offline(tmp_path: Path) -> None:
    items = [clip(n, f"{n}.mov", span(0, 10), None) for n in "ab"]
    info = read_timeline(write(timeline([items]), tmp_path / "edit.otio"))
    with pytest.raises(MissingMediaError, match="All 2 clips are offline"):
        select(info)


def test_no_clip_at_all(tmp_path: Path) -> None:
    info = read_timeline(write(timeline([[]]), tmp_path / "edit.otio"))
    with pytest.raises(UsageError, match="no video clip"):
        select(info)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("1.5-8", Fraction(3, 2), 8),
        ("0-.5", 0, Fraction(1, 2)),
        ("1:30-1:31.25", 90, Fraction(365, 4)),
        ("0:01:00 - 0:01:02", 60, 62),
        ("00:00:01:12-00:00:02:00", Fraction(37, 25), 2),
    ],
)
def test_ways_to_write_a_range(text: str, start: Fraction, end: Fraction) -> None:
    assert parse_range(text, Fraction(25)) == (start, end)


@pytest.mark.parametrize(
    "text", ["", "5", "8-1", "1-1", "-1-8", "a-b", "1-2-3", "nan-inf", "1e9-2e9", "00:00:01:99-00:00:02:00"]
)
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(UsageError):
        parse_range(text, Fraction(25))


def test_frames_need_a_rate() -> None:
    with pytest.raises(UsageError, match="not a time"):
        parse_range("00:00:01:12-00:00:02:00")
