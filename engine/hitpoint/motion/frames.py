"""A clip's frames for analysis: only the range, upright, small, with exact clip times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
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
    speed = float(media.speed)
    shown_until = 0.0
    last_taken = -np.inf
    count = 0
    previous: float | None = None
    try:
        for file_time, frame in _decode(media):
            time = float(file_time - media.start) / speed if speed else 0.0
            taken = abs(time - last_taken) >= 0.75 / rate
            last_taken = time if taken else last_taken
            picture = _upright(frame, info.rotation, PICTURE_SIDE, "rgb24") if taken else None
            thumb = _thumb(frame, picture, info.rotation)
            shown_until = max(shown_until, _covered(media, file_time, previous))
            previous = float(file_time)
            count += 1
            yield Frame(time, thumb, picture)
    except av.error.FFmpegError as error:
        raise MediaError(f"{media.path.name} cannot be decoded ({error.strerror}).", _TODO) from error
    if not count:
        raise MediaError(f"{media.path.name} has no picture in this range.", _TODO)
    if shown_until < MIN_DECODED:
        share = f"{shown_until:.0%}"
        raise MediaError(f"Only {share} of the range of {media.path.name} can be decoded.", _TODO)


_TODO = "Open it in a player, and export it again if it does not play there either."


def _covered(media: MediaRange, file_time: Fraction, previous: float | None) -> float:
    """Share of the range that is decoded once this frame is, counting the time it stays on screen."""
    span = float(abs(media.duration * media.speed))
    if not span:
        return 1.0
    low = float(min(media.start, media.start + media.duration * media.speed))
    step = float(file_time) - previous if previous is not None else span
    return (float(file_time) + step - low) / span


def _decode(media: MediaRange) -> Iterator[tuple[Fraction, VideoFrame]]:
    """Yield (seconds from the first frame of the file, frame) from the frame on screen at the range's start."""
    end = media.start + media.duration * media.speed
    low, high = min(media.start, end), max(media.start, end)
    held: tuple[Fraction, VideoFrame] | None = None  # on screen at `low`, known only when the next one comes
    with av.open(str(media.path)) as container:
        if not container.streams.video:
            raise MediaError(f"{media.path.name} has no picture.", "Choose a clip with video.")
        for time, frame in _timed(container, container.streams.video[0], low):
            if time <= low:
                held = (time, frame)
                continue
            if held is not None:
                yield held
                held = None
            if time >= high:
                return
            yield time, frame
        if held is not None:
            yield held


def _timed(
    container: av.container.InputContainer, stream: VideoStream, low: Fraction
) -> Iterator[tuple[Fraction, VideoFrame]]:
    """Decode from the key frame before `low`; frames without a stamp follow the one before them."""
    stream.thread_type = "AUTO"
    base = stream.time_base or Fraction(1, 1000)
    origin = (stream.start_time or 0) * base
    step = 1 / (stream.average_rate or Fraction(25))
    if low > SEEK_FROM:
        container.seek(int((origin + low - 1) / base), stream=stream, backward=True)
    time = -step
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue  # one broken packet; what is missing in the end is judged by its share
        for frame in frames:
            assert isinstance(frame, VideoFrame)  # a video stream gives nothing else
            time = frame.pts * base - origin if frame.pts is not None else time + step
            yield time, frame


def _thumb(frame: VideoFrame, picture: Picture | None, rotation: int) -> Picture:
    """From the picture where there is one: shrinking twice is cheaper than converting twice."""
    if picture is None:
        return _upright(frame, rotation, THUMB_SIDE, "bgr24")
    height, width = picture.shape[:2]
    scale = THUMB_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)


def _upright(frame: VideoFrame, rotation: int, side: int, layout: str) -> Picture:
    """Scale so that the long side is `side`, with square pixels, and turn upright."""
    aspect = frame.sample_aspect_ratio or Fraction(1)
    wide, high = frame.width * float(aspect), float(frame.height)
    scale = min(1.0, side / max(wide, high))
    small = frame.reformat(
        width=max(16, round(wide * scale)), height=max(16, round(high * scale)), format=layout, interpolation="AREA"
    ).to_ndarray()
    return np.ascontiguousarray(np.rot90(small, -rotation // 90))
