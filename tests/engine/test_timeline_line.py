"""More than one clip as one cue: what is on screen, where it is cut, and how people say what they mean."""

from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from timelines import clip, gap, make_video, span, timeline, write

from hitpoint.errors import ConflictError, MissingMediaError, UsageError
from hitpoint.timeline.line import line_of, shown
from hitpoint.timeline.ranges import parse_span, region_span
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.scope import select_scope, still_there
from hitpoint.values import ClipInfo, Fade, MediaRange, Piece, Scope, TimelineInfo

FILM = Path("film.mov")


def placed(
    index: int, start: int, length: int, layer: tuple[int, ...] = (1,), media: int | None = 0, **rest: object
) -> ClipInfo:
    """A clip in whole seconds; `media` is where its file time begins, None for an offline one."""
    shot = None if media is None else MediaRange(FILM, Fraction(media), Fraction(length))
    return ClipInfo(
        index, f"c{index}", "V", Fraction(start), Fraction(length), Fraction(25), shot,
        "" if shot else "it is gone", layer=layer, **rest,
    )  # fmt: skip


def line(clips: list[ClipInfo], start: int = 0, end: int = 30) -> list[tuple[float, float, str, bool]]:
    found = line_of([shown(each) for each in clips], Fraction(start), Fraction(end))
    return [
        (float(p.start), float(p.duration), p.clip.name if p.clip and p.media else "", p.cut) for p in found
    ]


def test_edits_are_cuts_and_holes_are_stillness() -> None:
    clips = [placed(1, 0, 10), placed(2, 10, 5, media=50), placed(3, 20, 5, media=7)]
    assert line(clips, 2, 30) == [
        (0, 8, "c1", False), (8, 5, "c2", True), (13, 5, "", True), (18, 5, "c3", True), (23, 5, "", True),
    ]  # fmt: skip


def test_the_higher_clip_is_seen_and_an_offline_one_hides_nothing() -> None:
    clips = [placed(1, 0, 20), placed(2, 5, 5, (2,), media=100), placed(3, 12, 3, (3,), media=None)]
    assert line(clips, 0, 20) == [(0, 5, "c1", False), (5, 5, "c2", True), (10, 10, "c1", True)]


def test_a_blade_through_a_running_clip_is_no_cut() -> None:
    through = [placed(1, 0, 10), placed(2, 10, 10, media=10)]
    assert line(through, 0, 20) == [(0, 20, "c1", False)]
    jump = [placed(1, 0, 10), placed(2, 10, 10, media=11)]
    assert line(jump, 0, 20) == [(0, 10, "c1", False), (10, 10, "c2", True)]


def test_a_transition_changes_the_picture_in_its_middle_and_softly() -> None:
    fade = Fade(Fraction(1), Fraction(3))  # from 9 to 13
    clips = [placed(1, 0, 10, fade_out=fade), placed(2, 10, 10, media=50, fade_in=fade)]
    assert line(clips, 0, 20) == [(0, 11, "c1", False), (11, 9, "c2", False)]
    pieces = line_of([shown(each) for each in clips], Fraction(0), Fraction(20))
    assert pieces[0].media == MediaRange(FILM, Fraction(0), Fraction(11)), "a second of its handle"
    assert pieces[1].media == MediaRange(FILM, Fraction(51), Fraction(9))


layers = st.lists(
    st.tuples(st.integers(0, 25), st.integers(1, 12), st.integers(1, 4), st.booleans()), max_size=9
)


@given(layers, st.integers(0, 10), st.integers(1, 25))
def test_the_line_shows_at_every_moment_what_lies_highest(
    drawn: list[tuple[int, int, int, bool]], start: int, length: int
) -> None:
    clips = [
        placed(n, begin, lasts, (layer,), 1000 * n if online else None)
        for n, (begin, lasts, layer, online) in enumerate(drawn, 1)
    ]
    pieces = line_of([shown(each) for each in clips], Fraction(start), Fraction(start + length))
    assert sum(piece.duration for piece in pieces) == length
    at = Fraction(0)
    for piece in pieces:
        assert piece.start == at
        at += piece.duration
    for moment in range(start, start + length):
        here = [c for c in clips if c.record_start <= moment < c.record_start + c.duration]
        best = max(here, key=lambda c: (c.media is not None, c.layer, c.index), default=None)
        piece = next(p for p in pieces if p.start <= moment - start < p.start + p.duration)
        assert (piece.clip and piece.clip.index) == (best and best.index)
        if best is not None and best.media is not None and piece.media is not None:
            seen = piece.media.start + (moment - start - piece.start)
            assert seen == best.media.start + moment - best.record_start


