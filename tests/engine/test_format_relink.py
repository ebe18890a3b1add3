"""Media that has moved: found by name, then by length and start timecode; what is not found is said."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from timelines import clip, make_video, span, timeline, write

from hitpoint.errors import UsageError
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.relink import name_of
from hitpoint.timeline.select import select


def hitpoint(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hitpoint", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.fixture
def edit(tmp_path: Path) -> Path:
    """Two clips of a Windows machine and one that is nowhere; two files of one name below `disk`."""
    (tmp_path / "disk" / "day 1").mkdir(parents=True)
    (tmp_path / "disk" / "day 2").mkdir()
    make_video(tmp_path / "disk" / "day 1" / "A001.mov", 50, timecode="01:00:00:00")
    make_video(tmp_path / "disk" / "day 2" / "a001.MOV", 80, timecode="02:00:00:00")
    make_video(tmp_path / "disk" / "b.mov", 50)
    track = [
        clip("first", "file://localhost/D%3a/film/A001.mov", span(90010, 20), span(90000, 50)),
        clip("second", "D:\\film\\A001.mov", span(180010, 20), span(180000, 80)),
        clip("third", "/gone/b.mov", span(0, 20), span(0, 50)),
        clip("fourth", "/gone/c.mov", span(0, 20), span(0, 50)),
    ]
    return write(timeline([track]), tmp_path / "edit.otio")


def test_one_name_twice_is_told_apart_by_length_and_timecode(edit: Path) -> None:
    disk = edit.parent / "disk"
    clips = read_timeline(edit, disk).clips
    paths = [each.media.path if each.media else None for each in clips]
    assert paths == [disk / "day 1" / "A001.mov", disk / "day 2" / "a001.MOV", disk / "b.mov", None]
    assert "there is no c.mov below" in clips[3].offline
    assert clips[0].media is not None
    assert clips[0].media.start == Fraction(10, 25)
    assert select(read_timeline(edit, disk), "second").media.path == paths[1]


def test_without_a_root_all_are_offline(edit: Path) -> None:
    assert all(each.offline for each in read_timeline(edit).clips)


def test_two_that_fit_are_not_guessed_between(edit: Path) -> None:
    disk = edit.parent / "disk"
    (disk / "day 2" / "A001.mov").write_bytes((disk / "day 1" / "A001.mov").read_bytes())
    offline = read_timeline(edit, disk).clips[0].offline
    assert "3 files A001.mov" in offline
    assert "2 have the length" in offline


def test_a_root_that_is_no_folder_is_refused(edit: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        read_timeline(edit, edit)


def test_converting_writes_the_new_places_and_leaves_the_original(edit: Path) -> None:
    before = edit.read_bytes()
    out = edit.with_name("edit.fcpxml")
    done = hitpoint("convert", edit, out, "--media-root", edit.parent / "disk", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["output"] == str(out)
    assert edit.read_bytes() == before
    found = [bool(each.media) for each in read_timeline(out).clips]
    assert found == [True, True, True, False]


def test_nothing_is_overwritten_without_force(edit: Path) -> None:
    out = edit.with_name("edit.mlt")
    out.write_text("mine")
    done = hitpoint("convert", edit, out)
    assert (done.returncode, "OutputError" in done.stderr) == (1, True), done.stderr
    assert out.read_text() == "mine"
    assert hitpoint("convert", edit, out, "--force").returncode == 0
    assert edit.with_name("edit.mlt.bak-1").read_text() == "mine"
    assert hitpoint("convert", edit, edit.with_name("edit.txt")).returncode == 2


@pytest.mark.parametrize(
    ("url", "name"),
    [("C:\\a\\b c.mov", "b c.mov"), ("file:///x/a%20b.mov", "a b.mov"), ("rel/a%20b.mov", "a%20b.mov"),
     ("\\\\srv\\share\\x.mov", "x.mov"), ("", "")],
)  # fmt: skip
def test_names_in_references_of_all_kinds(url: str, name: str) -> None:
    assert name_of(url) == name
