"""What a media file is: the exact length of its picture, its true frame rate, and which way is up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from hitpoint.errors import MediaError
from hitpoint.media.open import open_media
from hitpoint.media.timecode import parse_timecode, snap_rate
from hitpoint.values import MediaInfo

_SCAN_WHOLE_BYTES = 1 << 30
"""Up to this size every packet header is read; of larger files the beginning and the end."""
_HEAD_PACKETS = 2000
_TRUNCATED_BELOW = Fraction(97, 100)  # of the length that the header promises


@dataclass(frozen=True, slots=True)
class _Scan:
    """The picture packets that were looked at, in order of presentation, times in seconds."""

    times: tuple[Fraction, ...]
    last_duration: Fraction
    complete: bool

    @property
    def span(self) -> Fraction:
        """From the first picture to the end of the last."""
        return self.times[-1] + self.last_duration - self.times[0]


def probe(path: Path | str) -> MediaInfo:
    """Read the facts of the first video stream of `path`; decodes one frame to know that it can be.

    The duration is the picture's own (a longer sound track does not count). For a constant frame rate it
    is the number of frames times the frame duration, exactly. Raises MissingMediaError and MediaError.
    """
    path = Path(path)
    with open_media(path) as container:
        video = _video_stream(path, container)
        scan = _scan(path, container, video)
        declared = _declared_rate(video)
        variable = _is_variable(scan, declared)
        rate, duration = _rate_and_duration(scan, video, declared, variable)
        return MediaInfo(
            path=path,
            duration=duration,
            frame_rate=rate,
            width=video.width,
            height=video.height,
            rotation=_rotation(path, container, video),
            variable_rate=variable,
            has_audio=bool(container.streams.audio),
            start_timecode=_start_timecode(container, video, rate),
        )


def _video_stream(path: Path, container: InputContainer) -> VideoStream:
    # A cover picture in a music file is a video stream to FFmpeg, and none to an editor.
    pictures = [v for v in container.streams.video if not v.disposition & Disposition.attached_pic]
    if not pictures:
        raise MediaError(f"{path} has no picture (no video stream).", "Choose a file with video.")
    video = pictures[0]
    if video.codec_context.width < 2 or video.codec_context.height < 2:
        raise MediaError(f"The picture of {path} has no size.", "Export it again.")
    return video


def _declared_rate(video: VideoStream) -> Fraction:
    for rate in (video.average_rate, video.guessed_rate, video.base_rate):
        if rate is not None and 0 < rate <= 1000:
            return snap_rate(Fraction(rate))
    return Fraction(25)


def _scan(path: Path, container: InputContainer, video: VideoStream) -> _Scan:
    """Presentation times by demuxing alone. Raises MediaError for no pictures and for a cut-off file."""
    whole = path.stat().st_size <= _SCAN_WHOLE_BYTES
    packets: list[Packet[VideoStream]] = []
    for packet in _pictures(container.demux(video)):
        packets.append(packet)
        if not whole and len(packets) >= _HEAD_PACKETS:
            break
    if not whole and video.duration:
        container.seek((video.start_time or 0) + video.duration, stream=video)
        packets += _pictures(container.demux(video))
    if not packets:
        raise MediaError(f"{path} has no frames in its video stream.", "Export it again.")
    base = video.time_base or Fraction(1, 1000)
    ticks = sorted({packet.pts for packet in packets if packet.pts is not None})
    last = max(packets, key=lambda packet: packet.pts or 0)
    step = last.duration or (ticks[-1] - ticks[-2] if len(ticks) > 1 else 0)
    scan = _Scan(tuple(tick * base for tick in ticks), step * base, whole)
    if video.duration and scan.span < video.duration * base * _TRUNCATED_BELOW:
        raise MediaError(
            f"{path} is truncated: it ends after {float(scan.span):.2f} s "
            f"of {float(video.duration * base):.2f} s.",
            "The recording or copy was cut off; copy or export it again.",
        )
    return scan


def _pictures(packets: Iterable[Packet[VideoStream]]) -> Iterable[Packet[VideoStream]]:
    # Discarded packets are those that an edit list hides; the last packet of a demux is an empty flush.
    return (p for p in packets if p.pts is not None and not p.is_discard)


def _is_variable(scan: _Scan, rate: Fraction) -> bool:
    """Whether frames come unevenly: a step off the nominal one by more than containers' rounding."""
    step = 1 / rate
    slack = max(step / 5, Fraction(2, 1000))  # Matroska rounds every time to a millisecond
    steps = [b - a for a, b in pairwise(scan.times)]
    if not scan.complete:  # the jump from the sampled beginning to the sampled end is no step
        steps = sorted(steps)[:-1]
    return any(abs(each - step) > slack for each in steps)


def _rate_and_duration(
    scan: _Scan, video: VideoStream, declared: Fraction, variable: bool
) -> tuple[Fraction, Fraction]:
    if variable:
        # An editor conforms such a file to the nominal rate of the camera, not to the average.
        guessed = video.guessed_rate or video.base_rate
        nominal = snap_rate(Fraction(guessed)) if guessed and 5 <= guessed <= 240 else declared
        return nominal, scan.span
    frames = len(scan.times) if scan.complete else round((scan.times[-1] - scan.times[0]) * declared) + 1
    return declared, frames / declared


def _rotation(path: Path, container: InputContainer, video: VideoStream) -> int:
    """Degrees clockwise to turn the picture; FFmpeg counts the other way round."""
    container.seek(0, any_frame=False)
    for frame in container.decode(video):
        return round(-frame.rotation / 90) % 4 * 90
    raise MediaError(f"No frame of {path} can be decoded.", "Play it in another program, or export it again.")


def _start_timecode(container: InputContainer, video: VideoStream, rate: Fraction) -> Fraction:
    for metadata in (container.metadata, video.metadata, *(s.metadata for s in container.streams.data)):
        text = metadata.get("timecode")
        if text:
            try:
                return parse_timecode(text, rate)
            except ValueError:
                continue
    return Fraction(0)
