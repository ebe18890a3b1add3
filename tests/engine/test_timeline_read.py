"""What is read from timelines: references, timecodes, speeds, nests, gaps, and what is offline."""

import json
import os
import shutil
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from timelines import MEDIA, NTSC_FILM, clip, gap, make_video, needs_media, span, timeline, write

from hitpoint.errors import TimelineError
from hitpoint.timeline.read import read_timeline
from hitpoint.values import ClipInfo

RT = otio.opentime.RationalTime


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return make_video(tmp_path / "dance.mov", 100)


def read_one(item: otio.core.Composable, folder: Path) -> ClipInfo:
    info = read_timeline(write(timeline([[item]]), folder / "edit.otio"))
    assert len(info.clips) == 1
    return info.clips[0]


def test_positions_of_trimmed_clips_and_gaps(video: Path, tmp_path: Path) -> None:
    items = [
        gap(10),
        clip("one", str(video), span(5, 20), span(0, 100)),
        gap(3),
        clip("two", str(video), None, span(0, 100)),
    ]
    one, two = read_timeline(write(timeline([items]), tmp_path / "edit.otio")).clips
    assert (one.record_start, one.duration) == (Fraction(10, 25), Fraction(20, 25))
    assert one.media is not None
    assert (one.media.start, one.media.duration, one.media.speed) == (Fraction(5, 25), Fraction(20, 25), 1)
    assert (two.record_start, two.duration) == (Fraction(33, 25), Fraction(4))


@pytest.mark.parametrize("rate", [25.0, 23.976, 24000 / 1001, 29.97, 59.94])
def test_start_timecodes_are_subtracted_exactly(tmp_path: Path, rate: float) -> None:
    hour = round(rate) * 3600
    video = make_video(tmp_path / "dance.mov", 10)
    item = clip("c", str(video), span(hour + 48, 24, rate), span(hour, 240, rate))
    made = timeline([[gap(12, rate), item]], start=RT(hour, rate))
    info = read_timeline(write(made, tmp_path / "edit.otio"))
    exact = {25.0: Fraction(25), 23.976: NTSC_FILM, 24000 / 1001: NTSC_FILM}.get(rate)
    exact = exact or Fraction(round(rate) * 1000, 1001)
    assert info.rate == exact
    assert info.start_timecode == hour / exact
    found = info.clips[0]
    assert found.record_start == 12 / exact
    assert found.media is not None
    assert found.media.start == 48 / exact


def test_without_an_available_range_the_files_own_timecode_counts(tmp_path: Path) -> None:
    video = make_video(tmp_path / "camera.mov", 50, timecode="01:00:00:00")
    found = read_one(clip("c", str(video), span(90000 + 5, 10), None), tmp_path)
    assert found.media is not None
    assert found.media.start == Fraction(5, 25)


def test_without_any_range_the_file_says_how_long_it_is(video: Path, tmp_path: Path) -> None:
    items = [clip("c", video.name, None, None), clip("d", video.name, span(0, 5), None)]
    first, second = read_timeline(write(timeline([items]), tmp_path / "edit.otio")).clips
    assert (first.duration, second.record_start) == (4, 4)


AWKWARD = ["plain.mov", "with space.mov", "a#b.mov", "a%20b.mov", "100%.mov", "ü 日.mov", "q?x.mov"]


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("form", ["absolute", "relative", "quoted", "url", "localhost", "parent"])
def test_references_find_their_file(tmp_path: Path, name: str, form: str) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    path = make_video(folder / name, 2)
    uri = path.as_uri()
    url = {
        "absolute": str(path),
        "relative": name,
        "quoted": uri.rsplit("/", 1)[1],
        "url": uri,
        "localhost": uri.replace("file://", "file://localhost"),
        "parent": f"../project/{name}",
    }[form]
    found = read_one(clip("c", url, span(0, 2), span(0, 2)), folder)
    assert found.media is not None, found.offline
    assert found.media.path.samefile(path)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("D:\\footage\\a.mov", "Windows"),
        ("file:///D:/footage/a.mov", "Windows"),
        ("file://localhost/D%3a/footage/a.mov", "Windows"),
        ("\\\\server\\share\\a.mov", "network share"),
        ("file://server/share/a.mov", "another machine"),
        ("http://example.com/a.mov", "http"),
        ("https://example.com/a.mov", "https"),
        ("rtsp://example.com/a", "rtsp"),
        ("concat:a.mov|b.mov", "concat"),
        ("nothing-here.mov", "no file"),
        ("file:///nothing/here.mov", "no file"),
        ("", "names no file"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="the paths of Windows are at home there")
