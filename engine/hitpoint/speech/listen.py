"""The sound of a stretch of a media file, as a speech detector wants it: 16 kHz, mono, in small chunks."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import InvalidDataError
from av.stream import Disposition
from numpy.typing import NDArray

from hitpoint.media.open import open_media
from hitpoint.values import MediaRange

RATE = 16_000
CHUNK = 512  # samples: 32 ms
_BEFORE = Fraction(1, 2)  # seconds decoded before the range, for codecs that need a start

Samples = NDArray[np.int16]


def chunks(media: MediaRange) -> Iterator[Samples]:
    """(CHUNK,) 16-bit samples from the range's earliest file time on, in file order; none without sound.

    Only the first sound stream is heard. Constant memory. Raises MissingMediaError and MediaError.
    """
    low, high = sorted((media.start, media.start + media.duration * media.speed))
    with open_media(media.path) as container:
        stream = next((s for s in container.streams.audio if getattr(s, "codec_context", None)), None)
        if stream is None:
            return
        rest = np.zeros(0, np.int16)
        for samples in _exact(_sound(container, stream, low), low, high):
            rest = np.concatenate([rest, samples])
            whole = len(rest) // CHUNK * CHUNK
            yield from rest[:whole].reshape(-1, CHUNK)
            rest = rest[whole:]


def _exact(sound: Iterator[tuple[Fraction, Samples]], low: Fraction, high: Fraction) -> Iterator[Samples]:
    """What lies from `low` to `high`, with silence in the holes that the file has."""
    place = round(low * RATE)
    end = round(high * RATE)
    for time, samples in sound:
        at = round(time * RATE)
        samples = samples[max(0, place - at) :]
        at = max(at, place)
        if at >= end:
            break
        if at - place > CHUNK:  # what is less comes from rounding
            yield np.zeros(at - place, np.int16)
            place = at
        yield samples[: end - place]
        place += len(samples[: end - place])


def _sound(
    container: InputContainer, stream: AudioStream, low: Fraction
) -> Iterator[tuple[Fraction, Samples]]:
    """(seconds from the first frame of the picture, mono samples), in order of time."""
    zero = _zero(container)
    base = stream.time_base or Fraction(1, RATE)
    if low > _BEFORE:
        container.seek(int((low + zero - _BEFORE) / base), stream=stream, backward=True)
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    time: Fraction | None = None
    for frame in _decoded(container, stream):
        if time is None:
            time = (frame.pts or 0) * base - zero
        for each in resampler.resample(frame):
            samples = np.asarray(each.to_ndarray()[0], np.int16)
            yield time, samples
            time += Fraction(len(samples), RATE)


def _zero(container: InputContainer) -> Fraction:
    """The stamp of the first picture, which is where the time of a file begins."""
    for video in container.streams.video:
        if not video.disposition & Disposition.attached_pic and video.time_base is not None:
            return (video.start_time or 0) * video.time_base
    return Fraction(0)


def _decoded(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except InvalidDataError:
            continue
        yield from frames
