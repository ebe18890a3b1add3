"""Timeline files that crash, hang or mislead the library, each with the named error that meets it.

Some of these bytes end a process that hands them to OpenTimelineIO 0.18.1 directly; the last test shows it.
"""

import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timelines import MEDIA, needs_media

from hitpoint.errors import MissingMediaError, TimelineError
from hitpoint.timeline import guard
from hitpoint.timeline.prescan import prescan
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.remove import remove

EMPTY_STACK = '{"OTIO_SCHEMA":"Stack.1","children":[]}'
NULL_TRACKS = '{"OTIO_SCHEMA":"Timeline.1","name":"a","tracks":null}'
CYCLE = (
    '{"OTIO_SCHEMA":"Timeline.1","tracks":{"OTIO_SCHEMA":"Stack.1","OTIO_REF_ID":"a",'
    '"children":[{"OTIO_SCHEMA":"SerializableObjectRef.1","id":"a"}]}}'
)
TWO_VERSIONS = (
    '{"OTIO_SCHEMA":"Clip.1","media_references":{"DEFAULT_MEDIA":{"OTIO_SCHEMA":"ExternalReference.1"}}}'
)


def timeline_with(children: str = "[]", more: str = "") -> str:
    stack = f'{{"OTIO_SCHEMA":"Stack.1","children":{children}}}'
    return f'{{"OTIO_SCHEMA":"Timeline.1","name":"a",{more}"tracks":{stack}}}'


def track_with(items: str) -> str:
    return timeline_with(f'[{{"OTIO_SCHEMA":"Track.1","kind":"Video","children":[{items}]}}]')


def clip_with(source_range: str, more: str = "") -> str:
    media = '{"DEFAULT_MEDIA":{"OTIO_SCHEMA":"MissingReference.1"}}'
    return track_with(
        f'{{"OTIO_SCHEMA":"Clip.2","name":"c","source_range":{source_range},'
        f'"media_references":{media},"active_media_reference_key":"DEFAULT_MEDIA"{more}}}'
    )


def time_range(value: str, rate: str = "25", start: str = "0") -> str:
    return (
        f'{{"OTIO_SCHEMA":"TimeRange.1","start_time":{{"OTIO_SCHEMA":"RationalTime.1","value":{start},"rate":{rate}}},'
        f'"duration":{{"OTIO_SCHEMA":"RationalTime.1","value":{value},"rate":{rate}}}}}'
    )


def nested(kind: str, depth: int) -> str:
    if kind == "arrays":
        return timeline_with(more=f'"metadata":{{"x":{"[" * depth}{"]" * depth}}},')
    opening = '{"OTIO_SCHEMA":"Stack.1","children":['
    return timeline_with("[" + opening * depth + "]}" * depth + "]")


