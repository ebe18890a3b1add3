"""A clip's frames for analysis: only the range, upright, small, with exact clip times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.error import InvalidDataError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from hitpoint.errors import MediaError
from hitpoint.values import MediaInfo, MediaRange

Picture = NDArray[np.uint8]

PICTURE_SIDE = 512  # long side of an analysed picture; the pose model itself looks at 256
THUMB_SIDE = 128  # long side of what cuts are read from
ANALYSIS_RATE = 30.0  # pictures per second of the clip; faster material is thinned to at most 4/3 of it
SEEK_FROM = Fraction(2)  # seconds into the file from which seeking beats decoding
MIN_DECODED = 0.9  # share of the range that a damaged file must still give


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of the clip. `picture` is RGB, None for frames between the analysed ones.

    `time` is in clip seconds and exact to the presentation stamp; the first may lie just before 0, as it
    is the one on screen when the clip starts. `thumb` is BGR, as PySceneDetect and OpenCV want it.
    """

    time: float
    thumb: Picture
    picture: Picture | None


def read_frames(media: MediaRange, info: MediaInfo, rate: float = ANALYSIS_RATE) -> Iterator[Frame]:
    """Yield the frames of a range in file order (so clip times fall if the clip runs backwards).

    Every frame has a thumb; about `rate` per clip second have a picture. Raises MediaError if there is no
    picture at all or if a damaged file gives less than nine tenths of the range.
    """
    shown = 0.0
    try:
        with av.open(str(media.path)) as container:
            if not container.streams.video:
                raise MediaError(f"{media.path.name} has no picture.", "Choose a clip with video.")
            stream = container.streams.video[0]
            for file_time, frame in _thinned(_in_range(container, stream, media), media, info, rate):
                shown = max(shown, _covered(media, file_time + 1 / _rate_of(stream)))
                yield frame
    except av.error.FFmpegError as error:
        raise MediaError(f"{media.path.name} cannot be decoded ({error.strerror}).", _TODO) from error
    if shown < MIN_DECODED:
        raise MediaError(f"Only {shown:.0%} of the range of {media.path.name} can be decoded.", _TODO)


def _thinned(
    frames: Iterator[tuple[Fraction, VideoFrame, Fraction]], media: MediaRange, info: MediaInfo, rate: float
) -> Iterator[tuple[Fraction, Frame]]:
    """Make pictures of as many frames as the rate asks for, thumbs of all."""
    last_taken = -np.inf
    for file_time, frame, aspect in frames:
        time = float((file_time - media.start) / media.speed) if media.speed else 0.0
        picture: Picture | None = None
        if abs(time - last_taken) >= 0.75 / rate:
            picture = _upright(frame, aspect, info.rotation, PICTURE_SIDE, "rgb24")
            last_taken = time
            thumb = _shrunk(picture)
        else:
            thumb = _upright(frame, aspect, info.rotation, THUMB_SIDE, "bgr24")
        yield file_time, Frame(time, thumb, picture)


_TODO = "Open it in a player, and export it again if it does not play there either."


def _rate_of(stream: VideoStream) -> Fraction:
    return stream.average_rate or stream.guessed_rate or Fraction(25)


def _covered(media: MediaRange, until: Fraction) -> float:
    """Share of the range that has been shown at file time `until`."""
    end = media.start + media.duration * media.speed
    span = abs(end - media.start)
    return float((until - min(media.start, end)) / span) if span else 1.0


def _in_range(
    container: InputContainer, stream: VideoStream, media: MediaRange
) -> Iterator[tuple[Fraction, VideoFrame, Fraction]]:
    """Yield (seconds from the first frame of the file, frame, pixel aspect) from what the range's start shows."""
    end = media.start + media.duration * media.speed
    low, high = min(media.start, end), max(media.start, end)
    aspect = stream.sample_aspect_ratio or Fraction(1)
    held: tuple[Fraction, VideoFrame] | None = None  # on screen at `low`: known once the next one has come
    for time, frame in _timed(container, stream, low):
        if time <= low:
            held = (time, frame)
            continue
        if held is not None:
            yield *held, aspect
            held = None
        if time >= high:
            return
        yield time, frame, aspect
    if held is not None:
        yield *held, aspect


def _timed(
    container: InputContainer, stream: VideoStream, low: Fraction
) -> Iterator[tuple[Fraction, VideoFrame]]:
    """Decode from the key frame before `low`; frames without a stamp follow the one before them."""
    stream.thread_type = "AUTO"
    base = stream.time_base or Fraction(1, 1000)
    origin = (stream.start_time or 0) * base
    step = 1 / _rate_of(stream)
    if low > SEEK_FROM:
        container.seek(int((origin + low - 1) / base), stream=stream, backward=True)
    time = -step
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except InvalidDataError:
            continue  # one broken packet; what is missing in the end is judged by its share
        for frame in frames:
            time = frame.pts * base - origin if frame.pts is not None else time + step
            yield time, cast(VideoFrame, frame)


def _shrunk(picture: Picture) -> Picture:
    """A thumb from the picture: cheaper than converting the full frame twice."""
    height, width = picture.shape[:2]
    scale = THUMB_SIDE / max(height, width)
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    return cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)


def _upright(frame: VideoFrame, aspect: Fraction, rotation: int, side: int, layout: str) -> Picture:
    """Scale so that the long side is `side`, with square pixels, and turn upright."""
    wide, high = frame.width * float(aspect), float(frame.height)
    scale = min(1.0, side / max(wide, high))
    width, height = max(16, round(wide * scale)), max(16, round(high * scale))
    small = frame.reformat(width=width, height=height, format=layout, interpolation="AREA").to_ndarray()
    return np.ascontiguousarray(np.rot90(small, -rotation // 90))
