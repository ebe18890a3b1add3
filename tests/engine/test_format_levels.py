"""Volume automation of our music: in each format that has it, heard in melt, kept, and named when lost."""

import json
import re
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from renders import counted_film, melt
from timelines import clip, score_with_tone, span, timeline, write

from hitpoint.timeline.convert import conversion, losses_to, write_conversion
from hitpoint.timeline.formats.base import automates
from hitpoint.timeline.formats.convert import to_otio
from hitpoint.timeline.formats.from_tree import sheet_of
from hitpoint.timeline.formats.graft import graft, ungraft
from hitpoint.timeline.formats.levels import Level, framed, levels_json, levels_of, with_levels
from hitpoint.timeline.formats.registry import FORMATS, writable
from hitpoint.timeline.formats.sheet import Lane, Media, Piece, Sheet, gap
from hitpoint.timeline.guard import parse
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.remove import remove
from hitpoint.timeline.select import select

AUTOMATED = [".mlt", ".kdenlive", ".fcpxml", ".xml"]
RATES = [Fraction(25), Fraction(24000, 1001), Fraction(30000, 1001)]
needs_melt = pytest.mark.skipif(
    shutil.which("melt") is None, reason="melt is not installed (make system-deps)"
)

DIP = ((0.0, 0.0), (0.5, 0.0), (0.8, -12.0), (1.6, -12.0), (2.1, 0.0))
"""(seconds, dB): down from 0.8 to 1.6 s."""


def levels(points: tuple[tuple[float, float], ...] = DIP) -> list[Level]:
    return [Level(Fraction(time), gain) for time, gain in points]


def cut(rate: Fraction, cue: str, first: int = 0) -> Sheet:
    """A silent shot, and under it music from frame 10 on, of which the first frames may be cut off."""
    film = Media("file", "/m/film.mov", "film.mov", duration=120 / rate)
    sound = Media("file", "/m/cue.wav", "cue.wav", duration=100 / rate)
    music = Piece((100 - first) / rate, "cue", sound, start=first / rate, cue=cue)
    lanes = (
        Lane("Video", (Piece(120 / rate, "shot", film),)),
        Lane("Audio", (gap(10 / rate), music), "Hitpoint"),
    )
    return Sheet("edit", rate, lanes, size=(64, 48))


def cues_of(sheet: Sheet) -> list[str]:
    return [piece.cue for lane in sheet.lanes for _, piece in lane.placed() if piece.cue]


def read_back(path: Path) -> Sheet:
    return sheet_of(parse(to_otio(path.read_bytes(), writable(path)).data), path.parent)


@pytest.mark.parametrize("suffix", AUTOMATED)
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_what_is_written_is_read_and_does_not_wander(suffix: str, rate: Fraction, tmp_path: Path) -> None:
    form = writable(Path(f"x{suffix}"))
    asked = levels((*DIP[:3], (1.613, -12.0), (2.1, -0.25)))
    found: list[list[tuple[int, float]]] = []
    cue = with_levels('{"seed": 1}', asked)
    for _ in range(3):
        (cue,) = cues_of(form.read(form.write(cut(rate, cue), tmp_path / f"x{suffix}")))
        found.append(list(framed(levels_of(cue), rate)))
    assert found[0] == found[1] == found[2]
    assert [gain for _, gain in found[0]] == pytest.approx([gain for _, gain in DIP[:4]] + [-0.25], abs=0.002)
    for (frame, _), level in zip(found[0], asked, strict=True):
        assert abs(frame / rate - level.time) < 1 / rate
    assert found[0][2][0] / rate <= asked[2].time, "down before the word"
    assert found[0][3][0] / rate >= asked[3].time, "and up after it"
    assert json.loads(cue)["seed"] == 1


@pytest.mark.parametrize("suffix", AUTOMATED)
def test_music_without_automation_has_no_filter(suffix: str, tmp_path: Path) -> None:
    form = writable(Path(f"x{suffix}"))
    baked = '{"ducking": {"baked": true, "ranges": [{"start": 1.0, "end": 2.0, "gain_db": -10.0}]}}'
    data = form.write(cut(Fraction(25), baked), tmp_path / f"x{suffix}")
    assert not re.search(rb"audiolevels|adjust-volume|>volume<", data)
    assert [json.loads(cue) for cue in cues_of(form.read(data))] == [json.loads(baked)]


