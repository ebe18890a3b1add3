"""The facts in a media file's header: quick, for files with sound only too, and less sure than `probe`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from hitpoint.media.open import open_media
from hitpoint.media.timecode import parse_timecode, snap_rate


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """`size` and `rate` are None without a picture, `channels` is 0 without sound; times in seconds."""

    start: Fraction
    duration: Fraction | None
    rate: Fraction | None
    size: tuple[int, int] | None
    channels: int
    sample_rate: int


def facts_of(path: Path) -> MediaFacts:
    """Read the header of `path`. Raises MissingMediaError and MediaError."""
    with open_media(path) as container:
        picture = next(iter(container.streams.video), None)
        sound = next(iter(container.streams.audio), None)
        rate = None
        if picture is not None and (found := picture.average_rate or picture.guessed_rate):
            rate = snap_rate(Fraction(found))
        duration = None
        if picture is not None and picture.duration and picture.time_base:
            duration = picture.duration * picture.time_base
        elif container.duration:
            duration = Fraction(container.duration, av.time_base)
        if rate is not None and duration is not None:
            duration = round(duration * rate) / rate
        streams = [*container.streams.video, *container.streams.data]
        texts = [container.metadata.get("timecode"), *(s.metadata.get("timecode") for s in streams)]
        return MediaFacts(
            start=_timecode([text for text in texts if text], rate),
            duration=duration,
            rate=rate,
            size=None if picture is None else (picture.width, picture.height),
            channels=0 if sound is None else sound.channels,
            sample_rate=0 if sound is None else sound.rate,
        )


def _timecode(texts: list[str], rate: Fraction | None) -> Fraction:
    for text in texts:
        try:
            return parse_timecode(text, rate or Fraction(25))
        except ValueError:
            continue
    return Fraction(0)
