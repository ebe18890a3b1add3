"""Markers come back: what an editor did to them is what the next scoring does."""

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from timelines import clip, make_tone, make_video, span, timeline, write

from hitpoint.errors import UsageError
from hitpoint.timeline.edited import FROM_MARKERS, hits_json, marked_hits
from hitpoint.timeline.place import frame_aligned, place
from hitpoint.timeline.read import read_timeline, timeline_of
from hitpoint.timeline.select import select
from hitpoint.timeline.tree import tree_from_json
from hitpoint.values import HitPoint, MarkedHits, Selection, TimelineInfo

HITS = (
    HitPoint(0.1234567, 0.75),
    HitPoint(0.4, 0.8, "cut"),
    HitPoint(0.9998, 1.0),  # its name, 1.000 s, is in the next frame
    HitPoint(1.25, 0.5, "user", locked=True),
)
OFFSET = Fraction(13, 1000)  # into the clip, and into a frame

Edit = Callable[[otio.schema.Clip], None]


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip from 1 s on the timeline, scored from 13 ms into it."""
    folder = tmp_path_factory.mktemp("scored")
    video = str(make_video(folder / "film.mov", 100))
    items = [
        clip("intro", video, span(0, 25), span(0, 100)),
        clip("dance", video, span(20, 50), span(0, 100)),
    ]
    info = read_timeline(write(timeline([items]), folder / "edit.otio"))
    selection = select(info, "dance", (OFFSET, Fraction(2)))
    _, lead = frame_aligned(selection, info.rate)
    tone = make_tone(folder / "dance-house-1-0123abcd.wav", round(selection.duration * 48000), lead)
    note = {"seed": 1, "hit_points": hits_json(HITS), FROM_MARKERS: False}
    place(info, selection, tone, "dance (house, seed 1)", HITS, note, folder / "out.otio")
    return folder / "out.otio"


def edited(path: Path, edit: Edit, name: str = "edited.otio") -> tuple[TimelineInfo, Selection]:
    """The timeline after somebody changed our clip, as `edit` does."""
    made = otio.adapters.read_from_file(str(path))
    edit(next(iter(made.tracks[-1].find_clips())))
    info = read_timeline(write(made, path.with_name(name)))
    return info, select(info, "dance", (OFFSET, Fraction(2)))


def back(path: Path, edit: Edit, wanted: bool | None = None) -> MarkedHits | None:
    return marked_hits(*edited(path, edit), wanted)


def nothing(_: otio.schema.Clip) -> None:
    """No change."""


def move(number: int, frames: int) -> Edit:
    def edit(cue: otio.schema.Clip) -> None:
        start = cue.markers[number].marked_range.start_time
        cue.markers[number].marked_range = span(start.value + frames, 0)

    return edit


def strip(cue: otio.schema.Clip) -> None:
    """What many programs do: no metadata of others, no colours, other track names."""
    cue.metadata.clear()
    cue.parent().metadata.clear()
    cue.parent().name = "Audio 1"
    for mark in cue.markers:
        mark.metadata.clear()
        mark.color = "RED"


def test_markers_that_nobody_touched_change_nothing(scored: Path) -> None:
    assert back(scored, nothing) is None
    kept = back(scored, nothing, wanted=True)
    assert kept is not None
    assert kept.hits == HITS
    assert "4 kept, 0 moved" in kept.note
    assert kept.spans[0][0] == 0
    assert kept.spans[0][1] >= float(2 - OFFSET)
    assert back(scored, move(0, 3), wanted=False) is None


@pytest.mark.parametrize("number", range(len(HITS)))
@pytest.mark.parametrize("frames", [-1, 1, 7])
def test_a_moved_marker_moves_its_hit_point_by_exactly_so_much(
    scored: Path, number: int, frames: int
) -> None:
    found = back(scored, move(number, frames))
    assert found is not None
    time = Fraction(HITS[number].time) + Fraction(frames, 25)
    if time < 0:
        assert len(found.hits) == len(HITS) - 1
        return
    moved = HitPoint(float(time), HITS[number].strength, "user", locked=True)
    others = [hit for hit in HITS if hit is not HITS[number]]
    assert set(found.hits) == {moved, *others}


def test_added_deleted_and_recoloured(scored: Path) -> None:
    def edit(cue: otio.schema.Clip) -> None:
        cue.markers[0].color = "MAGENTA"
        cue.markers[3].color = "GREEN"
        del cue.markers[2]
        cue.markers.append(otio.schema.Marker("kick", span(30, 0), color="RED"))

    found = back(scored, edit)
    assert found is not None
    kick = float(Fraction(30, 25) - OFFSET)
    assert found.hits == (
        replace(HITS[0], kind="user", locked=True),
        HITS[1],
        HitPoint(kick, 1.0, "user", locked=True),
        replace(HITS[3], kind="movement", locked=False),
    )
    assert "1 kept, 0 moved, 1 added, 2 recoloured, 1 deleted" in found.note


def test_a_copied_marker_is_a_new_hit_point_and_the_original_stays(scored: Path) -> None:
    def edit(cue: otio.schema.Clip) -> None:
        copy = cue.markers[0].deepcopy()
        copy.marked_range = span(40, 0)
        cue.markers.insert(0, copy)

    found = back(scored, edit)
    assert found is not None
    assert HITS[0] in found.hits
    assert HitPoint(float(Fraction(40, 25) - OFFSET), 1.0, "user", locked=True) in found.hits


def test_all_markers_deleted_means_no_hit_points(scored: Path) -> None:
    found = back(scored, lambda cue: cue.markers.clear())
    assert found is not None
    assert found.hits == ()
    assert "4 deleted" in found.note


def test_names_are_enough_where_a_program_drops_everything_else(scored: Path) -> None:
    kept = back(scored, strip, wanted=True)
    assert kept is not None
    assert [hit.kind for hit in kept.hits] == [hit.kind for hit in HITS]
    assert [hit.time for hit in kept.hits] == pytest.approx([hit.time for hit in HITS], abs=0.0005)
    assert back(scored, strip) is None, "nothing was moved or added"

    def edit(cue: otio.schema.Clip) -> None:
        strip(cue)
        move(1, 5)(cue)

    moved = back(scored, edit)
    assert moved is not None
    assert HitPoint(0.6, 1.0, "user", locked=True) in moved.hits


def test_the_cue_moves_with_its_hit_points(scored: Path) -> None:
    """Music that was slipped by ten frames, and then a marker: both count."""

    def edit(cue: otio.schema.Clip) -> None:
        before = cue.parent()[0]
        before.source_range = span(0, before.source_range.duration.value + 10)
        move(1, 1)(cue)

    found = back(scored, edit)
    assert found is not None
    assert [round(hit.time - old.time, 9) for hit, old in zip(found.hits, HITS, strict=True)] == [
        0.4, 0.44, 0.4, 0.4,
    ]  # fmt: skip


def test_trimmed_away_is_not_deleted(scored: Path) -> None:
    def edit(cue: otio.schema.Clip) -> None:
        cue.source_range = span(0, 20)

    assert back(scored, edit) is None
    kept = back(scored, edit, wanted=True)
    assert kept is not None
    assert kept.hits == HITS[:2]
    assert kept.spans[0][1] == pytest.approx(20 / 25 - float(OFFSET))


def test_edits_last_over_more_than_one_scoring(scored: Path) -> None:
    def edit(cue: otio.schema.Clip) -> None:
        cue.metadata["hitpoint"][FROM_MARKERS] = True

    found = back(scored, edit)
    assert found is not None
    assert found.hits == HITS


def test_other_markers_count_only_when_asked_for(scored: Path) -> None:
    def edit(cue: otio.schema.Clip) -> None:
        stack = cue.parent().parent()
        stack.markers.append(otio.schema.Marker("note", span(50, 0)))
        stack.markers.append(otio.schema.Marker("a region", span(30, 10)))
        stack[0][1].markers.append(otio.schema.Marker("jump", span(35, 0)))
        stack[0][0].markers.append(otio.schema.Marker("not this clip", span(5, 0)))

    assert back(scored, edit) is None
    found = back(scored, edit, wanted=True)
    assert found is not None
    added = [hit.time for hit in found.hits if hit not in HITS]
    assert added == pytest.approx([15 / 25 - float(OFFSET), 1 - float(OFFSET)])


def test_no_markers_at_all_is_said(tmp_path: Path) -> None:
    video = str(make_video(tmp_path / "film.mov", 50))
    info = read_timeline(write(timeline([[clip("a", video, span(0, 50), None)]]), tmp_path / "e.otio"))
    assert marked_hits(info, select(info), None) is None
    with pytest.raises(UsageError, match="no markers"):
        marked_hits(info, select(info), True)


@pytest.mark.parametrize(
    "note",
    ["", "[]", "{", '{"hit_points": 3}', '{"hit_points": [1, {"time": "x"}, {"time": 1e400, "kind": "cut"}]}',
     '{"record_start": "1/0"}', '{"record_start": []}'],
)  # fmt: skip
def test_metadata_that_somebody_broke_does_no_harm(scored: Path, note: str) -> None:
    info, selection = edited(scored, move(1, 2), "broken.otio")
    cue = replace(info.cues[0], note=note)
    found = marked_hits(replace(info, cues=(cue,)), selection, None)
    assert found is not None
    assert len(found.hits) == len(HITS)


RATES = st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)])


@given(
    RATES,
    st.fractions(0, 100, max_denominator=48000),
    st.lists(st.tuples(st.floats(0, 50), st.integers(-20, 20)), max_size=8, unique_by=lambda pair: pair[0]),
    st.booleans(),
)
def test_any_marker_moved_by_n_frames_is_moved_by_n_frames(
    rate: Fraction, begin: Fraction, moves: list[tuple[float, int]], stripped: bool
) -> None:
    """As `place` writes them, in a tree as the guarded child describes it, without a file."""
    info, selection, hits = described(rate, begin, moves, stripped)
    found = marked_hits(info, selection, True) if moves else None
    if found is None:
        return
    slack = 1 / rate if stripped else 0  # a rounded name may stand for the next frame
    wanted = {}
    for hit, (_, frames) in zip(hits, moves, strict=True):
        time = Fraction(hit.time) + frames / rate
        wanted[hit] = time
    for hit, time in wanted.items():
        if not 0 <= time < selection.duration - slack or any(
            abs(Fraction(hit.time) - Fraction(other.time)) < Fraction(2, 1000)
            for other in hits
            if other != hit
        ):
            continue
        error = min(abs(Fraction(each.time) - time) for each in found.hits)
        assert error <= (
            Fraction(1, 1000) + (slack if near_edge(hit, begin, rate) else 0) if stripped else 0.5e-9
        )


def near_edge(hit: HitPoint, begin: Fraction, rate: Fraction) -> bool:
    place = (begin + Fraction(hit.time)) * rate
    return abs(place - round(place)) <= rate / 1000


def described(
    rate: Fraction, begin: Fraction, moves: list[tuple[float, int]], stripped: bool
) -> tuple[TimelineInfo, Selection, tuple[HitPoint, ...]]:
    hits = tuple(HitPoint(time, 0.5) for time, _ in moves)
    frame = begin * rate // 1
    lead = begin - frame / rate
    marks: list[dict[str, Any]] = []
    for hit, (_, frames) in zip(hits, moves, strict=True):
        at = ((lead + Fraction(hit.time)) * rate + Fraction(1, 1000)) // 1
        name = f"{hit.kind} {hit.time:.3f} s"
        ours = json.dumps({"time": hit.time, "strength": hit.strength, "kind": hit.kind})
        seen = [at + frames, float(rate), 0, float(rate)]
        mark = {"name": name, "comment": name, "colour": "GREEN", "range": seen}
        marks.append(mark | {"ours": "" if stripped else ours})
    note = json.dumps({"record_start": str(begin), "hit_points": hits_json(hits)})
    length = 100 * round(rate)
    missing = {"kind": "MissingReference", "url": "", "name": "", "range": None}

    def item(kind: str, name: str, frames: int | None, **rest: Any) -> dict[str, Any]:
        plain = {"marks": [], "ours": "", "enabled": True, "speeds": [], "ramp": False, "track_kind": "",
                 "effects": 0, "foreign": False, "media": missing if kind == "clip" else None}  # fmt: skip
        extent = None if frames is None else [0, float(rate), frames, float(rate)]
        return plain | {"kind": kind, "name": name, "range": extent} | rest

    cue = item("clip", "x (pop, seed 1)", length, marks=marks, ours="" if stripped else note)
    film = item("clip", "film", length + frame)
    tracks = [
        item("track", "V", None, track_kind="Video", children=[film]),
        item("track", "Hitpoint", None, track_kind="Audio", children=[item("gap", "", frame), cue]),
    ]
    stack = item("stack", "tracks", None, children=tracks)
    tree = tree_from_json({"name": "t", "start": None, "premiere": False, "ours": "", "stack": stack})
    info = timeline_of(tree, Path("t.otio"), "", Path())
    return info, Selection(info.clips[0], None, begin, Fraction(60)), hits  # type: ignore[arg-type]
