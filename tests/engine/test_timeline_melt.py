"""A placed timeline rendered by MLT: the sound must be heard where the timeline says.

melt reads no OTIO, so a small reader here turns our file, as OpenTimelineIO understands it, into melt's
arguments: a picture track and a sound track of blanks and cut clips, both in frames of the video's rate.
"""

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest
from numpy.typing import NDArray
from timelines import NTSC_FILM, clip, gap, make_video, score_with_tone, span, timeline, write

from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.select import select

pytestmark = pytest.mark.skipif(
    shutil.which("melt") is None, reason="melt is not installed (make system-deps)"
)


def melt_track(track: otio.schema.Track, folder: Path) -> list[str]:
    """Blanks and cuts; in and out count from the first frame of the file, so its start is subtracted."""
    found: list[str] = []
    for item in track:
        length = round(item.trimmed_range().duration.value)
        if isinstance(item, otio.schema.Gap):
            found += ["-blank", str(length - 1)]
            continue
        begin = item.trimmed_range().start_time - item.media_reference.available_range.start_time
        path = folder / item.media_reference.target_url
        found += [str(path), f"in={round(begin.value)}", f"out={round(begin.value) + length - 1}"]
    return found


def render(path: Path, rate: Fraction, out: Path) -> NDArray[np.float64]:
    """Render the timeline with melt; its sound, one channel."""
    made = otio.adapters.read_from_file(str(path))
    profile = path.with_suffix(".profile")
    profile.write_text(
        f"description=test\nframe_rate_num={rate.numerator}\nframe_rate_den={rate.denominator}\n"
        "width=64\nheight=48\nprogressive=1\nsample_aspect_num=1\nsample_aspect_den=1\n"
        "display_aspect_num=4\ndisplay_aspect_den=3\ncolorspace=601\n"
    )
    arguments = melt_track(made.video_tracks()[0], path.parent)
    arguments += ["-track", *melt_track(made.audio_tracks()[0], path.parent)]
    arguments += ["-transition", "mix", "a_track=0", "b_track=1", "sum=1", "always_active=1"]
    consumer = [f"avformat:{out}", "vcodec=mpeg4", "acodec=pcm_s16le", "ar=48000", "real_time=0"]
    environment = {"PATH": "/usr/bin:/bin", "QT_QPA_PLATFORM": "offscreen", "HOME": str(path.parent)}
    command = ["melt", "-silent", "-profile", str(profile), *arguments, "-consumer", *consumer]
    subprocess.run(command, check=True, capture_output=True, timeout=300, env=environment)
    with av.open(str(out)) as container:
        blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate(blocks, 1).reshape(-1, 2)[:, 0] / 32768.0


@pytest.mark.parametrize("rate", [Fraction(25), NTSC_FILM, Fraction(30000, 1001)])
@pytest.mark.parametrize("offset", [Fraction(0), Fraction("0.317")])
def test_melt_plays_the_sound_at_its_time(tmp_path: Path, rate: Fraction, offset: Fraction) -> None:
    decimal, hour = float(rate), round(rate) * 3600
    timecode = "01:00:00:00"
    make_video(tmp_path / "dance.mov", 60, rate, timecode=timecode)
    shot = clip("c", "dance.mov", span(hour + 10, 40, decimal), span(hour, 60, decimal))
    made = timeline([[gap(30, decimal), shot]], start=otio.opentime.RationalTime(hour, decimal))
    path = write(made, tmp_path / "edit.otio")
    info = read_timeline(path)
    selection = select(info, "c", (offset, Fraction(40) / rate))
    score_with_tone(info, selection, path)
    sound = render(path, rate, tmp_path / "render.mkv")
    onset = np.flatnonzero(np.abs(sound) > 0.05)[0] / 48000
    assert onset == pytest.approx(float(30 / rate + offset), abs=0.002)
    last = np.flatnonzero(np.abs(sound) > 0.05)[-1] / 48000
    assert last == pytest.approx(float(70 / rate), abs=0.002)


def test_the_helper_hears_a_misplaced_sound(tmp_path: Path) -> None:
    """One frame late in the file is one frame late in the render: the test above can fail."""
    make_video(tmp_path / "dance.mov", 60)
    shot = clip("c", "dance.mov", span(0, 40), span(0, 60))
    path = write(timeline([[gap(30), shot]]), tmp_path / "edit.otio")
    info = read_timeline(path)
    score_with_tone(info, select(info, "c"), path)
    made = otio.adapters.read_from_file(str(path))
    made.audio_tracks()[0][0].source_range = span(0, 31)
    path.write_text(made.to_json_string())
    sound = render(path, Fraction(25), tmp_path / "render.mkv")
    assert np.flatnonzero(np.abs(sound) > 0.05)[0] / 48000 == pytest.approx(31 / 25, abs=0.002)
