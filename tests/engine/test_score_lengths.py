"""Any length, any rate: exact to the sample, through the whole pipeline, on video made here."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from hitpoint.score import score
from hitpoint.values import ScoreRequest

NTSC_FILM, NTSC = Fraction(24000, 1001), Fraction(30000, 1001)


def bouncing_box(path: Path, seconds: float, rate: Fraction, *, variable: bool = False) -> Fraction:
    """A box that falls and lands every 0.6 s on a textured floor; returns the exact duration."""
    frames = round(seconds * rate)
    texture = np.random.default_rng(1).integers(60, 120, (96, 160, 3), np.uint8)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.options = {"preset": "ultrafast"}
        stream.codec_context.time_base = 1 / rate
        shown = 0
        for index in range(frames):
            if variable and index % 7 in (2, 5):
                continue  # dropped frames leave gaps: a variable rate
            height = abs(np.sin(np.pi * index / float(rate) / 0.6))
            top = int(72 - 60 * height)
            picture = texture.copy()
            picture[top : top + 20, 70:90] = (230, 200, 40)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = index, 1 / rate
            file.mux(stream.encode(frame))
            shown = index
        file.mux(stream.encode(None))
    return (shown + 1) / rate


def check(tmp_path: Path, seconds: float, rate: Fraction, *, variable: bool = False) -> None:
    video = tmp_path / "box.mp4"
    duration = bouncing_box(video, seconds, rate, variable=variable)
    result = score(ScoreRequest(timeline=video, style="electronic"), tmp_path / "box.otio")
    assert abs(result.duration - duration) <= (1 / rate if variable else 0)
    assert result.asset.samples == round(result.duration * 48_000)
    sound, _ = soundfile.read(result.asset.path, dtype="float32")
    assert len(sound) == result.asset.samples
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() > 0.05, "there is music"
    assert np.abs(sound).max() <= 10 ** (-1 / 20) + 1e-3
    assert result.hit_rate >= 0.9


@pytest.mark.parametrize(
    ("seconds", "rate"),
    [(0.5, Fraction(25)), (0.5, NTSC_FILM), (3, NTSC_FILM), (3, Fraction(60)), (25, NTSC)],
    ids=lambda value: f"{float(value):.3f}",
)
def test_short_clips(tmp_path: Path, seconds: float, rate: Fraction) -> None:
    check(tmp_path, seconds, rate)


def test_a_variable_frame_rate(tmp_path: Path) -> None:
    check(tmp_path, 5, Fraction(30), variable=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seconds", "rate"),
    [(180, NTSC_FILM), (180, Fraction(25)), (600, NTSC), (600, Fraction(60))],
    ids=lambda value: f"{float(value):.3f}",
)
def test_long_clips(tmp_path: Path, seconds: float, rate: Fraction) -> None:
    check(tmp_path, seconds, rate)