@pytest.fixture
def edit(tmp_path: Path) -> TimelineInfo:
    """V1: a, b (a dissolve between them), a gap, slow; V2: a clip over the gap; with a region and a pair."""
    video = str(make_video(tmp_path / "film.mov", 200))
    slow = clip("slow", video, span(0, 20), span(0, 200))
    slow.effects.append(otio.schema.LinearTimeWarp(time_scalar=0.5))
    fade = otio.schema.Transition(
        in_offset=otio.opentime.RationalTime(5, 25), out_offset=otio.opentime.RationalTime(5, 25)
    )
    first = [
        clip("a", video, span(10, 50), span(0, 200)), fade, clip("b", video, span(100, 50), span(0, 200)),
        gap(25), slow, clip("lost", "gone.mov", span(0, 25), None),
        clip("end", video, span(180, 40), span(0, 200)),
    ]  # fmt: skip
    made = timeline([first, [gap(100), clip("over", video, span(0, 10), span(0, 200))]])
    made.global_start_time = otio.opentime.RationalTime(90000, 25)
    made.tracks.markers.append(otio.schema.Marker("chase", span(30, 50)))
    for name, frame in (("fight in", 10), ("fight out", 60), ("twice", 5), ("twice", 20), ("spot", 7)):
        made.tracks.markers.append(otio.schema.Marker(name, span(frame, 0)))
    return read_timeline(write(made, tmp_path / "edit.otio"))


def names(pieces: tuple[Piece, ...]) -> list[str]:
    return [piece.clip.name if piece.clip and piece.media else "" for piece in pieces]


def test_the_whole_timeline_follows_its_cuts_and_says_what_is_missing(edit: TimelineInfo) -> None:
    found = select_scope(edit, Scope(whole=True))
    assert (found.record_start, found.duration, found.title) == (0, Fraction(210, 25), "edit")
    assert names(found.pieces) == ["a", "b", "over", "", "slow", "", "end", ""]
    assert [piece.cut for piece in found.pieces] == [False, False, True, True, True, True, True, False]
    assert [float(p.start * 25) for p in found.pieces] == [0, 50, 100, 110, 125, 145, 170, 190]
    film = edit.path.parent / "film.mov"
    assert found.pieces[4].media == MediaRange(film, Fraction(0), Fraction(20, 25), Fraction(1, 2))
    assert "lost" in found.warnings[0]
    assert "end" in found.warnings[1]
    assert found.clip_names == ("a", "b", "over", "slow", "end")


@pytest.mark.parametrize(
    ("scope", "start", "end", "clips"),
    [
        (Scope(clips=("a", "b")), 0, 100, ["a", "b"]),
        (Scope(clips=("1..3",)), 0, 145, ["a", "b", "", "slow"]),
        (Scope(clips=("a..slow",)), 0, 145, ["a", "b", "", "slow"]),
        (Scope(clips=("a", "slow")), 0, 145, ["a", "", "slow"]),
        (Scope(clips=("b",)), 50, 100, ["b"]),
        (Scope(clips=("b",), handles=True), 45, 100, ["b"]),
        (Scope(clips=("a",), handles=True), 0, 55, ["a"]),
        (Scope(track="V2"), 100, 110, ["over"]),
        (Scope(track="video 2"), 100, 110, ["over"]),
        (Scope(span=(Fraction(1), Fraction(3))), 25, 75, ["a", "b"]),
        (Scope(span=(Fraction(3), Fraction(5)), track="Video 1"), 75, 125, ["b", ""]),
        (Scope(region="chase"), 30, 80, ["a", "b"]),
        (Scope(region="Fight"), 10, 60, ["a", "b"]),
        (Scope(region="twice"), 5, 20, ["a"]),
    ],
)
def test_ways_to_choose(edit: TimelineInfo, scope: Scope, start: int, end: int, clips: list[str]) -> None:
    found = select_scope(edit, scope)
    assert (found.record_start * 25, (found.record_start + found.duration) * 25) == (start, end)
    assert names(found.pieces) == clips
    assert found.media == next(piece.media for piece in found.pieces if piece.media)


