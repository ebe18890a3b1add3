"""Music in the user's own project: what only its editor knows stays; a second scoring replaces the first."""

import shutil
import xml.etree.ElementTree as ET
from fractions import Fraction
from pathlib import Path

import pytest
from lxml import etree
from renders import BLACK, counted_film, melt, onset
from timelines import score_with_tone

from hitpoint.errors import TimelineError
from hitpoint.timeline.convert import losses_to
from hitpoint.timeline.formats.graft import graft, ungraft
from hitpoint.timeline.formats.registry import writable
from hitpoint.timeline.formats.sheet import Lane, Mark, Media, Piece, Sheet, gap
from hitpoint.timeline.formats.xmltext import Change, changed, xml_text
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.remove import remove
from hitpoint.timeline.select import select

RATE = Fraction(30000, 1001)
KINDS = [".mlt", ".kdenlive", ".fcpxml", ".xml"]
FILM = Media("file", "/m/film.mov", "film.mov", 3600 * Fraction(1001, 1000), 120 / RATE)


def shot(first: int, length: int, media: Media = FILM) -> Piece:
    return Piece(length / RATE, "shot", media, start=media.start + first / RATE)


def cut(media: Media = FILM) -> Sheet:
    lane = Lane("Video", (gap(8 / RATE), shot(5, 40, media), shot(60, 30, media)))
    return Sheet("edit", RATE, (lane,), size=(64, 48))


def music(at: int, length: int, name: str = "cue") -> Lane:
    mark = Mark(Fraction(1, 5), "movement", "movement", "GREEN")
    sound = Media("file", f"/m/{name}.wav", f"{name}.wav", duration=length / RATE)
    piece = Piece(length / RATE, name, sound, marks=(mark,), cue='{"seed": 1}')
    return Lane("Audio", (gap(at / RATE), piece), "Hitpoint")


def project(suffix: str, sheet: Sheet, folder: Path) -> bytes:
    return writable(Path(f"x{suffix}")).write(sheet, folder)


def with_music(suffix: str, data: bytes, *lanes: Lane) -> bytes:
    form = writable(Path(f"x{suffix}"))
    here = Path("/m")
    return graft(form, data, Sheet("edit", RATE, (*cut().lanes, *lanes)), here, here / f"x{suffix}")


@pytest.mark.parametrize("suffix", KINDS)
def test_all_of_the_project_is_still_there_and_comes_back(suffix: str, tmp_path: Path) -> None:
    form = writable(Path(f"x{suffix}"))
    data = project(suffix, cut(), tmp_path)
    made = with_music(suffix, data, music(10, 20))
    assert b"cue.wav" in made
    kept = iter(made)
    opened = data.replace(b" />", b">") if suffix == ".fcpxml" else data
    assert all(byte in kept for byte in opened), "not in order"
    assert ungraft(form, made) == (data, True)


@pytest.mark.parametrize("suffix", [".mlt", ".kdenlive"])
def test_what_is_put_in_stands_after_the_bin_and_after_what_it_refers_to(suffix: str, tmp_path: Path) -> None:
    data = project(suffix, cut(), tmp_path)
    root = ET.fromstring(with_music(suffix, data, music(10, 20), music(12, 30, "other")))
    first = ET.fromstring(data).find("playlist")
    assert root.find("playlist").get("id") == first.get("id")  # Kdenlive takes it for its bin
    known: set[str] = set()
    for each in root:
        used = {part.get("producer") for part in each if part.tag in ("entry", "track")}
        assert used <= known
        known.add(each.get("id"))


@pytest.mark.parametrize("suffix", KINDS)
def test_two_cues_on_two_tracks(suffix: str, tmp_path: Path) -> None:
    data = project(suffix, cut(), tmp_path)
    made = with_music(suffix, data, music(10, 20), music(12, 30, "other"))
    assert ungraft(writable(Path(f"x{suffix}")), made) == (data, True)
    found = writable(Path(f"x{suffix}")).read(made)
    lanes = [lane for lane in found.of_kind("Audio") if lane.is_ours]
    begins = sorted(round(at * RATE) for lane in lanes for at, piece in lane.placed() if piece.cue)
    assert begins == [10, 12]


