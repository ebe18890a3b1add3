"""Speech made on the spot, music that is not speech, and films with a sound of our choice."""

from __future__ import annotations

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

MUSIC = Path(__file__).parents[3] / "shared" / "media" / "music"
SAID = "Look at me. I have never seen anything like this before in my life. Where do we go now?"
RATE = 48_000

needs_flite = pytest.mark.skipif(
    shutil.which("flite") is None, reason="flite is not installed (make system-deps)"
)


def spoken(folder: Path, text: str = SAID) -> NDArray[np.float32]:
    """(samples,) of a woman's voice at 48 kHz, without the silence around it, peak 0.5."""
    path = folder / "voice.wav"
    subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(path)], check=True, capture_output=True)
    sound, rate = soundfile.read(path, dtype="float32")
    sound = np.asarray(soxr.resample(sound, rate, RATE), np.float32)
    loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())
    sound = sound[loud[0] : loud[-1]]
    return sound * np.float32(0.5 / np.abs(sound).max())


def music(name: str, seconds: float) -> NDArray[np.float32]:
    """(samples,) of a piece of the shared music at 48 kHz, peak 0.5; skips the test where it is missing."""
    found = sorted(MUSIC.glob(f"{name}*"))
    if not found:
        pytest.skip(f"needs {name} of ../shared/media/music")
    sound, rate = soundfile.read(found[0], dtype="float32", always_2d=True)
    mono = np.asarray(soxr.resample(sound.mean(1), rate, RATE), np.float32)
    return np.resize(mono, round(seconds * RATE)) * np.float32(0.5 / np.abs(mono).max())


def speaking_film(path: Path, seconds: float, sound: NDArray[np.float32], rate: int = 25) -> Path:
    """A box that falls and lands every 0.6 s, with `sound` (samples,) at 48 kHz from its first frame on."""
    texture = np.random.default_rng(1).integers(60, 120, (96, 160, 3), np.uint8)
    with av.open(str(path), "w") as film:
        video = film.add_stream("libx264", rate=rate)
        video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"
        video.codec_context.options = {"preset": "ultrafast"}
        audio = film.add_stream("aac", rate=RATE, layout="mono")
        for index in range(round(seconds * rate)):
            top = int(72 - 60 * abs(np.sin(np.pi * index / rate / 0.6)))
            picture = texture.copy()
            picture[top : top + 20, 70:90] = (230, 200, 40)
            film.mux(video.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        film.mux(video.encode(None))
        padded = np.pad(sound, (0, max(0, round(seconds * RATE) - len(sound))))
        for start in range(0, len(padded) - 1023, 1024):
            frame = av.AudioFrame.from_ndarray(padded[None, start : start + 1024], "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            film.mux(audio.encode(frame))
        film.mux(audio.encode(None))
    return path