def test_offline_media_is_listed_with_its_reason(tmp_path: Path, url: str, reason: str) -> None:
    found = read_one(clip("c", url, span(0, 10), span(0, 10)), tmp_path)
    assert found.media is None
    assert reason in found.offline
    assert found.duration == Fraction(10, 25)


def test_media_that_is_no_file_is_listed_too(tmp_path: Path) -> None:
    sequence = otio.schema.ImageSequenceReference(
        "/shots/", "a.", ".exr", 1, 1, 25, 4, available_range=span(1, 10)
    )
    items = [
        clip("missing", None, span(0, 10), None),
        otio.schema.Clip("bars", otio.schema.GeneratorReference("bars", "SMPTEBars"), span(0, 10)),
        otio.schema.Clip("frames", sequence, span(1, 10)),
        clip("", None, span(0, 10), None),
    ]
    found = read_timeline(write(timeline([items]), tmp_path / "edit.otio")).clips
    assert [c.name for c in found] == ["missing", "bars", "frames", "clip 4"]
    assert all(c.media is None and c.offline for c in found)
    assert [c.record_start for c in found] == [Fraction(n * 10, 25) for n in range(4)]


@pytest.mark.parametrize(
    ("effect", "start", "speed"),
    [
        (otio.schema.LinearTimeWarp(time_scalar=2.0), Fraction(1), Fraction(2)),
        (otio.schema.LinearTimeWarp(time_scalar=0.5), Fraction(1), Fraction(1, 2)),
        (otio.schema.FreezeFrame(), Fraction(1), Fraction(0)),
        (otio.schema.LinearTimeWarp(time_scalar=-1.0), Fraction(2), Fraction(-1)),
    ],
)
def test_speed_changes(
    video: Path, tmp_path: Path, effect: otio.schema.Effect, start: Fraction, speed: Fraction
) -> None:
    item = clip("c", str(video), span(25, 25), span(0, 100))
    item.effects.append(effect)
    found = read_one(item, tmp_path)
    assert found.media is not None
    assert (found.duration, found.media.start, found.media.speed) == (1, start, speed)


def test_premiere_writes_how_much_a_retimed_clip_uses(video: Path, tmp_path: Path) -> None:
    fast = clip("fast", str(video), span(0, 50), span(0, 100))
    fast.effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
    made = timeline([[fast, clip("next", str(video), span(0, 10), span(0, 100))]])
    made.metadata["PremierePro_OTIO"] = {"VideoFrameRate": 25}
    first, second = read_timeline(write(made, tmp_path / "edit.otio")).clips
    assert (first.duration, second.record_start) == (1, 1)


def test_a_speed_ramp_is_read_at_constant_speed_and_said(video: Path, tmp_path: Path) -> None:
    item = clip("ramp", str(video), span(0, 25), span(0, 100))
    item.effects.append(otio.schema.TimeEffect())
    info = read_timeline(write(timeline([[item]]), tmp_path / "edit.otio"))
    assert "ramp" in info.warnings[0]


def test_transitions_take_no_time_and_disabled_is_kept(video: Path, tmp_path: Path) -> None:
    dissolve = otio.schema.Transition("x", "SMPTE_Dissolve", RT(5, 25), RT(5, 25))
    off = clip("b", str(video), span(0, 20), span(0, 100))
    off.enabled = False
    made = timeline([[clip("a", str(video), span(0, 20), span(0, 100)), dissolve, off]])
    first, second = read_timeline(write(made, tmp_path / "edit.otio")).clips
    assert second.record_start == Fraction(20, 25)
    assert (first.enabled, second.enabled) == (True, False)


