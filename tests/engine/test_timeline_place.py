"""Placing and removing: the exact frame, the user's bytes, several cues, other folders, other writers."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote

import opentimelineio as otio
import pytest
from timelines import (
    MEDIA,
    NTSC_FILM,
    clip,
    gap,
    make_tone,
    make_video,
    needs_media,
    score_with_tone,
    second_opinion,
    span,
    timeline,
    write,
)  # fmt: skip

from hitpoint.errors import ConflictError, TimelineError, UsageError
from hitpoint.timeline.place import frame_aligned
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.remove import remove
from hitpoint.timeline.select import select
from hitpoint.values import Selection, TimelineInfo

RT = otio.opentime.RationalTime


@pytest.fixture
def edit(tmp_path: Path) -> Path:
    """Three clips of one relative file, 1 s of nothing before them, at 25 fps from 01:00:00:00."""
    make_video(tmp_path / "dance.mov", 200)
    items = [gap(25)] + [clip(n, "dance.mov", span(k, 50), span(0, 200)) for k, n in enumerate("abc")]
    return write(timeline([items], start=RT(90000, 25)), tmp_path / "edit.otio")


def score(path: Path, name: str, out: Path, cut: tuple[Fraction, Fraction] | None = None) -> Path:
    info = read_timeline(path)
    sound = out.parent / f"{name}.wav"
    return score_with_tone(info, select(info, name, cut), out, sound=sound, name=f"cue of {name}")


def cues(path: Path) -> list[tuple[float, float]]:
    """Start and length in frames, as another program sees them."""
    return [(row[0], row[2]) for row in json.loads(second_opinion(path))]


def test_the_sound_lies_at_the_exact_frame_with_its_markers(edit: Path) -> None:
    score(edit, "b", edit)
    ((start, rate, length, url, markers),) = json.loads(second_opinion(edit))
    assert (start, rate, length, url) == (75, 25, 50, "b.wav")
    assert markers == ["movement 0.100 s", "cut 0.200 s"]
    made = otio.adapters.read_from_file(str(edit))
    cue = next(iter(made.audio_tracks()[0].find_clips()))
    assert [m.color for m in cue.markers] == ["GREEN", "CYAN"]
    assert [m.marked_range.start_time for m in cue.markers] == [RT(2, 25), RT(5, 25)]
    assert cue.metadata["hitpoint"]["seed"] == 1
    assert cue.media_reference.available_range == cue.source_range == span(0, 50)


def test_in_place_keeps_a_backup_and_removing_restores_every_byte(edit: Path) -> None:
    original = edit.read_bytes()
    score(edit, "a", edit)
    backup = edit.with_name("edit.otio.bak-1")
    assert backup.read_bytes() == original
    assert original != edit.read_bytes()
    report = remove(edit)
    assert edit.read_bytes() == original
    assert (report.cues, report.exact) == (1, True)
    assert report.sounds == (edit.parent / "a.wav",)
    assert report.sounds[0].exists()


def test_scoring_again_replaces_only_that_cue(edit: Path) -> None:
    original = edit.read_bytes()
    for name in ("c", "a", "b", "a", "a"):
        score(edit, name, edit)
    assert cues(edit) == [(25, 50), (75, 50), (125, 50)]
    assert len(list(edit.parent.glob("*.bak-*"))) == 1  # the cues alone differ, and they can be removed
    assert remove(edit).cues == 3
    assert edit.read_bytes() == original


def test_a_part_of_a_clip_replaces_what_lies_under_it(edit: Path) -> None:
    score(edit, "a", edit)
    score(edit, "b", edit)
    score(edit, "a", edit, (Fraction(1, 2), Fraction(1)))
    assert cues(edit) == [(25 + 12, 13), (75, 50)]  # from within frame 12; half a frame of silence leads


def test_neighbours_that_share_a_frame_both_stay(edit: Path) -> None:
    cut = Fraction(33, 50)  # in the middle of frame 16
    score(edit, "a", edit, (Fraction(0), cut))
    score(edit, "a", edit, (cut, Fraction(2)))
    assert cues(edit) == [(25, 16), (41, 34)]


def test_what_is_left_within_a_frame_is_for_the_sound(edit: Path) -> None:
    info = read_timeline(edit)
    found = select(info, "a", (Fraction("0.51"), Fraction("1.5")))
    assert frame_aligned(found, info.rate) == (25 + 12, Fraction(3, 100))


def test_several_cues_in_a_new_file(edit: Path) -> None:
    """The second score of the same input to the same output adds to the first."""
    original = edit.read_bytes()
    out = edit.parent / "scored.otio"
    for name in ("b", "a", "b"):
        score(edit, name, out)
    assert edit.read_bytes() == original
    assert cues(out) == [(25, 50), (75, 50)]
    assert not list(edit.parent.glob("*.bak-*"))
    assert remove(out).exact
    assert out.read_bytes() == original


def test_an_unrelated_file_that_is_overwritten_is_kept(edit: Path) -> None:
    out = edit.parent / "other.otio"
    out.write_text("somebody's notes")
    score(edit, "a", out)
    assert out.with_name("other.otio.bak-1").read_text() == "somebody's notes"


@pytest.mark.parametrize("where", ["sub", "sub/a#b %20", "../beside"])
def test_in_another_folder_all_references_still_lead_home(edit: Path, where: str) -> None:
    original = edit.read_bytes()
    folder = edit.parent / where
    folder.mkdir(parents=True)
    out = score(edit, "b", folder / "scored.otio")
    found = read_timeline(out)
    assert [c.media and c.media.path for c in found.clips] == [edit.parent / "dance.mov"] * 3
    moved = out.parent / "b.wav"
    assert unquote(json.loads(second_opinion(out))[0][3]) == moved.name
    score(out, "c", out)  # in place, where references were rewritten before
    again = edit.parent / "back.otio"
    score(out, "a", again)
    assert [c.media and c.media.path for c in read_timeline(again).clips] == [edit.parent / "dance.mov"] * 3
    assert len(cues(again)) == 3
    for each in (out, again):
        remove(each)
        assert each.read_bytes() == original


def test_the_sound_may_lie_anywhere(edit: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    info = read_timeline(edit)
    far = tmp_path_factory.mktemp("renders #1") / "100%.wav"
    score_with_tone(info, select(info, "a"), edit, sound=far)
    assert json.loads(second_opinion(edit))[0][3] == far.as_uri()
    assert remove(edit).sounds == (far,)


@pytest.mark.parametrize("style", ["indented", "compact", "two", "crlf", "no-newline", "spaces-in-empty"])
def test_every_way_of_writing_json_is_restored(edit: Path, style: str) -> None:
    made = json.loads(edit.read_text())
    if style == "spaces-in-empty":
        made["tracks"]["children"].append(
            {"OTIO_SCHEMA": "Track.1", "children": [], "kind": "Audio", "metadata": {}}
        )
    text = {
        "compact": json.dumps(made, separators=(",", ":")),
        "two": json.dumps(made, indent=2) + "\n\n",
        "crlf": json.dumps(made, indent=4).replace("\n", "\r\n"),
        "no-newline": json.dumps(made, indent=4),
    }.get(style, json.dumps(made, indent=1) + "\n")
    edit.write_bytes(text.encode())
    score(edit, "a", edit)
    score(edit, "c", edit)
    if style == "crlf":
        assert b"\n" not in edit.read_bytes().replace(b"\r\n", b"")
    assert remove(edit).exact
    assert edit.read_bytes() == text.encode()


def test_what_the_user_adds_later_stays(edit: Path) -> None:
    """A track above ours, written by another program that re-writes the whole file."""
    score(edit, "b", edit)
    made = otio.adapters.read_from_file(str(edit))
    made.tracks.append(otio.schema.Track("theirs", [gap(5)], kind="Audio"))
    edit.write_text(made.to_json_string(indent=2))
    expected = otio.adapters.read_from_file(str(edit))
    del expected.tracks[1]
    report = remove(edit)
    assert not report.exact
    assert otio.adapters.read_from_file(str(edit)).is_equivalent_to(expected)


def test_a_clip_of_the_user_on_our_track_stays_in_its_place(edit: Path) -> None:
    score(edit, "a", edit)
    made = otio.adapters.read_from_file(str(edit))
    made.tracks[1].append(clip("theirs", "dance.mov", span(0, 10), span(0, 200)))
    edit.write_text(made.to_json_string())
    score(edit, "c", edit)
    assert cues(edit)[0] == (75, 10)
    remove(edit)
    (track,) = otio.adapters.read_from_file(str(edit)).audio_tracks()
    theirs = next(iter(track.find_clips()))
    assert (theirs.name, track.range_of_child(theirs)) == ("theirs", span(75, 10))


def test_a_users_own_track_of_that_name_is_not_ours(edit: Path) -> None:
    made = otio.adapters.read_from_file(str(edit))
    made.tracks.append(otio.schema.Track("Hitpoint", [clip("x", None, span(0, 9), None)], kind="Audio"))
    edit.write_text(made.to_json_string())
    with pytest.raises(TimelineError, match="no music of Hitpoint"):
        remove(edit)
    original = edit.read_bytes()
    score(edit, "a", edit)
    remove(edit)
    assert edit.read_bytes() == original


def test_a_trimmed_stack_shifts_our_track(tmp_path: Path) -> None:
    make_video(tmp_path / "dance.mov", 200)
    made = timeline([[clip("a", "dance.mov", span(0, 100), span(0, 200))]])
    made.tracks.source_range = span(30, 50)
    path = write(made, tmp_path / "edit.otio")
    info = read_timeline(path)
    assert (info.origin, info.clips[0].record_start) == (Fraction(30, 25), 0)
    score(path, "a", path)
    assert cues(path) == [(0, 50)]


def test_the_place_is_found_again_if_the_timeline_changed_meanwhile(edit: Path) -> None:
    info = read_timeline(edit)
    selection = select(info, "b")
    made = otio.adapters.read_from_file(str(edit))
    made.tracks[0][3].name = "renamed"
    edit.write_text(made.to_json_string())
    score_with_tone(info, selection, edit)
    assert [c.name for c in read_timeline(edit).clips] == ["a", "b", "renamed"]
    assert cues(edit) == [(75, 50)]


def test_a_clip_that_is_gone_meanwhile_is_a_conflict_and_nothing_is_written(edit: Path) -> None:
    info = read_timeline(edit)
    selection = select(info, "b")
    made = otio.adapters.read_from_file(str(edit))
    del made.tracks[0][0]
    edit.write_text(made.to_json_string())
    changed = edit.read_bytes()
    with pytest.raises(ConflictError, match="clip b"):
        score_with_tone(info, selection, edit)
    assert edit.read_bytes() == changed
    assert not list(edit.parent.glob("*.bak-*"))


WRITER = """
import sys
from pathlib import Path
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.select import select
sys.path.insert(0, sys.argv[1])
from timelines import score_with_tone

