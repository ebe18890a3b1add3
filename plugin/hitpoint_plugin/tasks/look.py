"""Quick looks: open a timeline, fetch pictures, draw a waveform, fit a beat grid."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np

from hitpoint.errors import MediaError
from hitpoint.progress import Progress
from hitpoint.values import Floats, HitPoint, MediaRange, Piece, Scope, TempoMap, TimelineInfo
from hitpoint_plugin.tasks.base import Task

_GLANCE = Fraction(1, 50)  # of a clip is enough to get the frame that it starts with


@dataclass(frozen=True, slots=True)
class Open(Task):
    """Read a timeline or a video file."""

    result: ClassVar[type] = TimelineInfo
    path: Path
    media_root: Path | None = None  # where media that has moved is sought

    def run(self, progress: Progress) -> TimelineInfo:
        """Its clips."""
        from hitpoint.timeline.read import read_timeline

        return read_timeline(self.path, self.media_root)


@dataclass(frozen=True, slots=True)
class PictureSet:
    """JPEG files as base64, evenly spaced over the range they were asked for; empty where none decoded."""

    jpegs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pictures(Task):
    """Fetch `count` evenly spaced frames of a range, at most `side` pixels long."""

    result: ClassVar[type] = PictureSet
    media: MediaRange
    count: int = 1
    side: int = 160

    def run(self, progress: Progress) -> PictureSet:
        """The frame on screen in the middle of each of `count` equal parts."""
        found = []
        for part, time in enumerate(_middles(self.media.duration, self.count)):
            progress.report("fetching pictures", part / self.count)
            found.append(_frame_at(self.media, time, self.side))
        return PictureSet(tuple(found))


@dataclass(frozen=True, slots=True)
class Line:
    """What a line of clips shows, piece after piece, and pictures evenly spaced over it."""

    pieces: tuple[Piece, ...]
    pictures: PictureSet


@dataclass(frozen=True, slots=True)
class LineOf(Task):
    """See several clips as the engine will: laid end to end, the highest of them seen."""

    result: ClassVar[type] = Line
    timeline: TimelineInfo
    clips: tuple[int, ...]
    count: int = 1
    side: int = 160

    def run(self, progress: Progress) -> Line:
        """Its pieces, and the frame in the middle of each of `count` equal parts."""
        from hitpoint.timeline.scope import select_scope

        line = select_scope(self.timeline, Scope(clips=tuple(map(str, self.clips))))
        found = []
        for part, time in enumerate(_middles(line.duration, self.count)):
            progress.report("fetching pictures", part / self.count)
            piece = next(each for each in line.pieces if time < each.start + each.duration)
            seen = "" if piece.media is None else _frame_at(piece.media, time - piece.start, self.side)
            found.append(seen)
        return Line(line.pieces, PictureSet(tuple(found)))


def _middles(duration: Fraction, count: int) -> list[Fraction]:
    """Of so many equal parts, in seconds."""
    return [duration * Fraction(2 * part + 1, 2 * count) for part in range(count)]


def _frame_at(media: MediaRange, time: Fraction, side: int) -> str:
    """What a clip shows at a time of its own, at most `side` pixels long, as `PictureSet` has it."""
    import cv2

    from hitpoint.media.probe import probe
    from hitpoint.motion.frames import read_frames

    start = max(Fraction(0), media.start + time * media.speed)
    glance = replace(media, start=start, duration=_GLANCE, speed=Fraction(1))
    frames = read_frames(glance, probe(media.path))
    try:
        picture = next((frame.picture for frame in frames if frame.picture is not None), None)
    except MediaError:
        return ""
    if picture is None:
        return ""
    scale = min(1.0, side / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    flags = [cv2.IMWRITE_JPEG_QUALITY, 82]
    coded = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), flags)[1]
    return base64.b64encode(coded.tobytes()).decode("ascii")


@dataclass(frozen=True, slots=True)
class Waveform:
    """The lowest and highest sample of each of many equal stretches, (bins,) each, -1 to 1."""

    low: Floats
    high: Floats
    seconds: float


@dataclass(frozen=True, slots=True)
class WaveformOf(Task):
    """Measure the outline of a sound file after its first `skip` seconds."""

    result: ClassVar[type] = Waveform
    path: Path
    skip: Fraction = Fraction(0)
    bins: int = 1600

    def run(self, progress: Progress) -> Waveform:
        """Read block by block, in constant memory."""
        import soundfile

        try:
            with soundfile.SoundFile(self.path) as file:
                first = round(self.skip * file.samplerate)
                edges = np.linspace(first, file.frames, self.bins + 1).astype(int)
                file.seek(first)
                blocks = [file.read(int(n), dtype="float32", always_2d=True) for n in np.diff(edges)]
                seconds = (file.frames - first) / file.samplerate
        except (OSError, soundfile.LibsndfileError) as error:
            raise MediaError(f"{self.path} cannot be read: {error}.", "Make the take again.") from error
        low = np.array([b.min() if b.size else 0.0 for b in blocks], np.float32)
        high = np.array([b.max() if b.size else 0.0 for b in blocks], np.float32)
        return Waveform(low, high, seconds)


@dataclass(frozen=True, slots=True)
class Fit(Task):
    """Find the beat grid of edited hit points; `bpm` pins the tempo."""

    result: ClassVar[type] = TempoMap
    hits: tuple[HitPoint, ...]
    duration: float
    bpm: float | None = None
    beats_per_bar: int = 4

    def run(self, progress: Progress) -> TempoMap:
        """The grid."""
        from hitpoint.rhythm.tempo import fit_tempo

        return fit_tempo(self.hits, self.duration, self.bpm, beats_per_bar=self.beats_per_bar)