def test_sound_and_other_tracks_are_no_clips(video: Path, tmp_path: Path) -> None:
    items = [clip("c", str(video), span(0, 20), span(0, 100))]
    made = timeline(
        [items, [clip("s", str(video), span(0, 48000 * 9, 48000), None)]], kinds=["Video", "Audio"]
    )
    info = read_timeline(write(made, tmp_path / "edit.otio"))
    assert [c.name for c in info.clips] == ["c"]
    assert info.rate == 25
    assert info.duration == 9


def test_the_rate_is_the_timelines_where_clips_differ(video: Path, tmp_path: Path) -> None:
    items = [
        clip("c", str(video), span(60, 60, 60.0), span(0, 600, 60.0)),
        clip("d", str(video), span(0, 25), None),
    ]
    made = timeline([items], start=RT(0, 30000 / 1001))
    first, second = read_timeline(write(made, tmp_path / "edit.otio")).clips
    assert first.rate == second.rate == Fraction(30000, 1001)
    assert (first.duration, second.record_start) == (1, 1)


def test_clips_are_numbered_by_track_then_time(video: Path, tmp_path: Path) -> None:
    def make(name: str) -> otio.schema.Clip:
        return clip(name, str(video), span(0, 10), span(0, 100))

    info = read_timeline(
        write(timeline([[make("a"), make("b")], [gap(5), make("c")]]), tmp_path / "edit.otio")
    )
    assert [(c.index, c.name, c.track) for c in info.clips] == [
        (1, "a", "Video 1"), (2, "b", "Video 1"), (3, "c", "Video 2"),
    ]  # fmt: skip


def test_nested_clips_lie_at_their_record_time(video: Path, tmp_path: Path) -> None:
    """A sequence in a sequence, trimmed and at double speed, checked by hand."""
    inner = otio.schema.Track("inner", kind="Video")
    inner.extend([gap(10), clip("deep", str(video), span(20, 40), span(0, 100))])
    nest = otio.schema.Stack("nest", children=[inner], source_range=span(4, 20))
    nest.effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
    info = read_timeline(write(timeline([[gap(25), nest]]), tmp_path / "edit.otio"))
    (found,) = info.clips
    # Seen are inner frames 4 to 44; the clip begins at inner 10, which is 3 frames of record time in.
    assert found.record_start == Fraction(25 + 3, 25)
    assert found.duration == Fraction(17, 25)
    assert found.media is not None
    assert (found.media.start, found.media.speed) == (Fraction(20, 25), 2)


def test_a_reversed_nest_is_listed_and_offline(video: Path, tmp_path: Path) -> None:
    inner = otio.schema.Track("inner", kind="Video")
    inner.append(clip("deep", str(video), span(20, 40), span(0, 100)))
    nest = otio.schema.Stack("nest", children=[inner], source_range=span(4, 20))
    nest.effects.append(otio.schema.FreezeFrame())
    found = read_one(nest, tmp_path)
    assert found.name == "nest"
    assert "frozen" in found.offline


