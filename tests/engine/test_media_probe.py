"""Lengths, rates, rotation and timecodes of real and of made media."""

import shutil
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timelines import MEDIA, NTSC_FILM, make_video, needs_media

from hitpoint.errors import TimelineError
from hitpoint.media import open_media, probe
from hitpoint.media.timecode import snap_rate

# From the list of the media: frames and rate, known from where the files come from.
KNOWN = {
    "v01_aist_pop_solo_gtmusic.mp4": (146, Fraction(30)),
    "v02_musepose_solo_woman.mp4": (288, Fraction(24)),
    "v03_basketball_dance_solo.mp4": (338, Fraction(25051, 1000)),
    "v04_kpop_trio_practice.mp4": (825, Fraction(30)),
    "v05_group_fitness_dance.mp4": (451, Fraction(30)),
    "v06_edited_workout_14cuts.mp4": (695, Fraction(30)),
    "v07_figure_skating_spin.avi": (304, Fraction(30000, 1001)),
    "v08_taiji_solo_slow.mp4": (412, NTSC_FILM),
    "v09_solo_man_hall_silenttrack.mp4": (327, Fraction(25)),
    "v10_callisthenics_trio_10fps.avi": (393, Fraction(10)),
    "g01_gymnastics_floor_leap.gif": (17, Fraction(10)),
    "g02_gymnastics_floor_salto.gif": (18, Fraction(10)),
}


@needs_media
@pytest.mark.parametrize("name", KNOWN)
def test_real_media_has_its_exact_length(name: str) -> None:
    frames, rate = KNOWN[name]
    info = probe(MEDIA / "video" / name)
    assert (info.frame_rate, info.duration) == (rate, frames / rate)
    assert not info.variable_rate
    assert info.has_audio == (not name.startswith(("g0", "v10")))
    assert info.rotation == 0


@needs_media
@pytest.mark.parametrize("name", [name for name in KNOWN if name.startswith(("g0", "v07", "v09", "v10"))])
def test_every_counted_frame_can_be_decoded(name: str) -> None:
    with open_media(MEDIA / "video" / name) as container:
        assert sum(1 for _ in container.decode(video=0)) == KNOWN[name][0]


KINDS = [
    (suffix, rate)
    for suffix in (".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif")
    for rate in (Fraction(25), NTSC_FILM, Fraction(10))
    if (suffix, rate) != (".gif", NTSC_FILM)  # a GIF counts in hundredths of a second
]


@pytest.mark.parametrize(("suffix", "rate"), KINDS)
def test_kinds_of_container(tmp_path: Path, suffix: str, rate: Fraction) -> None:
    codec = {".webm": "libvpx", ".gif": "gif"}.get(suffix, "mpeg4")
    info = probe(make_video(tmp_path / f"clip{suffix}", 31, rate, codec=codec))
    assert info.frame_rate == rate
    assert info.duration == 31 / rate
    assert not info.variable_rate


@pytest.mark.parametrize(
    ("timecode", "rate", "seconds"),
    [
        ("01:00:00:00", Fraction(25), Fraction(3600)),
        ("01:00:00:00", NTSC_FILM, Fraction(3600 * 1001, 1000)),
        ("10:11:12:13", Fraction(30), Fraction(36672) + Fraction(13, 30)),
        ("01:00:00;00", Fraction(30000, 1001), 107892 / Fraction(30000, 1001)),
    ],
)
def test_start_timecode(tmp_path: Path, timecode: str, rate: Fraction, seconds: Fraction) -> None:
    assert probe(make_video(tmp_path / "clip.mov", 5, rate, timecode=timecode)).start_timecode == seconds


@pytest.mark.parametrize(("counter_clockwise", "clockwise"), [(0, 0), (90, 270), (-90, 90), (180, 180)])
def test_rotation_is_clockwise(tmp_path: Path, counter_clockwise: int, clockwise: int) -> None:
    path = tmp_path / "turned.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(counter_clockwise)
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode(None))
    assert probe(path).rotation == clockwise


def test_variable_rate_is_seen_and_its_length_is_that_of_the_pictures(tmp_path: Path) -> None:
    times = [0, 33, 66, 100, 300, 333, 366, 400, 600, 633, 666, 700]
    path = make_video(tmp_path / "phone.mkv", 12, Fraction(30), times=times, time_base=Fraction(1, 1000))
    info = probe(path)
    assert info.variable_rate
    assert abs(info.duration - Fraction(733, 1000)) <= Fraction(5, 1000)


def test_a_longer_sound_track_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "sound.mov"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=48000, layout="mono")
        for _ in range(10):
            container.mux(picture.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(picture.encode(None))
        block = av.AudioFrame("s16", "mono", 48000)
        block.sample_rate = 48000
        container.mux(sound.encode(block))
        container.mux(sound.encode(None))
    info = probe(path)
    assert info.duration == Fraction(10, 25)
    assert info.has_audio


def test_the_ending_of_the_name_does_not_matter(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mov", 10)
    shutil.copy(path, tmp_path / "clip.bin")
    assert probe(tmp_path / "clip.bin").duration == Fraction(10, 25)


@pytest.mark.parametrize("name", ["a b#c%20d.mov", "ünï-日本.mov", "x" * 250 + ".mov", "trailing.dot..mov"])
def test_awkward_names(tmp_path: Path, name: str) -> None:
    path = make_video(tmp_path / "plain.mov", 5)
    path.rename(tmp_path / name)
    assert probe(tmp_path / name).duration == Fraction(5, 25)


@pytest.mark.parametrize(
    ("written", "exact"),
    [
        (23.976, NTSC_FILM), (23.98, NTSC_FILM), (24000 / 1001, NTSC_FILM), (24.0, 24), (25.0, 25),
        (29.97, Fraction(30000, 1001)), (30, 30), (59.94, Fraction(60000, 1001)),
        (119.88, Fraction(120000, 1001)),
        (47.952, Fraction(48000, 1001)), (12.5, Fraction(25, 2)), (15, 15), (25.051, Fraction(25051, 1000)),
        (1000, 1000), (48000, 48000), (14.985, Fraction(15000, 1001)), (23.97602, NTSC_FILM),
    ],
)  # fmt: skip
def test_rates_are_snapped_exactly(written: float, exact: Fraction) -> None:
    assert snap_rate(written) == exact


@pytest.mark.parametrize("bad", [0, -25.0, float("nan"), float("inf"), 1e300])
def test_impossible_rates_are_refused(bad: float) -> None:
    with pytest.raises(TimelineError, match="frame rate"):
        snap_rate(bad)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 240), st.booleans())
def test_snapping_undoes_writing_as_a_decimal(count: int, ntsc: bool) -> None:
    exact = Fraction(count * 1000, 1001) if ntsc and count > 11 else Fraction(count)
    assert snap_rate(float(exact)) == exact
