"""Timelines with their media: written, read by OpenTimelineIO's own adapters and by us, never half."""

import json
import shutil
import zipfile
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from timelines import clip, make_video, score_with_tone, span, timeline, write

from hitpoint.errors import OutputError, UsageError
from hitpoint.timeline import bundle
from hitpoint.timeline.bundle import bundled
from hitpoint.timeline.convert import conversion, losses_to, write_conversion
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.remove import remove
from hitpoint.timeline.select import select

KINDS = (".otioz", ".otiod")
every_kind = pytest.mark.parametrize("suffix", KINDS)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def edit(tmp_path: Path) -> Path:
    """Three films, two of one name and one with a strange one, a file that is none, and one that is gone."""
    folder = tmp_path / "project"
    for name in ("a/dance.mov", "b/Dance.mov", "ü #1.mov"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        make_video(folder / name, 60)
    (folder / "secret.mov").write_text("no film at all")
    urls = [
        "a/dance.mov",
        str(folder / "b/Dance.mov"),
        "ü %231.mov",
        "./a/dance.mov",
        "secret.mov",
        "gone.mov",
    ]
    items = [clip(f"shot {n}", url, span(n, 20), span(0, 60)) for n, url in enumerate(urls)]
    return write(timeline([items]), folder / "edit.otio")


def opened(path: Path, folder: Path) -> tuple[otio.schema.Timeline, Path]:
    """What OpenTimelineIO's own adapter makes of a bundle, and the folder that its references start from."""
    if path.suffix == ".otiod":
        return otio.adapters.read_from_file(str(path)), path
    folder.mkdir()
    return otio.adapters.read_from_file(str(path), extract_to_directory=str(folder)), folder


def urls(found: otio.schema.Timeline) -> list[str]:
    return [each.media_reference.target_url for each in found.find_clips()]


@every_kind
def test_media_is_gathered_and_what_is_not_is_named(suffix: str, edit: Path, tmp_path: Path) -> None:
    made = conversion(edit, tmp_path / f"out{suffix}")
    named = [(loss.trait, loss.where) for loss in made.losses]
    assert named == [("not gathered", "The media 'secret.mov'"), ("not gathered", "The media 'gone.mov'")]
    assert "is not in the bundle: there is no file" in made.losses[1].sentence
    out = write_conversion(made)
    found, folder = opened(out, tmp_path / "unpacked")
    names = ["media/dance.mov", "media/Dance-2.mov", "media/1.mov", "./media/dance.mov"]
    assert urls(found)[:4] == [name.replace("media/1", "media/_1") for name in names]
    assert sorted(each.name for each in (folder / "media").iterdir()) == [
        "Dance-2.mov",
        "_1.mov",
        "dance.mov",
    ]
    assert (folder / "version.txt").read_text() == "1.0.0"
    sources = ["a/dance.mov", "b/Dance.mov", "ü #1.mov"]
    for name, source in zip(urls(found)[:3], sources, strict=True):
        assert (folder / name).read_bytes() == (edit.parent / source).read_bytes()
    assert all(Path(url).is_absolute() for url in urls(found)[4:])


@every_kind
def test_a_bundle_needs_nothing_else(suffix: str, edit: Path, tmp_path: Path) -> None:
    before = read_timeline(edit)
    out = write_conversion(conversion(edit, tmp_path / f"out{suffix}"))
    shutil.rmtree(edit.parent)
    after = read_timeline(out)
    places = [(c.name, c.record_start, c.duration) for c in before.clips]
    assert [(c.name, c.record_start, c.duration) for c in after.clips] == places
    assert [bool(c.media) for c in after.clips] == [True] * 4 + [False] * 2


def test_media_is_stored_as_it_is(edit: Path, tmp_path: Path) -> None:
    out = write_conversion(conversion(edit, tmp_path / "out.otioz"))
    with zipfile.ZipFile(out) as archive:
        packed = {each.filename: each.compress_type for each in archive.infolist()}
    assert packed["content.otio"] == zipfile.ZIP_DEFLATED
    assert {kind for name, kind in packed.items() if name.startswith("media/")} == {zipfile.ZIP_STORED}


@every_kind
def test_a_scored_bundle_has_the_music_in_it(suffix: str, edit: Path, tmp_path: Path) -> None:
    info = read_timeline(edit)
    before = edit.read_bytes()
    out = score_with_tone(
        info, select(info, "1", (Fraction("0.217"), Fraction("0.7"))), tmp_path / f"x{suffix}"
    )
    assert edit.read_bytes() == before
    found, folder = opened(out, tmp_path / "unpacked")
    (track,) = [each for each in found.audio_tracks() if each.name == "Hitpoint"]
    (music,) = track.find_clips()
    assert track.range_of_child(music).start_time == otio.opentime.RationalTime(5, 25)
    assert (folder / music.media_reference.target_url).is_file()
    assert [loss.trait for loss in losses_to(info, out)] == ["not gathered"] * 2
    plain = tmp_path / "plain.otio"
    plain.write_text((folder / "content.otio").read_text(encoding="utf-8"), encoding="utf-8")
    assert remove(plain).exact
    assert plain.read_bytes() == before


@every_kind
def test_a_second_score_to_the_same_bundle_adds_to_the_first(suffix: str, edit: Path, tmp_path: Path) -> None:
    info = read_timeline(edit)
    out = tmp_path / f"x{suffix}"
    score_with_tone(info, select(info, "1"), out)
    for sound in tmp_path.glob("*.wav"):
        sound.rename(sound.with_name("first.wav"))  # it is in the bundle, and needed no more
    score_with_tone(info, select(info, "2"), out)
    found, folder = opened(out, tmp_path / "unpacked")
    music = [each for track in found.audio_tracks() for each in track.find_clips()]
    assert len(music) == 2
    assert all((folder / each.media_reference.target_url).is_file() for each in music)
    assert not list(tmp_path.glob("*.bak-*"))


@every_kind
def test_what_was_there_is_kept(suffix: str, edit: Path, tmp_path: Path) -> None:
    out = tmp_path / f"out{suffix}"
    write_conversion(conversion(edit, out))
    other = write(timeline([[clip("other", None, span(0, 9), None)]]), edit.with_name("other.otio"))
    with pytest.raises(OutputError, match="exists already"):
        write_conversion(conversion(other, out))
    write_conversion(conversion(other, out), force=True)
    assert [each.name for each in read_timeline(out).clips] == ["other"]
    kept = tmp_path / f"out{suffix}.bak-1"
    again = kept.rename(tmp_path / f"kept{suffix}")
    assert len(read_timeline(again).clips) == 6


@every_kind
def test_a_failure_leaves_nothing(
    suffix: str, edit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = conversion(edit, tmp_path / f"out{suffix}")
    (edit.parent / "ü #1.mov").unlink()
    there = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError):
        write_conversion(made)
    assert sorted(tmp_path.iterdir()) == there
    monkeypatch.setattr(bundle, "MAX_TOTAL_BYTES", 2000)
    make_video(edit.parent / "ü #1.mov", 60)
    with pytest.raises(OutputError, match="a bundle may have"):
        write_conversion(made)
    assert sorted(tmp_path.iterdir()) == there


@every_kind
def test_a_bundle_goes_into_another_and_back(suffix: str, edit: Path, tmp_path: Path) -> None:
    first = write_conversion(conversion(edit, tmp_path / f"one{suffix}"))
    shutil.rmtree(edit.parent)
    other = ".otiod" if suffix == ".otioz" else ".otioz"
    second = write_conversion(conversion(first, tmp_path / f"two{other}"))
    third = write_conversion(conversion(second, tmp_path / "three.otio"))
    assert [bool(c.media) for c in read_timeline(second).clips] == [True] * 4 + [False] * 2
    assert [bool(c.media) for c in read_timeline(third).clips] == [True] * 4 + [False] * 2


def test_a_bundle_is_no_place_to_work_in(edit: Path, tmp_path: Path) -> None:
    out = write_conversion(conversion(edit, tmp_path / "out.otioz"))
    info = read_timeline(out)
    with pytest.raises(UsageError, match="is the bundle itself"):
        losses_to(info, out)
    with pytest.raises(UsageError, match="is the bundle itself"):
        score_with_tone(info, select(info, "1"), out)
    with pytest.raises(UsageError, match="is a bundle, a copy"):
        remove(out)


def test_names_that_no_system_accepts_are_changed(tmp_path: Path) -> None:
    names = ["con.mov", "x" * 150 + ".mov", "日本.mov", "a:b.mov"]
    items = [clip(n, str(make_video(tmp_path / n, 5)), span(0, 5), span(0, 5)) for n in names]
    text = timeline([items]).to_json_string()
    media = bundled(text, tmp_path, Fraction(25)).media
    assert list(media) == ["_con.mov", "x" * 100 + ".mov", "_.mov", "a_b.mov"]
    assert json.loads(text)["OTIO_SCHEMA"] == "Timeline.1"