CASES: dict[str, tuple[str | bytes, str]] = {
    # The crash files of the library.
    "tracks are null, 53 bytes": (NULL_TRACKS, "no stack of tracks"),
    "a stack in itself": (CYCLE, "its own parts"),
    "a clip of two versions alone": (TWO_VERSIONS, "holds a Clip"),
    "a clip of two versions": (track_with(TWO_VERSIONS), "two versions"),
    "a part that the library keeps for itself": (
        timeline_with('[{"OTIO_SCHEMA":"UnknownSchema.1"}]'),
        "unknown kind",
    ),
    "an old clip whose media is a list": (
        track_with('{"OTIO_SCHEMA":"Clip.1","media_reference":[{"OTIO_SCHEMA":"ExternalReference.1"}]}'),
        "no media reference",
    ),
    "a bare composable": (track_with('{"OTIO_SCHEMA":"Composable.1","name":"x"}'), "Composable on a track"),
    "arrays 50 000 deep": (nested("arrays", 50_000), "nested more than"),
    "stacks 20 000 deep": (nested("stacks", 20_000), "nested more than"),
    "stacks 201 deep": (nested("stacks", 201), "nested more than"),
    # Not a timeline.
    "nothing": ("", "empty"),
    "blanks": (" \n ", "empty"),
    "binary": (bytes(range(128, 256)), "UTF-8"),
    "UTF-16": (timeline_with().encode("utf-16"), "UTF-8"),
    "a byte order mark": (b"\xef\xbb\xbf" + timeline_with().encode(), "JSON"),
    "prose": ("once upon a time", "not valid JSON"),
    "cut off": (timeline_with()[:-10], "not valid JSON"),
    "a string without end": ('{"OTIO_SCHEMA":"Timel', "not valid JSON"),
    "only brackets": ("]]]]", "not valid JSON"),
    "JSON of something else": ('{"hello":"world"}', "not an OpenTimelineIO"),
    "a list": ("[]", "not an OpenTimelineIO"),
    "a number": ("17", "not an OpenTimelineIO"),
    "a schema that is a number": ('{"OTIO_SCHEMA":1}', "not an OpenTimelineIO"),
    "a collection": ('{"OTIO_SCHEMA":"SerializableCollection.1","children":[]}', "SerializableCollection"),
    "XML": ('<?xml version="1.0"?><xmeml/>', "not valid JSON"),
    "the same key twice": ('{"OTIO_SCHEMA":"Timeline.1","tracks":1,"tracks":2}', "same key twice"),
    "an integer of 10 000 digits": (
        timeline_with(more=f'"global_start_time":{"9" * 10_000},'),
        "cannot be read",
    ),
    # Damaged parts.
    "no tracks": ('{"OTIO_SCHEMA":"Timeline.1","name":"a"}', "no stack of tracks"),
    "tracks are a list": ('{"OTIO_SCHEMA":"Timeline.1","tracks":[]}', "no stack of tracks"),
    "tracks are a track": (
        '{"OTIO_SCHEMA":"Timeline.1","tracks":{"OTIO_SCHEMA":"Track.1"}}',
        "no stack of tracks",
    ),
    "no children": ('{"OTIO_SCHEMA":"Timeline.1","tracks":{"OTIO_SCHEMA":"Stack.1"}}', "cannot be read"),
    "children are null": (timeline_with("null"), "cannot be read"),
    "a child is null": (timeline_with("[null]"), "cannot be read"),
    "a child is a string": (timeline_with('["x"]'), "cannot be read"),
    "an unknown part": (timeline_with('[{"OTIO_SCHEMA":"Gizmo.1"}]'), "cannot be read"),
    "a schema without version": (timeline_with('[{"OTIO_SCHEMA":"Track"}]'), "unknown kind"),
    "a schema of version 0": (timeline_with('[{"OTIO_SCHEMA":"Clip.0"}]'), "unknown kind"),
    "a schema of version -1": (timeline_with('[{"OTIO_SCHEMA":"Clip.-1"}]'), "unknown kind"),
    "a schema of version 999999": (timeline_with('[{"OTIO_SCHEMA":"Clip.999999"}]'), "unknown kind"),
    "a newer schema": (
        timeline_with('[{"OTIO_SCHEMA":"Track.7","children":[]}]'),
        r"Track\.7 .*up to Track\.1",
    ),
    "a reference by id": (timeline_with(more='"metadata":{"OTIO_REF_ID":"x"},'), "its own parts"),
    # Times that make no sense.
    "a rate of 0": (clip_with(time_range("10", "0")), "frame rate"),
    "a rate of next to nothing": (clip_with(time_range("10", "1e-9")), "frame rate"),
    "a negative rate": (clip_with(time_range("10", "-25")), "frame rate"),
    "a rate that is no number": (clip_with(time_range("10", "NaN")), "makes no sense"),
    "an endless clip": (clip_with(time_range("Infinity")), "makes no sense"),
    "OTIO's own infinity": (clip_with(time_range("Inf")), "makes no sense"),
    "a huge time": (clip_with(time_range("1e308")), "makes no sense"),
    "a huge negative time": (clip_with(time_range("5", start="-1e300")), "makes no sense"),
    "a negative length": (clip_with(time_range("-10")), "negative length"),
    "a speed that is no number": (
        clip_with(time_range("10"), ',"effects":[{"OTIO_SCHEMA":"LinearTimeWarp.1","time_scalar":NaN}]'),
        "makes no sense",
    ),
    "half a character": (timeline_with(more='"metadata":{"s":"\\ud800"},'), "cannot be read"),
    "a range of text": (clip_with('"ten seconds"'), "cannot be read"),
}