@pytest.mark.parametrize(
    ("scope", "error", "words"),
    [
        (Scope(), UsageError, "exclude each other"),
        (Scope(whole=True, region="chase"), UsageError, "exclude each other"),
        (Scope(clips=("a",), track="V1"), UsageError, "exclude each other"),
        (Scope(clips=("a", "nobody")), UsageError, "no clip 'nobody'"),
        (Scope(clips=("b..a",)), UsageError, "backwards"),
        (Scope(track="V7"), UsageError, "Video 1, Video 2"),
        (Scope(region="love"), UsageError, "chase, fight"),
        (Scope(region="spot"), UsageError, "no length"),
        (Scope(span=(Fraction(5), Fraction(90))), UsageError, "not within"),
        (Scope(clips=("lost",)), MissingMediaError, "gone.mov"),
    ],
)
def test_what_cannot_be_chosen(edit: TimelineInfo, scope: Scope, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        select_scope(edit, scope)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("1.5..8", Fraction(3, 2), 8),
        ("25f..50f", 1, 2),
        ("01:00:01:00..01:00:02:12", 1, Fraction(62, 25)),
        ("0:01..0:02.5", 1, Fraction(5, 2)),
        ("..2", 0, 2),
        ("8..", 8, Fraction(210, 25)),
    ],
)
def test_ways_to_write_a_range_of_the_timeline(
    edit: TimelineInfo, text: str, start: Fraction, end: Fraction
) -> None:
    assert parse_span(text, edit) == (start, end)


@pytest.mark.parametrize(
    "text", ["..", "1..2..3", "5..1", "a..b", "00:00:01:00..00:00:02:00", "01:00:00:30..01:00:02:00"]
)
def test_what_is_no_range_of_the_timeline(edit: TimelineInfo, text: str) -> None:
    with pytest.raises(UsageError):
        parse_span(text, edit)


def test_two_lasting_markers_of_one_name_are_ambiguous(tmp_path: Path) -> None:
    made = timeline([[gap(50)]])
    made.tracks.markers.extend([otio.schema.Marker("x", span(0, 5)), otio.schema.Marker("x", span(9, 5))])
    with pytest.raises(UsageError, match="different names"):
        region_span("x", read_timeline(write(made, tmp_path / "e.otio")))


def test_a_nest_is_a_part_of_the_line_with_its_own_layers(tmp_path: Path) -> None:
    video = str(make_video(tmp_path / "film.mov", 200))
    inner = otio.schema.Stack("nest", source_range=span(10, 50))
    for items in (
        [clip("low", video, span(0, 100), span(0, 200))],
        [gap(20), clip("high", video, span(150, 20), span(0, 200))],
    ):
        track = otio.schema.Track("t", kind="Video")
        track.extend(items)
        inner.append(track)
    info = read_timeline(write(timeline([[inner]]), tmp_path / "e.otio"))
    found = select_scope(info, Scope(whole=True))
    assert names(found.pieces) == ["low", "high", "low"]
    assert [piece.start * 25 for piece in found.pieces] == [0, 10, 30]
    assert [piece.media.start * 25 for piece in found.pieces if piece.media] == [10, 150, 40]


def test_a_line_whose_clips_were_moved_meanwhile_is_not_placed(edit: TimelineInfo) -> None:
    found = select_scope(edit, Scope(clips=("a", "slow")))
    still_there(edit, found)
    made = otio.adapters.read_from_file(str(edit.path))
    made.tracks[0].insert(3, gap(5))
    write(made, edit.path)
    with pytest.raises(ConflictError, match="slow"):
        still_there(edit, found)
    still_there(edit, select_scope(edit, Scope(clips=("a", "b"))))