@pytest.mark.parametrize("suffix", AUTOMATED)
def test_it_goes_with_the_music_and_leaves_every_byte_as_it_was(suffix: str, tmp_path: Path) -> None:
    form, rate = writable(Path(f"x{suffix}")), Fraction(25)
    with_it = cut(rate, with_levels('{"seed": 1}', levels()))
    bare = form.write(Sheet("edit", rate, with_it.lanes[:1], size=(64, 48)), tmp_path / f"x{suffix}")
    here = Path("/m")
    made = graft(form, bare, with_it, here, here / f"x{suffix}")
    assert framed(levels_of(cues_of(form.read(made))[0]), rate) == framed(levels(), rate)
    assert ungraft(form, made) == (bare, True)


def test_fcpxml_is_valid_with_it(tmp_path: Path) -> None:
    dtd = etree.DTD(str(Path(__file__).parents[1] / "support" / "fcpxml.dtd"))
    sheet = cut(RATES[1], with_levels("{}", levels()))
    form = writable(Path("x.fcpxml"))
    made = form.write(sheet, tmp_path / "x.fcpxml")
    assert made.count(b"<keyframe ") == len(DIP)
    assert dtd.validate(etree.fromstring(made)), dtd.error_log.filter_from_errors()
    bare = form.write(Sheet("edit", RATES[1], sheet.lanes[:1], size=(64, 48)), tmp_path / "x.fcpxml")
    grafted = graft(form, bare, sheet, Path("/m"), Path("/m/x.fcpxml"))
    assert dtd.validate(etree.fromstring(grafted)), dtd.error_log.filter_from_errors()


def test_both_channels_of_an_fcp7_xml_have_it() -> None:
    """Factors, in frames as `in` and `out` count them; the second channel is a track of its own."""
    form, rate = writable(Path("x.xml")), Fraction(25)
    sheet = cut(rate, with_levels("{}", levels()))
    bare = form.write(Sheet("edit", rate, sheet.lanes[:1], size=(64, 48)), Path("/m/x.xml"))
    root = etree.fromstring(graft(form, bare, sheet, Path("/m"), Path("/m/x.xml")))
    found = root.findall(".//clipitem/filter/effect[effectid='audiolevels']/parameter[parameterid='level']")
    assert len(found) == 2
    for each in found:
        rows = [(int(k.findtext("when")), float(k.findtext("value"))) for k in each.findall("keyframe")]
        assert [when for when, _ in rows] == [0, 12, 20, 40, 53]
        assert [20 * np.log10(value) for _, value in rows] == pytest.approx([0, 0, -12, -12, 0], abs=0.001)


def loudness_between(sound: np.ndarray, start: float, end: float) -> float:
    part = sound[round(start * 48000) : round(end * 48000)]
    return 20 * float(np.log10(np.std(part)))


def assert_dipped(sound: np.ndarray, at: float, depth: float = -12.0) -> None:
    """The rendered tone, whose file begins `at`: full, down from 0.8 to 1.6 s, and full again."""
    full = loudness_between(sound, at + 0.05, at + 0.45)
    assert full == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.1)
    assert loudness_between(sound, at + 0.85, at + 1.6) - full == pytest.approx(depth, abs=0.5)
    assert loudness_between(sound, at + 2.2, at + 2.6) - full == pytest.approx(0.0, abs=0.1)
    assert loudness_between(sound, at + 0.6, at + 0.7) < full - 1, "on the way down"
    assert loudness_between(sound, at + 1.85, at + 1.95) < full - 1, "on the way up"


def film_and_edit(folder: Path, rate: Fraction) -> Path:
    decimal = float(rate)
    counted_film(folder / "film.mov", 120, rate)
    shots = [clip(name, "film.mov", span(first, 100, decimal), span(0, 120, decimal))
             for name, first in (("a", 0), ("b", 10))]  # fmt: skip
    return write(timeline([shots]), folder / "edit.otio")