path, name = Path(sys.argv[2]), sys.argv[3]
info = read_timeline(path)
print("read", flush=True)
sys.stdin.readline()
score_with_tone(info, select(info, name), path, sound=path.with_name(name + ".wav"))
"""


def test_three_processes_lose_nothing_of_each_other(edit: Path) -> None:
    """All read the same state, then all write: each must find its place in what the others wrote."""
    original = edit.read_bytes()
    support = str(Path(__file__).parents[1] / "support")
    command = [sys.executable, "-c", WRITER, support, str(edit)]
    writers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in "abc"
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "read\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert cues(edit) == [(25, 50), (75, 50), (125, 50)]
    remove(edit)
    assert edit.read_bytes() == original


def test_bundles_leave_their_media_beside_the_new_timeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    video = make_video(tmp_path / "dance.mov", 50)
    made = timeline([[clip("a", "media/dance.mov", span(0, 50), span(0, 50))]])
    bundle = tmp_path / "edit.otioz"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("content.otio", made.to_json_string())
        archive.write(video, "media/dance.mov")
    out = score(bundle, "a", tmp_path / "scored.otio")
    found = read_timeline(out).clips[0].media
    assert found is not None
    assert found.path == tmp_path / "scored_media" / "dance.mov"
    assert found.path.read_bytes() == video.read_bytes()
    remove(out)
    assert out.read_text() == made.to_json_string()


@pytest.mark.parametrize("name", ["edit.wav", "edit", "edit.prproj"])
def test_what_is_no_timeline_is_not_written(edit: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"\.otio"):
        score(edit, "a", edit.parent / name)


def test_a_bare_media_file_becomes_a_timeline(tmp_path: Path) -> None:
    video = make_video(tmp_path / "dance.mov", 48, NTSC_FILM, timecode="01:00:00:00")
    out = score(video, "dance", tmp_path / "scored.otio")
    made = otio.adapters.read_from_file(str(out))
    assert [t.kind for t in made.tracks] == ["Video", "Audio"]
    assert made.global_start_time == RT(86400, 24000 / 1001)
    picture, sound = made.find_clips()
    assert picture.source_range == picture.media_reference.available_range == span(86400, 48, 24000 / 1001)
    assert (picture.media_reference.target_url, sound.source_range) == (
        "dance.mov",
        span(0, 48, 24000 / 1001),
    )
    again = read_timeline(out).clips[0]
    assert again.media is not None
    assert (again.media.start, again.duration) == (0, 48 / NTSC_FILM)
    score(video, "dance", out)
    assert cues(out) == [(0, 48)]
    assert not list(tmp_path.glob("*.bak-*"))
    remove(out)
    assert read_timeline(out).clips[0] == again


def offline_selection(info: TimelineInfo, number: int) -> Selection:
    """The real timelines have no media here; where a clip lies does not depend on it."""
    found = info.clips[number]
    at_home = make_media_range(found.duration)
    return Selection(replace(found, media=at_home), at_home, found.record_start, found.duration)


def make_media_range(duration: Fraction):
    from hitpoint.values import MediaRange

    return MediaRange(Path("unused"), Fraction(0), duration)


REAL = [
    "big_int", "effects", "generator_reference_test", "multitrack", "nested_example", "preflattened",
    "premiere_example", "screening_example", "simple_cut", "transition",
]  # fmt: skip


@needs_media
@pytest.mark.parametrize("name", REAL)
def test_real_timelines_take_a_cue_at_the_exact_frame_and_are_restored(name: str, tmp_path: Path) -> None:
    source = MEDIA / "timeline" / f"{name}.otio"
    path = tmp_path / source.name
    path.write_bytes(source.read_bytes())
    info = read_timeline(path)
    made: Callable[[int], Selection] = lambda number: offline_selection(info, number)  # noqa: E731
    middle = made(len(info.clips) // 2)
    frame, lead = frame_aligned(middle, info.rate)
    score_with_tone(info, middle, path)
    ((start, rate, _, _, _),) = json.loads(second_opinion(path))
    assert (start, rate) == (frame, pytest.approx(float(info.rate)))
    assert 0 <= lead < 1 / info.rate
    remove(path)
    assert path.read_bytes() == source.read_bytes()


def test_the_length_in_frames_forgives_half_a_sample(tmp_path: Path) -> None:
    """31 frames of 29.97 are 49649.6 samples; the WAV has 49650, which is no 32nd frame."""
    rate = 30000 / 1001
    make_video(tmp_path / "dance.mov", 40, Fraction(30000, 1001))
    path = write(
        timeline([[clip("a", "dance.mov", span(0, 31, rate), span(0, 40, rate))]]), tmp_path / "edit.otio"
    )
    score(path, "a", path)
    assert make_tone(tmp_path / "x.wav", round(31 * Fraction(1001, 30000) * 48000)).samples == 49650
    assert cues(path) == [(0, 31)]