def test_otioz_is_unpacked_where_it_outlives_the_read(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    plain = timeline([[clip("c", "media/dance.mov", span(0, 10), span(0, 100))]])
    bundle = tmp_path / "edit.otioz"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("content.otio", plain.to_json_string())
        archive.writestr("version.txt", "1.0.0")
        archive.write(video, "media/dance.mov")
    first = read_timeline(bundle)
    assert first.clips[0].media is not None
    assert first.clips[0].media.path.read_bytes() == video.read_bytes()
    first.clips[0].media.path.unlink()  # a cache may be cleaned at any time
    again = read_timeline(bundle)
    assert replace(again) == first
    assert again.clips[0].media is not None
    assert again.clips[0].media.path.is_file()


def test_otioz_and_otiod_as_opentimelineio_writes_them(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = timeline([[clip("c", video.as_uri(), span(0, 10), span(0, 100))]])
    for suffix in ("otioz", "otiod"):
        path = tmp_path / f"edit.{suffix}"
        otio.adapters.write_to_file(made, str(path))
        found = read_timeline(path).clips[0]
        assert found.media is not None, found.offline
        assert found.media.path.name == "dance.mov"


@needs_media
def test_a_bare_media_file_is_a_timeline_of_one_clip() -> None:
    info = read_timeline(MEDIA / "video" / "g01_gymnastics_floor_leap.gif")
    (found,) = info.clips
    assert info.is_media
    assert (info.rate, info.duration, found.duration, found.record_start) == (
        10,
        Fraction(17, 10),
        Fraction(17, 10),
        0,
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.xml", "Final Cut Pro 7 XML file is not valid"),
        ("a.fcpxml", "FCPXML file is not valid"),
        ("a.edl", "EDL file cannot be understood"),
        ("a.aaf", "AAF file cannot be understood"),
        ("a.kdenlive", "MLT file is not valid"),
        ("a.prproj", "Export the sequence as OpenTimelineIO"),
    ],
)
def test_broken_projects_are_named(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(TimelineError, match=words):
        read_timeline(tmp_path / name)


CLIPS = {
    "big_int": 1, "effects": 20, "generator_reference_test": 1, "multitrack": 5, "nested_example": 7,
    "preflattened": 5, "premiere_example": 7, "screening_example": 9, "simple_cut": 4, "transition": 4,
}  # fmt: skip


@needs_media
@pytest.mark.parametrize("name", CLIPS)
def test_real_timelines(name: str) -> None:
    info = read_timeline(MEDIA / "timeline" / f"{name}.otio")
    assert len(info.clips) == CLIPS[name]
    assert all(c.duration > 0 and c.offline for c in info.clips)


@needs_media
@pytest.mark.parametrize(
    "name", [name for name in CLIPS if name not in ("nested_example", "screening_example")]
)
def test_record_times_agree_with_opentimelineio(name: str) -> None:
    """Its own arithmetic, in floating point, on the files that it can compute."""
    path = MEDIA / "timeline" / f"{name}.otio"
    made = otio.adapters.read_from_file(str(path))
    theirs = [
        (item.name or f"clip {number}", item.transformed_time_range(item.trimmed_range(), made.tracks))
        for number, item in enumerate((c for t in made.video_tracks() for c in t.find_clips()), 1)
    ]
    ours = read_timeline(path).clips
    assert [name for name, _ in theirs] == [c.name for c in ours]
    for (_, place), found in zip(theirs, ours, strict=True):
        assert float(found.record_start) == pytest.approx(place.start_time.to_seconds(), abs=1e-9)
        assert float(found.duration) == pytest.approx(place.duration.to_seconds(), abs=1e-9)


def test_the_child_sees_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in manifest in the environment would run somebody's code in the reader."""
    trap = tmp_path / "trap.py"
    trap.write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')")
    manifest = tmp_path / "manifest.json"
    plugin = {"OTIO_SCHEMA": "SchemaDef.1", "name": "trap", "filepath": str(trap)}
    manifest.write_text(json.dumps({"OTIO_SCHEMA": "PluginManifest.1", "schemadefs": [plugin]}))
    monkeypatch.setenv("OTIO_PLUGIN_MANIFEST_PATH", str(manifest))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "opentimelineio.py").write_text("raise SystemExit(3)")
    read_timeline(write(timeline([[gap(10)]]), tmp_path / "edit.otio"))
    assert not (tmp_path / "sprung").exists()


def test_a_copy_elsewhere_still_finds_absolute_media(video: Path, tmp_path: Path) -> None:
    path = write(timeline([[clip("c", str(video), span(0, 10), None)]]), tmp_path / "edit.otio")
    (tmp_path / "sub").mkdir()
    found = read_timeline(shutil.copy(path, tmp_path / "sub")).clips[0]
    assert found.media is not None
