"""Timelines rendered by melt: which frame of the film each picture shows, and what is heard."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from hitpoint.timeline.formats.sheet import Sheet

BLACK = -1
CYCLE = 13
"""`counted_film` counts so many frames in its brightness, then begins again."""


def counted_film(path: Path, frames: int, rate: Fraction) -> Path:
    """A film from 01:00:00:00 on, silent; frame n is as bright as n modulo CYCLE says."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.metadata["timecode"] = "01:00:00:00"
        for number in range(frames):
            picture = np.full((48, 64, 3), 32 + 16 * (number % CYCLE), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def melt(path: Path, out: Path, frames: int) -> tuple[list[int], NDArray[np.float64]]:
    """Render `path` with melt; the number of the film's frame in each picture (BLACK for none), the sound."""
    consumer = [f"avformat:{out}", "vcodec=ffv1", "acodec=pcm_s16le", "ar=48000", "real_time=-1"]
    environment = {"PATH": "/usr/bin:/bin", "QT_QPA_PLATFORM": "offscreen", "HOME": str(path.parent)}
    command = [
        "timeout",
        "-s",
        "KILL",
        "100",
        "melt",
        "-progress",
        str(path),
        f"out={frames - 1}",
        "-consumer",
        *consumer,
    ]
    subprocess.run(
        command, check=True, capture_output=True, timeout=120, env=environment, stdin=subprocess.DEVNULL
    )
    pictures: list[int] = []
    blocks: list[NDArray[np.int16]] = []
    with av.open(str(out)) as film:
        for packet in film.demux():
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    level = float(frame.to_ndarray(format="rgb24").mean())
                    pictures.append(BLACK if level < 16 else round((level - 32) / 16) % CYCLE)
                else:
                    blocks.append(frame.to_ndarray())
    sound = np.concatenate(blocks, 1).reshape(-1, 2)[:, 0] / 32768.0
    return pictures, sound


def expected(sheet: Sheet) -> list[int | None]:
    """What `sheet` shows in each of its frames; None within transitions."""
    total = round(sheet.duration * sheet.rate)
    shown: list[int | None] = [BLACK] * total
    for lane in sheet.of_kind("Video"):
        for at, piece in lane.placed():
            first, length = round(at * sheet.rate), round(piece.duration * sheet.rate)
            if piece.is_gap or not piece.enabled or piece.media is None:
                continue
            for n in range(min(length, total - first)):
                record = n / sheet.rate
                forward = record if piece.speed >= 0 else piece.duration - record - 1 / sheet.rate
                frame = (piece.start - piece.media.start + forward * abs(piece.speed)) * sheet.rate
                shown[first + n] = int(frame) % CYCLE
        for at, fade in lane.fades():
            for n in range(round((at - fade.before) * sheet.rate), round((at + fade.after) * sheet.rate)):
                shown[n] = None
    return shown


def onset(sound: NDArray[np.float64]) -> float:
    """When something is first heard, in seconds."""
    return float(np.flatnonzero(np.abs(sound) > 0.05)[0]) / 48000