def scored(path: Path, name: str, out: Path, points: tuple[tuple[float, float], ...] = DIP) -> Path:
    info = read_timeline(path)
    sound = out.with_name(f"{name}.wav")
    said = {"seed": 1, "levels": levels_json(levels(points))}
    return score_with_tone(info, select(info, name), out, sound=sound, name=name, metadata=said)


@needs_melt
@pytest.mark.parametrize("suffix", [".mlt", ".kdenlive"])
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_melt_plays_it_at_its_place(suffix: str, rate: Fraction, tmp_path: Path) -> None:
    out = scored(film_and_edit(tmp_path, rate), "b", tmp_path / f"out{suffix}")
    _, sound = melt(out, tmp_path / "render.mkv", 200)
    assert_dipped(sound, float(100 / rate))


@needs_melt
@pytest.mark.parametrize("suffix", [".mlt", ".kdenlive"])
def test_melt_plays_it_where_the_head_of_the_music_is_cut_off(suffix: str, tmp_path: Path) -> None:
    """Times of the automation are those of the sound file, wherever its clip begins in it."""
    rate = Fraction(25)
    out = scored(film_and_edit(tmp_path, rate), "b", tmp_path / f"out{suffix}")
    sheet = read_back(out)
    (lane,) = [lane for lane in sheet.lanes if lane.is_ours]
    (music,) = [piece for _, piece in lane.placed() if piece.cue]
    later = Piece(90 / rate, "b", music.media, start=10 / rate, cue=music.cue)
    video = [lane for lane in sheet.lanes if lane.kind == "Video"]
    moved = Sheet("edit", rate, (*video, Lane("Audio", (gap(110 / rate), later), "Hitpoint")), size=(64, 48))
    out.write_bytes(writable(out).write(moved, out))
    _, sound = melt(out, tmp_path / "render.mkv", 200)
    full = loudness_between(sound, 4.41, 4.45)
    assert loudness_between(sound, 4.85, 5.6) - full == pytest.approx(-12, abs=0.5)
    assert loudness_between(sound, 6.2, 6.6) - full == pytest.approx(0, abs=0.2)


@pytest.mark.parametrize("suffix", AUTOMATED)
def test_what_somebody_drew_stays_when_another_clip_is_scored(suffix: str, tmp_path: Path) -> None:
    """All our music is put in anew by every scoring: with the keyframes that it had, not with our own."""
    rate = Fraction(25)
    source = film_and_edit(tmp_path, rate)
    project = tmp_path / f"project{suffix}"
    write_conversion(conversion(source, project))
    before = project.read_bytes()
    scored(project, "a", project)
    text = project.read_text(encoding="utf-8")
    lower = {".fcpxml": ("-12dB", "-6dB"), ".xml": ("<value>0.251189<", "<value>0.501187<")}
    old, new = lower.get(suffix, ("20=-12;40=-12", "20=-6;40=-6"))
    assert old in text
    project.write_text(text.replace(old, new), encoding="utf-8")
    scored(project, "b", project)
    found = {
        json.dumps([gain for _, gain in framed(levels_of(cue), rate)]) for cue in cues_of(read_back(project))
    }
    assert found == {"[0.0, 0.0, -6.0, -6.0, 0.0]", "[0.0, 0.0, -12.0, -12.0, 0.0]"}
    assert remove(project).exact
    assert project.read_bytes() == before


@pytest.mark.parametrize("suffix", AUTOMATED)
def test_keyframes_that_somebody_deleted_are_gone(suffix: str, tmp_path: Path) -> None:
    form, rate = writable(Path(f"x{suffix}")), Fraction(25)
    data = form.write(cut(rate, with_levels('{"seed": 1}', levels())), tmp_path / f"x{suffix}")
    root = etree.fromstring(data)
    for each in (*root.iterfind(".//filter"), *root.iterfind(".//adjust-volume")):
        each.getparent().remove(each)
    (cue,) = cues_of(form.read(etree.tostring(root)))
    assert json.loads(cue) == {"seed": 1}


