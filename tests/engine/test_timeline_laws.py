"""Laws that hold for every timeline: record times, and that removing undoes placing."""

import json
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import opentimelineio as otio
from hypothesis import given, settings
from hypothesis import strategies as st
from timelines import clip, gap, span, timeline

from hitpoint.timeline.child import read as child_read
from hitpoint.timeline.flatten import extent_of, flatten
from hitpoint.timeline.jsontext import JsonText
from hitpoint.timeline.place import frame_aligned
from hitpoint.timeline.track import Cue, Lifted, insert, item_object, lift, merged, range_object
from hitpoint.timeline.tree import tree_from_json

RATES = [24000 / 1001, 23.976, 24.0, 25.0, 30000 / 1001, 29.97, 30.0, 50.0, 60000 / 1001, 60.0]
rates = st.sampled_from(RATES)


@st.composite
def items(draw: st.DrawFn, rate: float, depth: int = 2) -> otio.core.Composable:
    """A clip, a gap or a nested sequence, trimmed and shifted in whole frames."""
    kind = draw(st.sampled_from(["clip", "clip", "gap", "nest"] if depth else ["clip", "gap"]))
    length = draw(st.integers(1, 200))
    if kind == "gap":
        return gap(length, rate)
    start = draw(st.sampled_from([0, 17, round(rate) * 3600]))
    if kind == "clip":
        return clip(
            "c", "nowhere.mov", span(start + draw(st.integers(0, 50)), length, rate), span(start, 1000, rate)
        )
    inner = otio.schema.Track(
        "inner", draw(st.lists(items(rate, depth - 1), min_size=1, max_size=3)), kind="Video"
    )
    whole = int(inner.duration().value)
    first = draw(st.integers(0, whole - 1))
    return otio.schema.Stack("nest", [inner], span(first, draw(st.integers(1, whole - first)), rate))


@settings(max_examples=80, deadline=None)
@given(st.data(), rates)
def test_record_times_are_those_of_opentimelineio(data: st.DataObject, rate: float) -> None:
    tracks = data.draw(st.lists(st.lists(items(rate), min_size=1, max_size=4), min_size=1, max_size=2))
    made = timeline(tracks, start=otio.opentime.RationalTime(round(rate) * 3600, rate))
    tree = tree_from_json(child_read(made.to_json_string())["timeline"])
    found = {
        (round(float(c.record_start), 6), round(float(c.duration), 6)) for c in flatten(tree, lambda _: None)
    }
    theirs = set()
    for each in made.find_clips():
        seen = seen_part(each, made.tracks)
        if seen is not None:
            theirs.add((round(seen.start_time.to_seconds(), 6), round(seen.duration.to_seconds(), 6)))
    # Their floating point and 23.976 for 24000/1001 differ from exact time by under a microsecond here.
    assert len(found) == len(theirs)
    assert all(any(abs(a - x) < 2e-3 and abs(b - y) < 2e-3 for x, y in theirs) for a, b in found), (
        sorted(found),
        sorted(theirs),
    )


def seen_part(item: otio.schema.Clip, root: otio.schema.Stack) -> otio.opentime.TimeRange | None:
    """What of a clip is seen, by OTIO's own transforms, cut by each parent on the way up."""
    part, node = item.trimmed_range(), item
    while node is not root:
        parent = node.parent()
        part = node.transformed_time_range(part, parent)
        whole = parent.trimmed_range()
        begin, end = (
            max(part.start_time, whole.start_time),
            min(part.end_time_exclusive(), whole.end_time_exclusive()),
        )
        if end <= begin:
            return None
        part, node = otio.opentime.TimeRange(begin, end - begin), parent
    return part


def cue(start: Fraction, frames: int, rate: Fraction, name: str = "cue") -> Cue:
    length = range_object(Fraction(0), Fraction(frames), rate)
    return Cue(start, frames / rate, item_object("Clip.2", name, length, metadata={"hitpoint": {"seed": 1}}))


words = st.text(max_size=8)
metadata = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
styles = st.sampled_from([
    {"indent": None, "separators": (",", ":")}, {"indent": None}, {"indent": 1}, {"indent": 4},
    {"indent": "\t"},
])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(metadata, styles, st.booleans(), st.sampled_from(["\n", "\r\n"]), st.integers(0, 3), st.booleans())
def test_lifting_undoes_inserting_whatever_the_file_looks_like(
    meta: object, style: dict[str, object], plain: bool, newline: str, tracks: int, infinite: bool
) -> None:
    track = item_object("Track.1", "t", None, metadata={"x": meta}, children=[], kind="Video")
    children = [track] * tracks
    stack = item_object("Stack.1", "s", None, children=children)
    made = {"OTIO_SCHEMA": "Timeline.1", "metadata": {"x": meta, "y": "MARK"}, "name": "n", "tracks": stack}
    text = json.dumps(made, ensure_ascii=plain, **style).replace("\n", newline)  # type: ignore[arg-type]
    if infinite:
        text = text.replace('"MARK"', "-Inf")
    rate = Fraction(24000, 1001)
    cues = (cue(Fraction(0), 10, rate), cue(30 / rate, 5, rate))
    base = Lifted(text, cues, {'"now"': '"was"'}, "sha")
    inserted = insert(base, rate)
    assert lift(inserted) == base
    found = JsonText(inserted)
    assert found.value(found.members(found.root)["name"]) == "n"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=8), rates)
def test_cues_never_overlap_and_the_last_one_is_whole(places: list[tuple[int, int]], decimal: float) -> None:
    rate = Fraction(round(decimal)) if decimal == round(decimal) else Fraction(round(decimal) * 1000, 1001)
    cues: tuple[Cue, ...] = ()
    for start, frames in places:
        new = cue(start / rate, frames, rate)
        cues = merged(cues, new, rate)
        assert all(left.end <= right.start for left, right in pairwise(cues))
        kept = next(c for c in cues if c.start == new.start)
        assert new.duration - kept.duration <= 1 / rate
        assert all(c.duration > 0 for c in cues)


@settings(max_examples=300, deadline=None)
@given(st.fractions(0, 100_000, max_denominator=48_000), rates)
def test_frame_and_lead_make_up_the_record_time(record: Fraction, decimal: float) -> None:
    rate = Fraction(round(decimal)) if decimal == round(decimal) else Fraction(round(decimal) * 1000, 1001)
    found = replace(STUB, record_start=record)
    frame, lead = frame_aligned(found, rate)
    assert frame / rate + lead == record
    assert 0 <= lead < 1 / rate


def _stub():  # a selection of which only the record time matters
    from hitpoint.values import ClipInfo, MediaRange, Selection

    media = MediaRange(Path("x"), Fraction(0), Fraction(1))
    found = ClipInfo(1, "c", "V", Fraction(0), Fraction(1), Fraction(25), media)
    return Selection(found, media, Fraction(0), Fraction(1))


STUB = _stub()


def test_the_extent_of_nothing_is_nothing() -> None:
    tree = tree_from_json(child_read(timeline([[]]).to_json_string())["timeline"])
    assert extent_of(tree, lambda _: None).duration == 0
