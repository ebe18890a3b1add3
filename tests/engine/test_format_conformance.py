"""The same timelines through every format: what is not kept is named, and cuts come back to the frame."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from lxml import etree
from timelines import make_video, score_with_tone

from hitpoint.errors import TimelineError, UsageError
from hitpoint.timeline.formats.base import TRAITS, Format, traits
from hitpoint.timeline.formats.convert import from_otio, to_otio
from hitpoint.timeline.formats.from_tree import sheet_of
from hitpoint.timeline.formats.mlt import KDENLIVE
from hitpoint.timeline.formats.registry import FORMATS, writable
from hitpoint.timeline.formats.sheet import Fade, Lane, Mark, Media, Piece, Sheet, gap
from hitpoint.timeline.formats.to_otio import otio_text
from hitpoint.timeline.guard import parse
from hitpoint.timeline.place import frame_aligned
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.remove import remove
from hitpoint.timeline.select import select

FOREIGN = [each for each in FORMATS if not each.native]
EXACT = [each for each in FOREIGN if each.name not in ("EDL", "AAF")]
STABLE = [each for each in FOREIGN if each.name != "AAF"]
RATES = [Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(50),
         Fraction(60000, 1001), Fraction(60)]  # fmt: skip
FILM = Fraction(24000, 1001)
every_format = pytest.mark.parametrize("form", FOREIGN, ids=lambda form: form.name)


def frames(count: int, rate: Fraction = FILM) -> Fraction:
    return count / rate


def media(rate: Fraction = FILM, target: str = "/media/dance.mov") -> Media:
    return Media("file", target, "dance.mov", frames(round(rate) * 3600, rate), frames(200, rate))


def clip(first: int, length: int, rate: Fraction = FILM, **rest: object) -> Piece:
    """Frames of a file that begins at 01:00:00:00."""
    found = media(rate)
    plain = Piece(frames(length, rate), "shot", found, start=found.start + frames(first, rate))
    return replace(plain, **rest)


def sheet(*lanes: Lane, rate: Fraction = FILM, **rest: object) -> Sheet:
    return replace(Sheet("edit", rate, lanes), **rest)


def video(*pieces: Piece | Fade, name: str = "Video 1") -> Lane:
    return Lane("Video", pieces, name)


MARK = Mark(media().start + frames(12), "hit", "note", "CYAN")
SOUND = Piece(frames(20), "song", Media("file", "/media/song.wav", "song.wav", duration=frames(90)))
CASES = {
    "cuts": sheet(video(gap(frames(7)), clip(10, 20), clip(50, 30))),
    "start timecode": sheet(video(clip(10, 20)), start=frames(86400)),
    "double speed": sheet(video(clip(10, 20), clip(40, 20, speed=Fraction(2)))),
    "half speed": sheet(video(clip(10, 20), clip(40, 20, speed=Fraction(1, 2)))),
    "backwards": sheet(video(clip(10, 20, speed=Fraction(-1)), clip(10, 20))),
    "freeze frame": sheet(video(clip(10, 20, speed=Fraction(0)), clip(10, 20))),
    "dissolve": sheet(video(clip(10, 20), Fade(frames(4), frames(4), "x"), clip(50, 30))),
    "dissolve to nothing": sheet(
        video(clip(10, 20), Fade(frames(4), frames(4), "x"), gap(frames(9)), clip(50, 30))
    ),
    "odd speed": sheet(
        video(clip(10, 20), clip(40, 7, speed=Fraction(5, 4)), clip(40, 1, speed=Fraction(3)))
    ),
    "late beginning": sheet(
        video(gap(frames(7)), clip(10, 40)), Lane("Audio", (gap(frames(9)), SOUND), "Audio 1")
    ),
    "switched off": sheet(video(clip(10, 20), clip(50, 30, enabled=False))),
    "two video tracks": sheet(video(clip(10, 40)), video(gap(frames(5)), clip(50, 30), name="Video 2")),
    "named tracks": sheet(video(clip(10, 40), name="Hero")),
    "sound": sheet(video(clip(10, 40)), Lane("Audio", (gap(frames(3)), SOUND), "Audio 1")),
    "clip marker": sheet(video(clip(10, 40, marks=(MARK,)))),
    "timeline marker": sheet(video(clip(10, 40)), marks=(replace(MARK, start=frames(9)),)),
    "nest": sheet(video(clip(10, 10), Piece(frames(15), "nest", None, (video(clip(40, 40)),), frames(5)))),
    "offline": sheet(video(clip(10, 40, media=Media("missing")), clip(1, 9))),
    "generator": sheet(video(clip(10, 40, media=Media("generator", "", "Bars")), clip(1, 9))),
}  # fmt: skip


def through(form: Format, given: Sheet, out: Path) -> Sheet:
    return form.read(form.write(given, out / f"edit{form.suffixes[0]}"))


def kinds(given: Sheet) -> set[str]:
    """The traits of a sheet; length and timecode of media are facts of the file and may be left to it."""
    return {trait for trait, _ in traits(given)} - {"media length", "media start timecode"}


@every_format
@pytest.mark.parametrize("case", CASES)
def test_what_does_not_come_back_was_named(form: Format, case: str, tmp_path: Path) -> None:
    given = CASES[case]
    named = {loss.trait for loss in form.losses(given)}
    missing = kinds(given) - kinds(through(form, given, tmp_path))
    assert missing <= named, f"lost silently: {missing - named}"
    assert named <= TRAITS.keys()


@pytest.mark.parametrize("form", STABLE, ids=lambda form: form.name)
@pytest.mark.parametrize("case", CASES)
def test_writing_what_was_read_gives_the_same_bytes(form: Format, case: str, tmp_path: Path) -> None:
    once = form.write(CASES[case], tmp_path)
    assert form.write(form.read(once), tmp_path) == once


def shots(given: Sheet, relative: bool) -> list[tuple[int, int, int]]:
    """Of the first video track: record frame, length, and first frame of the media."""
    found = []
    for at, piece in given.of_kind("Video")[0].placed():
        if piece.media is not None:
            zero = piece.media.start if relative else Fraction(0)
            found.append(tuple(round(time * given.rate) for time in (at, piece.duration, piece.start - zero)))
    return found


@every_format
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_cuts_come_back_to_the_frame(form: Format, rate: Fraction, tmp_path: Path) -> None:
    lane = video(gap(frames(7, rate)), clip(10, 20, rate), gap(frames(3, rate)), clip(5, 31, rate))
    given = sheet(lane, rate=rate, start=frames(round(rate) * 3600, rate))
    if form.name == "AAF" and rate in (FILM, Fraction(30000, 1001), Fraction(60000, 1001)):
        given = replace(given, start=Fraction(0))  # its timecode is counted at the whole rate
    back = through(form, given, tmp_path)
    assert back.rate == rate
    relative = form.name != "EDL"  # which says no more of a file than what is used of it
    assert shots(back, relative) == shots(given, relative)


@pytest.mark.parametrize("form", STABLE, ids=lambda form: form.name)
@pytest.mark.parametrize("case", ["late beginning", "odd speed", "dissolve to nothing"])
def test_nothing_moves(form: Format, case: str, tmp_path: Path) -> None:
    given = CASES[case]
    back = through(form, given, tmp_path)
    for one, other in zip(given.lanes, back.lanes, strict=True):
        assert _filled(other, given.rate) == _filled(one, given.rate)


def _filled(lane: Lane, rate: Fraction) -> list[tuple[int, int]]:
    """Record frame and length of all clips."""
    return [(round(at * rate), round(p.duration * rate)) for at, p in lane.placed() if not p.is_gap]


def test_a_transition_cannot_begin_before_the_timeline(tmp_path: Path) -> None:
    form = writable(Path("x.xml"))
    given = sheet(video(gap(frames(1)), Fade(frames(2), frames(2), "x"), clip(10, 20)))
    assert "it begins with the timeline" in [loss.note for loss in form.losses(given)]
    assert shots(through(form, given, tmp_path), True) == shots(given, True)


def test_an_edl_in_drop_frame_timecode_keeps_speeds_and_freeze_frames(tmp_path: Path) -> None:
    rate = Fraction(30000, 1001)
    lane = video(clip(10, 40, rate, speed=Fraction(2)), clip(0, 9, rate, speed=Fraction(0)))
    given = sheet(lane, rate=rate, start=frames(107892, rate), drop_frame=True)
    back = through(writable(Path("x.edl")), given, tmp_path)
    assert (back.start, back.drop_frame) == (given.start, True)
    speeds = [float(piece.speed) for _, piece in back.lanes[0].placed()]
    assert speeds == [pytest.approx(2, abs=0.002), 0.0]


@pytest.mark.parametrize("form", EXACT, ids=lambda form: form.name)
@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(60000, 1001)], ids=str)
def test_start_timecodes_come_back(form: Format, rate: Fraction, drop: bool, tmp_path: Path) -> None:
    given = sheet(video(clip(10, 20, rate)), rate=rate, start=frames(107892, rate), drop_frame=drop)
    back = through(form, given, tmp_path)
    assert (back.start, back.rate) == (given.start, rate)


PATHS = ["/media/plain.mov", "/media/a b.mov", "/media/a#b.mov", "/media/100%.mov", "/media/a%20b.mov",
         "/media/ü 日.mov", "/media/q?x&y<z.mov"]  # fmt: skip


@pytest.mark.parametrize("form", EXACT, ids=lambda form: form.name)
@pytest.mark.parametrize("path", PATHS)
def test_file_names_come_back(form: Format, path: str, tmp_path: Path) -> None:
    real = tmp_path / path.rsplit("/", 1)[-1]
    real.write_bytes(b"there")
    given = sheet(video(clip(0, 20, media=media(target=str(real)))))
    data = from_otio(otio_text(given).encode(), tmp_path, tmp_path / "o", form).data
    back = sheet_of(parse(to_otio(data, form).data), tmp_path)
    (_, piece) = next(iter(back.lanes[0].placed()))
    assert piece.media is not None
    assert piece.media.target == str(real)


@pytest.mark.parametrize("form", EXACT, ids=lambda form: form.name)
def test_a_path_of_windows_stays_one(form: Format, tmp_path: Path) -> None:
    given = sheet(video(clip(0, 20, media=media(target="C:\\film\\a b.mov"))))
    (_, piece) = next(iter(through(form, given, tmp_path).lanes[0].placed()))
    assert piece.media is not None
    found = read_timeline(_written(to_otio(form.write(given, tmp_path), form).data, tmp_path)).clips[0]
    assert "Windows" in found.offline


def _written(data: bytes, folder: Path) -> Path:
    path = folder / "read.otio"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("case", CASES)
def test_fcpxml_is_valid(case: str, tmp_path: Path) -> None:
    dtd = etree.DTD(str(Path(__file__).parents[1] / "support" / "fcpxml.dtd"))
    root = etree.fromstring(writable(Path("x.fcpxml")).write(CASES[case], tmp_path))
    assert dtd.validate(root), dtd.error_log.filter_from_errors()


def test_the_structure_check_can_fail() -> None:
    dtd = etree.DTD(str(Path(__file__).parents[1] / "support" / "fcpxml.dtd"))
    assert not dtd.validate(etree.fromstring('<fcpxml version="1.10"><resources/></fcpxml>'))


@every_format
def test_music_goes_on_and_off(form: Format, tmp_path: Path) -> None:
    """Scored in each format: at its frame with the rest baked in, the original untouched, off again."""
    film = make_video(tmp_path / "dance.mov", 100, FILM, timecode="01:00:00:00")
    given = sheet(video(gap(frames(7)), clip(5, 60, media=media(target=str(film))), clip(70, 20)))
    path = tmp_path / f"edit{form.suffixes[0]}"
    path.write_bytes(form.write(given, path))
    before = path.read_bytes()
    info = read_timeline(path)
    selection = select(info, "1", (Fraction("0.317"), Fraction("1.5")))
    out = score_with_tone(info, selection, tmp_path / f"scored{form.suffixes[0]}")
    assert path.read_bytes() == before
    frame, lead = frame_aligned(selection, info.rate)
    assert 0 <= lead < 1 / info.rate
    found = sheet_of(parse(to_otio(out.read_bytes(), form).data), tmp_path)
    starts = [
        round(at * found.rate)
        for lane in found.of_kind("Audio")
        for at, piece in lane.placed()
        if piece.media is not None and piece.media.target.endswith("scored.wav")
    ]
    assert starts == [frame]
    if form in EXACT:
        assert remove(out).cues == 1
        assert out.read_bytes() == before


def test_markers_of_the_music_come_back_from_kdenlive(tmp_path: Path) -> None:
    mark = Mark(frames(5), "movement 0.200 s", "movement 0.200 s", "GREEN")
    sound = Media("file", "/m/cue.wav", duration=frames(40))
    cue = Piece(frames(40), "cue", sound, marks=(mark,), cue='{"seed": 1}')
    given = sheet(video(clip(0, 60)), Lane("Audio", (gap(frames(5)), cue), "Hitpoint"))
    lane = through(KDENLIVE, given, tmp_path).of_kind("Audio")[0]
    found = next(piece for _, piece in lane.placed() if not piece.is_gap)
    assert (lane.name, json.loads(found.cue)) == ("Hitpoint", {"seed": 1})
    seen = [(each.start, each.name, each.colour) for each in found.marks]
    assert seen == [(frames(5), "movement 0.200 s", "GREEN")]


def test_odd_rates_are_refused_where_there_is_no_word_for_them(tmp_path: Path) -> None:
    for name in ("x.xml", "x.edl"):
        with pytest.raises(TimelineError, match="frames per second"):
            writable(Path(name)).write(sheet(video(clip(0, 9)), rate=Fraction(25, 2)), tmp_path)


def test_a_name_that_is_no_timeline_is_refused() -> None:
    with pytest.raises(UsageError, match="no name for a timeline"):
        writable(Path("movie.prproj"))