def test_a_project_that_an_editor_saved_again_loses_only_our_parts(tmp_path: Path) -> None:
    """Other ids, other spaces, no checksum: what is ours is known by the property of its producer."""
    made = with_music(".mlt", project(".mlt", cut(), tmp_path), music(10, 20))
    root = ET.fromstring(made)
    for each in root.iter():
        for key in ("id", "producer"):
            if (each.get(key) or "").startswith("hitpoint_"):
                each.set(key, each.attrib[key].replace("hitpoint_", "saved"))
    ET.indent(root, "\t")
    bare, exact = ungraft(writable(Path("x.mlt")), ET.tostring(root))
    assert not exact
    assert b"cue.wav" not in bare
    assert b"saved" not in bare
    assert len(ET.fromstring(bare).findall("tractor[last()]/track")) == 2


def test_a_clip_that_somebody_put_on_our_track_stays(tmp_path: Path) -> None:
    made = with_music(".mlt", project(".mlt", cut(), tmp_path), music(10, 20))
    text = xml_text(made, "MLT")
    playlist = next(each for each in text.root.findall("playlist") if "hitpoint" in each.get("id", ""))
    theirs = b'<entry producer="producer0" in="0" out="5"/>'
    bare, _ = ungraft(writable(Path("x.mlt")), changed(made, [text.last_in(playlist, theirs)]))
    assert theirs in bare
    assert b'<blank length="20"/>' in bare
    assert b"cue.wav" not in bare


def test_fcpxml_is_still_valid(tmp_path: Path) -> None:
    dtd = etree.DTD(str(Path(__file__).parents[1] / "support" / "fcpxml.dtd"))
    made = with_music(".fcpxml", project(".fcpxml", cut(), tmp_path), music(10, 20))
    assert dtd.validate(etree.fromstring(made)), dtd.error_log.filter_from_errors()


def test_music_beyond_the_primary_storyline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TimelineError, match="primary storyline"):
        with_music(".fcpxml", project(".fcpxml", cut(), tmp_path), music(100, 20))


def test_changes_that_overlap_are_refused() -> None:
    with pytest.raises(TimelineError, match="overlap"):
        changed(b"abcdef", [Change(0, 3), Change(2, 4)])


UPSIDE_DOWN = b'<filter><property name="mlt_service">invert</property></filter>'


def test_what_stays_in_the_project_is_no_warning_of_the_score(tmp_path: Path) -> None:
    """The filter is not read; it is lost in another format, and in the project itself it is not."""
    film = counted_film(tmp_path / "film.mov", 120, RATE)
    media = Media("file", str(film), "film.mov", FILM.start, FILM.duration)
    path = tmp_path / "edit.mlt"
    path.write_bytes(project(".mlt", cut(media), tmp_path).replace(b"</entry>", UPSIDE_DOWN + b"</entry>"))
    info = read_timeline(path)
    assert "effect" in info.losses[0]
    assert select(info, "1").warnings == ()
    elsewhere = [loss.sentence for loss in losses_to(info, tmp_path / "edit.otio")]
    assert elsewhere == list(info.losses)
    assert not {loss.sentence for loss in losses_to(info, path)} & set(info.losses)


@pytest.mark.skipif(shutil.which("melt") is None, reason="melt is not installed (make system-deps)")
@pytest.mark.parametrize("suffix", [".mlt", ".kdenlive"])
def test_the_users_filter_is_still_seen_and_the_music_heard(suffix: str, tmp_path: Path) -> None:
    """Scored twice in place: the second replaces the first; the pictures are those of before, inverted."""
    film = counted_film(tmp_path / "film.mov", 120, RATE)
    media = Media("file", str(film), "film.mov", FILM.start, FILM.duration)
    path = tmp_path / f"edit{suffix}"
    plain = project(suffix, cut(media), tmp_path)
    path.write_bytes(plain)
    (unfiltered, _) = melt(path, tmp_path / "plain.mkv", 78)
    clips = plain.replace(b"</entry>", UPSIDE_DOWN + b"</entry>")
    path.write_bytes(clips)
    (before, _) = melt(path, tmp_path / "before.mkv", 78)
    assert before != unfiltered
    assert BLACK in unfiltered
    for offset in (Fraction("0.5"), Fraction("0.217")):
        info = read_timeline(path)
        selection = select(info, "1", (offset, Fraction("0.6")))
        score_with_tone(info, selection, path)
    assert [loss.sentence for loss in losses_to(info, path) if "Our music" not in loss.sentence] == []
    pictures, sound = melt(path, tmp_path / "after.mkv", 78)
    assert pictures == before
    assert onset(sound) == pytest.approx(float(8 / RATE + offset), abs=0.002)
    report = remove(path)
    assert (report.cues, report.exact) == (1, True)
    assert path.read_bytes() == clips