def test_what_editors_write_is_understood() -> None:
    """Clock times, other kinds of keyframes, a filter that begins later, a steady level, one switched off."""
    form, rate = writable(Path("x.mlt")), Fraction(25)
    data = form.write(cut(rate, with_levels("{}", levels())), Path("/m/x.mlt"))
    (ours,) = re.findall(rb"<filter.*?</filter>", data, re.DOTALL)

    def read(first: int, level: str, extra: str = "") -> list[tuple[int, float]]:
        theirs = (
            f'<filter in="{first}"><property name="level">{level}</property>{extra}'
            '<property name="mlt_service">volume</property></filter>'
        )
        (cue,) = cues_of(form.read(data.replace(ours, theirs.encode())))
        return list(framed(levels_of(cue), rate))

    assert read(0, "00:00:00.400=0;00:00:01.000~=-7.5;00:00:02.000|=0") == [(10, 0), (25, -7.5), (50, 0)]
    assert read(5, "0=0;25=-3") == [(5, 0), (30, -3)]
    assert read(0, "-4.5") == [(0, -4.5)]
    assert read(0, "0") == []
    assert read(0, "nonsense;=;7=") == []
    assert read(0, "0=-3;25=-3", '<property name="disable">1</property>') == []


def test_where_it_is_heard_and_where_it_is_named_as_lost(tmp_path: Path) -> None:
    assert {form.name for form in FORMATS if automates(form)} == {
        "MLT XML", "Kdenlive", "FCPXML", "Final Cut Pro 7 XML"
    }  # fmt: skip
    out = scored(film_and_edit(tmp_path, Fraction(25)), "a", tmp_path / "out.mlt")
    for suffix in (".otio", ".edl", ".aaf", *AUTOMATED[1:]):
        made = conversion(out, tmp_path / f"other{suffix}")
        named = [loss.sentence for loss in made.losses if loss.trait == "volume automation"]
        assert len(named) == (suffix not in AUTOMATED), suffix
    assert any(
        loss.trait == "volume automation" for loss in losses_to(read_timeline(out), tmp_path / "next.otio")
    ), "what lies on the timeline already"


def test_it_survives_a_way_through_every_format_once(tmp_path: Path) -> None:
    """Also through OpenTimelineIO, where nobody hears it but Hitpoint knows it."""
    rate = Fraction(25)
    path = scored(film_and_edit(tmp_path, rate), "a", tmp_path / "out.mlt")
    for suffix in (".otio", ".kdenlive", ".fcpxml", ".xml", ".mlt"):
        path = write_conversion(conversion(path, tmp_path / f"next{suffix}"), force=True)
    (cue,) = cues_of(read_back(path))
    assert framed(levels_of(cue), rate) == framed(levels(), rate)
    assert path.read_bytes().count(b">volume<") == 1


@given(
    st.lists(st.tuples(st.floats(0, 50), st.sampled_from([0.0, -12.0, -3.0])), max_size=12),
    st.sampled_from(RATES),
)
def test_frames_ascend_and_what_is_lowest_stays(points: list[tuple[float, float]], rate: Fraction) -> None:
    asked = levels(tuple(sorted(points, key=lambda point: point[0])))
    rows = framed(asked, rate)
    frames = [frame for frame, _ in rows]
    assert frames == sorted(set(frames))
    assert all(frame >= 0 for frame in frames)
    assert min((gain for _, gain in rows), default=0) == min((level.gain for level in asked), default=0)
    assert framed([Level(Fraction(float(frame / rate)), gain) for frame, gain in rows], rate) == rows


def test_a_fall_without_a_way_down_takes_one_frame() -> None:
    at_once = levels(((0.0, 0.0), (1.0, 0.0), (1.0, -10.0), (2.0, -10.0), (2.0, 0.0)))
    assert framed(at_once, Fraction(25)) == ((0, 0), (24, 0), (25, -10), (50, -10), (51, 0))


@pytest.mark.parametrize(
    "cue",
    ["", "null", "[]", '{"levels": 3}', '{"levels": [3, null, {}, {"time": "x", "gain_db": 1}]}',
     '{"levels": [{"time": -1, "gain_db": 0}, {"time": 1e999, "gain_db": 0}, {"time": 1, "gain_db": NaN}]}',
     '{"levels": [{"time": 1%s, "gain_db": 0}]}' % ("0" * 400), "{"],
)  # fmt: skip
def test_nonsense_is_no_automation(cue: str) -> None:
    assert levels_of(cue) == ()