@pytest.mark.parametrize("case", CASES)
def test_hostile_text_is_a_timeline_error_with_words(case: str, tmp_path: Path) -> None:
    content, words = CASES[case]
    path = tmp_path / "bad.otio"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(TimelineError, match=words) as caught:
        read_timeline(path)
    assert type(caught.value) is TimelineError
    assert not any(word in str(caught.value) for word in ("Traceback", "NoneType", "object at 0x"))
    assert caught.value.todo


@needs_media
def test_a_newer_schema_says_which_and_what_to_do() -> None:
    with pytest.raises(TimelineError, match=r"Marker\.3") as caught:
        read_timeline(MEDIA / "timeline" / "newer_schema_premiere_example.otio")
    assert "0.18" in caught.value.todo


def test_harmless_oddities_are_read(tmp_path: Path) -> None:
    """What real programs write may look odd; it must not be refused with the hostile."""
    path = tmp_path / "odd.otio"
    lone = '"metadata":{"big":170141183460469231731687303715884105728,"x":[Inf,-Inf,NaN]},'
    path.write_text(timeline_with(more=lone))
    assert read_timeline(path).clips == ()


def test_a_file_over_the_limit_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.otio"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)  # sparse: 1 TB of nothing
    with pytest.raises(TimelineError, match="larger than"):
        read_timeline(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingMediaError, match="no file"):
        read_timeline(tmp_path / "nothing.otio")
    (tmp_path / "folder.otio").mkdir()
    with pytest.raises(TimelineError, match="regular file"):
        read_timeline(tmp_path / "folder.otio")


FAILING_CHILDREN = {
    "crashes": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "failed on this file"),
    "hangs": ("import time; time.sleep(60)", "took longer"),
    "says nothing": ("pass", "no usable answer"),
    "says nonsense": ("print('{nonsense')", "no usable answer"),
    "says a list": ("print('[]')", "no usable answer"),
    "leaves out": ('print(\'{"timeline": {"name": "x"}}\')', "cannot be understood"),
    "lies about kinds": (
        'print(\'{"timeline": {"name": "x", "start": null, "premiere": false, "stack": {"kind": "os"}}}\')',
        "cannot be understood",
    ),
    "says too much": ("import sys; sys.stdout.write('x' * 1000)", "too large"),
}


@pytest.mark.parametrize("case", FAILING_CHILDREN)
def test_a_child_that_fails_is_an_error_and_no_more(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, words = FAILING_CHILDREN[case]
    child = tmp_path / "child.py"
    child.write_text(program)
    monkeypatch.setattr(guard, "CHILD", child)
    if case == "hangs":
        monkeypatch.setattr(guard, "WALL_S", 0.5)
    if case == "says too much":
        monkeypatch.setattr(guard, "MAX_ANSWER", 100)
    with pytest.raises(TimelineError, match=words):
        guard.parse(timeline_with().encode())


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutants_of_a_timeline_end_in_text_or_a_timeline_error(data: st.DataObject) -> None:
    seed = bytearray(clip_with(time_range("10")).encode())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(seed) - 1))
        seed[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=6))
    with suppress(TimelineError):
        prescan(bytes(seed))


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(
        [
            "Clip.2",
            "Gap.1",
            "Stack.1",
            "MissingReference.1",
            "TimeRange.1",
            "Effect.1",
            "Timeline.1",
            "Marker.1",
        ]
    ),
    st.sampled_from(["null", "[]", "{}", "-1", '"x"', '{"OTIO_SCHEMA":"Clip.1"}', EMPTY_STACK]),
    st.sampled_from(
        ["source_range", "children", "media_references", "effects", "name", "metadata", "markers"]
    ),
)
def test_parts_in_the_wrong_place_never_end_this_process(schema: str, value: str, key: str) -> None:
    text = track_with(f'{{"OTIO_SCHEMA":"{schema}","{key}":{value}}}')
    with suppress(TimelineError):
        guard.parse(text.encode())


