"""A clip's frames for analysis: only the range, upright, small, with exact clip times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av.container import InputContainer
from av.error import InvalidDataError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from hitpoint.errors import MediaError
from hitpoint.media.open import open_media
from hitpoint.values import MediaInfo, MediaRange

Picture = NDArray[np.uint8]

PICTURE_SIDE = 512  # long side of an analysed picture; the pose model itself looks at 256
THUMB_SIDE = 128  # long side of what cuts are read from
ANALYSIS_RATE = 30.0  # pictures per second of the clip; faster material is thinned to at most 4/3 of it
SEEK_FROM = Fraction(2)  # seconds into the file from which seeking beats decoding
MIN_DECODED = 0.9  # share of the range that a damaged file must still give


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of the clip. `picture` is RGB, None for most frames.

    `time` is in clip seconds and exact to the presentation stamp; the first may lie just before 0, as it
    is the one on screen when the clip starts. `thumb` is BGR, as PySceneDetect and OpenCV want it.
    """

    time: float
    thumb: Picture
    picture: Picture | None
    analysed: bool


def read_frames(
    media: MediaRange, info: MediaInfo, rate: float = ANALYSIS_RATE, picture_rate: float = ANALYSIS_RATE
) -> Iterator[Frame]:
    """Yield the frames of a range in file order (so clip times fall if the clip runs backwards).

    Every frame has a thumb; about `rate` per clip second are to be analysed, and of these `picture_rate` per
    clip second have a picture. Raises MissingMediaError, and MediaError if there is no picture or if a
    damaged file gives less than nine tenths of the range.
    """
    shown = 0.0
    with open_media(media.path) as container:
        stream = _video_stream(media, container)
        shape = stream.sample_aspect_ratio or Fraction(1), info.rotation
        thumbs, pictures = _Upright(*shape, THUMB_SIDE, "bgr24"), _Upright(*shape, PICTURE_SIDE, "rgb24")
        step = 1 / info.frame_rate
        analysed, pictured = _Thinning(rate), _Thinning(picture_rate)
        for file_time, picture in _in_range(container, stream, media, step):
            time = _clip_time(file_time, media, step)
            shown = max(shown, _covered(media, file_time + step))
            taken = analysed.takes(time)
            large = pictures.of(picture) if taken and pictured.takes(time) else None
            yield Frame(time, thumbs.of(picture), large, taken)
    if shown < MIN_DECODED:
        raise MediaError(
            f"Only {shown:.0%} of the range of {media.path.name} can be decoded.",
            "Play it in another program; export it again if it stops there too.",
        )


def _video_stream(media: MediaRange, container: InputContainer) -> VideoStream:
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            stream.thread_type = "AUTO"
            return stream
    raise MediaError(f"{media.path.name} has no picture.", "Choose a clip with video.")


def _clip_time(file_time: Fraction, media: MediaRange, step: Fraction) -> float:
    """When the frame comes on screen; played backwards, that is where it would otherwise leave it."""
    if not media.speed:
        return 0.0
    comes = file_time + step if media.speed < 0 else file_time
    return float((comes - media.start) / media.speed)


class _Thinning:
    """Takes some of the frames, about `rate` per clip second and at most 4/3 of it."""

    def __init__(self, rate: float) -> None:
        self._apart = 0.75 / rate
        self._last = -np.inf

    def takes(self, time: float) -> bool:
        """Whether the next frame, at `time`, is one of them."""
        taken = bool(abs(time - self._last) >= self._apart)
        self._last = time if taken else self._last
        return taken


def _covered(media: MediaRange, until: Fraction) -> float:
    """Share of the range that has been shown at file time `until`."""
    end = media.start + media.duration * media.speed
    span = abs(end - media.start)
    return float((until - min(media.start, end)) / span) if span else 1.0


def _in_range(
    container: InputContainer, stream: VideoStream, media: MediaRange, step: Fraction
) -> Iterator[tuple[Fraction, VideoFrame]]:
    """Yield (seconds from the file's first frame, frame), from the one on screen at the range's start."""
    end = media.start + media.duration * media.speed
    low, high = min(media.start, end), max(media.start, end)
    held: tuple[Fraction, VideoFrame] | None = None  # on screen at `low`: known once the next one has come
    for time, frame in _timed(container, stream, low, step):
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
    container: InputContainer, stream: VideoStream, low: Fraction, step: Fraction
) -> Iterator[tuple[Fraction, VideoFrame]]:
    """Decode from the key frame before `low`; frames without a stamp follow the one before them."""
    base = stream.time_base or Fraction(1, 1000)
    frames = _decoded(container, stream)
    first = next(frames, None)
    if first is None:
        return
    origin = (first.pts or 0) * base
    time = Fraction(0)
    if low > SEEK_FROM and first.pts is not None:
        container.seek(int((origin + low - 1) / base), stream=stream, backward=True)
        frames, time = _decoded(container, stream), -step
    else:
        yield time, first
    for frame in frames:
        time = frame.pts * base - origin if frame.pts is not None else time + step
        yield time, frame


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """All frames from here on; a broken packet is left out, its share of the range is judged in the end."""
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except InvalidDataError:
            continue
        yield from frames


class _Upright:
    """Scales frames so that the long side is `side`, with square pixels, and turns them upright.

    Full frames are read once, by the scaler, and never copied. It is kept from frame to frame: setting it up
    takes as long as scaling.
    """

    def __init__(self, aspect: Fraction, rotation: int, side: int, layout: str) -> None:
        self._aspect, self._turns = float(aspect), -rotation // 90
        self._side, self._layout = side, layout
        self._scaler = VideoReformatter()

    def of(self, frame: VideoFrame) -> Picture:
        """The frame as (height, width, 3)."""
        wide, high = frame.width * self._aspect, float(frame.height)
        scale = min(1.0, self._side / max(wide, high))
        width, height = max(16, round(wide * scale)), max(16, round(high * scale))
        small = self._scaler.reformat(frame, width, height, self._layout, interpolation="AREA", threads=1)
        return np.ascontiguousarray(np.rot90(small.to_ndarray(), self._turns), np.uint8)
