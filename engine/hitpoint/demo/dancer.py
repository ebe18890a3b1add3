"""A dancer drawn frame by frame, whose impacts and cuts are known exactly.

`hitpoint demo` scores it, and the extractor is measured on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
from av.codec import codecs_available

from hitpoint.demo.choreography import Choreography, choreograph
from hitpoint.demo.figure import Colour, Outfit, Painter, Picture, Vector, skeleton
from hitpoint.progress import Progress

SIZE = (1280, 720)
STAGE = "drawing the dancer"
_FIGURE = 0.72  # height of the standing dancer in shares of the picture's
_HEIGHT = 3.25  # of the dancer in torsos
_CUT_FREE_S = 0.3  # a cut keeps this far from every impact


@dataclass(frozen=True, slots=True)
class Dance:
    """What the film shows, in seconds from its start."""

    impacts: tuple[float, ...]
    cuts: tuple[float, ...]
    bpm: float


@dataclass(frozen=True, slots=True)
class _View:
    """One camera set-up: how near, how far to the side, how fast it moves, and the colours of the stage."""

    zoom: float = 1.0
    aside: float = 0.0  # torsos that the dancer stands off the middle
    wall: Colour = (58, 66, 104)
    floor: Colour = (92, 80, 84)
    light: Colour = (255, 226, 190)


_VIEWS = (
    _View(),
    _View(zoom=1.12, aside=0.35, wall=(112, 58, 78), floor=(70, 58, 66), light=(255, 200, 210)),
    _View(zoom=0.8, aside=-0.6, wall=(44, 92, 96), floor=(96, 98, 92), light=(210, 255, 240)),
    _View(zoom=1.08, aside=-0.3, wall=(132, 112, 70), floor=(84, 70, 56), light=(255, 236, 170)),
)


def render_dancer(
    path: Path,
    seconds: float = 25.0,
    fps: Fraction | int = 25,
    size: tuple[int, int] = SIZE,
    seed: int = 1,
    *,
    bpm: float | None = None,
    shots: int = 1,
    camera: float = 0.0,
    progress: Progress | None = None,
) -> Dance:
    """Draw a dance into an MP4 file and return what is in it.

    `size` is (width, height); `shots` are separated by cuts to other framings and colours; `camera` is how
    fast the camera travels, in torso lengths per second. The same arguments give the same film.
    """
    dance = choreograph(seconds, seed, bpm)
    frames = round(seconds * fps)
    cut_frames = _cut_frames(dance, frames, Fraction(fps), shots)
    report = progress or Progress()
    with av.open(str(path), "w") as film:
        codec: Literal["libx264", "mpeg4"] = "libx264" if "libx264" in codecs_available else "mpeg4"
        stream = film.add_stream(codec, rate=Fraction(fps))
        stream.width, stream.height, stream.pix_fmt = size[0], size[1], "yuv420p"
        stream.options = {"crf": "18", "preset": "veryfast"} if codec == "libx264" else {"q:v": "3"}
        for index, picture in enumerate(_pictures(dance, frames, Fraction(fps), size, cut_frames, camera)):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            report.report(STAGE, (index + 1) / frames)
        film.mux(stream.encode(None))
    return Dance(dance.impacts, tuple(float(frame / Fraction(fps)) for frame in cut_frames), dance.bpm)


def _cut_frames(dance: Choreography, frames: int, fps: Fraction, shots: int) -> tuple[int, ...]:
    """Frames that begin a shot: spread evenly, moved to where no impact is near."""
    chosen: list[int] = []
    for number in range(1, shots):
        wanted = number * frames / shots
        free = [
            frame
            for frame in range(1, frames)
            if all(abs(float(frame / fps) - impact) >= _CUT_FREE_S for impact in dance.impacts)
        ]
        chosen.append(min(free, key=lambda frame: abs(frame - wanted)))
    return tuple(sorted(set(chosen)))


def _pictures(
    dance: Choreography,
    frames: int,
    fps: Fraction,
    size: tuple[int, int],
    cuts: tuple[int, ...],
    camera: float,
) -> Iterator[Picture]:
    stages: dict[int, Picture] = {}
    for frame in range(frames):
        shot = sum(cut <= frame for cut in cuts)
        view = _VIEWS[shot % len(_VIEWS)]
        began = cuts[shot - 1] if shot else 0
        if shot not in stages:
            stages = {shot: _stage(view, size, camera * frames / float(fps))}
        travelled = camera * float((frame - began) / fps)
        picture, torso, origin = _through_camera(stages[shot], view, size, travelled)

        def to_pixels(points: Vector, torso: float = torso, origin: Vector = origin) -> Vector:
            return points * torso + origin

        painter = Painter(picture, to_pixels, torso, Outfit())
        body = skeleton(dance.pose_at(float(frame / fps)))
        painter.shadow(body)
        painter.dancer(body)
        yield np.asarray(cv2.GaussianBlur(picture, (3, 3), 0), np.uint8)


def _through_camera(
    stage: Picture, view: _View, size: tuple[int, int], travelled: float
) -> tuple[Picture, float, Vector]:
    """The part of the stage in view, pixels per torso, and where the floor under the dancer is."""
    width, height = size
    torso = height * _FIGURE / _HEIGHT * view.zoom
    shift = travelled * torso
    origin = np.array([width / 2 + view.aside * torso + shift, height * 0.92])
    if stage.shape[1] == width:
        return stage.copy(), torso, origin
    left = (stage.shape[1] - width) / 2 - shift
    window = np.array([[1, 0, -left], [0, 1, 0]], np.float64)
    picture = cv2.warpAffine(stage, window, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(picture, np.uint8), torso, origin


def _stage(view: _View, size: tuple[int, int], travel: float) -> Picture:
    """Wall, floor, light beams and panels, wide enough for the camera to travel along."""
    height = size[1]
    torso = height * _FIGURE / _HEIGHT * view.zoom
    width = size[0] + 2 * round(abs(travel) * torso)
    rows = np.linspace(0, 1, height)[:, None, None]
    picture = np.where(
        rows < 0.74, np.array(view.wall) * (0.55 + 0.6 * rows), np.array(view.floor) * (0.5 + 0.7 * rows)
    )
    picture = np.broadcast_to(picture, (height, width, 3)).astype(np.float32).copy()
    for panel in range(0, width, max(1, round(height * 0.3))):
        edge = slice(panel, panel + max(1, height // 240))
        picture[: int(height * 0.74), edge] *= 0.8
        picture[int(height * 0.06) : int(height * 0.09), panel + height // 20 : panel + height // 6] += (
            np.array(view.light) * 0.35
        )
    columns = np.arange(width)[None, :, None] - width / 2 - view.aside * torso
    for lamp in (-0.9, 0.0, 0.9):
        middle, spread = lamp * height * (1 - 0.75 * rows), height * (0.06 + 0.22 * rows)
        picture += np.exp(-(((columns - middle) / spread) ** 2)) * np.array(view.light) * 0.10
    pool = (columns / (height * 0.75)) ** 2 + ((rows - 0.92) / 0.13) ** 2
    picture += np.exp(-pool) * np.array(view.light) * 0.22
    return np.clip(picture, 0, 255).astype(np.uint8)