def bundle(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def link_entry(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.otio", timeline_with())
        link = zipfile.ZipInfo("media/link.mov")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return path


def twice(path: Path) -> Path:
    return bundle(path, {"content.otio": GOOD, "media/A.mov": b"1", "media/a.MOV": b"2"})


GOOD = timeline_with().encode()
BUNDLES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no archive": (lambda p: p.write_bytes(b"PK, not") and p, "not a readable"),
    "empty": (lambda p: bundle(p, {}), "no content.otio"),
    "climbs out": (lambda p: bundle(p, {"content.otio": GOOD, "../../x.mov": b"x"}), "outside"),
    "absolute": (lambda p: bundle(p, {"content.otio": GOOD, "/tmp/x.mov": b"x"}), "outside"),
    "drive letter": (lambda p: bundle(p, {"content.otio": GOOD, "C:/x.mov": b"x"}), "outside"),
    "backslashes": (lambda p: bundle(p, {"content.otio": GOOD, "..\\x.mov": b"x"}), "outside"),
    "a link": (link_entry, "link"),
    "the same name twice": (twice, "twice"),
    "a bomb": (lambda p: bundle(p, {"content.otio": GOOD, "media/x.mov": bytes(40 << 20)}), "far more"),
    "too many files": (
        lambda p: bundle(p, {"content.otio": GOOD} | {f"media/{n}": b"" for n in range(10_001)}),
        "more than 10000",
    ),
    "hostile contents": (lambda p: bundle(p, {"content.otio": NULL_TRACKS.encode()}), "no stack of tracks"),
}


@pytest.mark.parametrize("case", BUNDLES)
def test_hostile_bundles(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    make, words = BUNDLES[case]
    path = make(tmp_path / "bad.otioz") or tmp_path / "bad.otioz"
    with pytest.raises(TimelineError, match=words):
        read_timeline(tmp_path / "bad.otioz")
    assert path
    assert not list(tmp_path.rglob("x.mov"))
    assert not list(tmp_path.rglob(".unpack-*"))


DIRECT = """
import sys, opentimelineio
timeline = opentimelineio.adapters.read_from_string(sys.argv[1], "otio_json")
timeline.find_clips()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a crash shows differently there")
def test_the_crash_file_is_real() -> None:
    """Should this fail one day, the library was mended and the guard may be reconsidered."""
    done = subprocess.run([sys.executable, "-c", DIRECT, NULL_TRACKS], capture_output=True, check=False)
    assert done.returncode < 0


def scored(metadata: str, clip: str = "{}") -> str:
    return timeline_with(
        f'[{{"OTIO_SCHEMA":"Track.1","name":"Hitpoint","kind":"Audio","metadata":{metadata},"children":[{clip}]}}]'
    )


CUE = '{"OTIO_SCHEMA":"Clip.2","metadata":{"hitpoint":{"seed":1}},"source_range":%s}'
FORGED = {
    "our name alone": scored('{"hitpoint":5}', CUE.replace('{"seed":1}', "7") % time_range("5")),
    "metadata is a list": scored("[]", CUE % time_range("5")),
    "references of numbers": scored('{"hitpoint":{"format":1,"references":[1,null]}}', CUE % time_range("5")),
    "references are a number": scored('{"hitpoint":{"format":1,"references":7}}', CUE % time_range("5")),
    "a reference that breaks out": scored(
        '{"hitpoint":{"format":1,"references":[{"now":"\\"a\\"","was":"}}}"}]}}', CUE % time_range("5")
    ),
    "a cue without a length": scored('{"hitpoint":{"format":1}}', CUE % "null"),
    "children are null": timeline_with("null"),
    "not JSON": "}",
}


@pytest.mark.parametrize("case", FORGED)
def test_forged_marks_of_ours_never_break_removing(case: str, tmp_path: Path) -> None:
    """A file may claim to be scored by us. Either what is ours goes, or an error says why not."""
    path = tmp_path / "forged.otio"
    path.write_text(FORGED[case])
    try:
        remove(path)
    except TimelineError:
        assert path.read_text() == FORGED[case]
    else:
        assert read_timeline(path).clips == ()
