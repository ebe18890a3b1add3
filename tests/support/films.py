"""Real clips where they are present, copies of them, and films made on the spot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import mir_eval.onset
import numpy as np
import pytest
from numpy.typing import NDArray

from hitpoint.media.probe import probe
from hitpoint.values import HitPoint, MediaRange

VIDEOS = Path(__file__).parents[3] / "shared" / "media" / "video"
TOLERANCE_S = 0.063


def clip(number: str) -> Path:
    """A clip of the shared media by the beginning of its name; skips the test where it is missing."""
    found = sorted(VIDEOS.glob(f"{number}_*"))
    if not found:
        pytest.skip(f"needs {number} of ../shared/media/video")
    return found[0]


def whole(path: Path) -> MediaRange:
    return MediaRange(path, Fraction(0), probe(path).duration)


def onset_f(reference: Sequence[float], found: Sequence[float]) -> float:
    """F-measure at 63 ms, each point matched once."""
    if not len(reference) or not len(found):
        return float(len(reference) == len(found))
    return float(mir_eval.onset.f_measure(np.array(reference), np.array(found), window=TOLERANCE_S)[0])


def movement_times(hits: Iterable[HitPoint]) -> list[float]:
    return [hit.time for hit in hits if hit.kind == "movement"]


@dataclass(frozen=True)
class Change:
    """How a copy differs from its original."""

    mirrored: bool = False
    half: bool = False
    brighter: bool = False
    crf: int = 20


CHANGES = {
    "mirrored": Change(mirrored=True),
    "half size": Change(half=True),
    "brighter": Change(brighter=True),
    "re-encoded": Change(crf=33),
    "all at once": Change(mirrored=True, half=True, brighter=True, crf=28),
}


def copy_of(source: Path, target: Path, change: Change, seconds: float = 1e9) -> Path:
    """Re-encode the first `seconds` of a film with a change, frame by frame."""
    with av.open(str(source)) as film, av.open(str(target), "w") as copy:
        video = film.streams.video[0]
        video.thread_type = "AUTO"
        divisor = 4 if change.half else 2
        stream = copy.add_stream("libx264", rate=video.average_rate)
        stream.width, stream.height = (size // divisor * 2 for size in (video.width, video.height))
        stream.pix_fmt, stream.options = "yuv420p", {"crf": str(change.crf), "preset": "veryfast"}
        for frame in film.decode(video):
            if frame.time is not None and frame.time >= seconds:
                break
            picture = frame.to_ndarray(format="rgb24", width=stream.width, height=stream.height)
            picture = picture[:, ::-1] if change.mirrored else picture
            if change.brighter:
                picture = np.clip(picture.astype(np.float32) * 1.25 + 15, 0, 255).astype(np.uint8)
            copy.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        copy.mux(stream.encode(None))
    return target


def write_film(
    path: Path, pictures: Iterable[NDArray[np.uint8]], times: Sequence[Fraction], codec: str = "libx264"
) -> Path:
    """Encode pictures with exact presentation times (a variable rate if they are uneven)."""
    base = Fraction(1, 90_000)
    with av.open(str(path), "w") as film:
        stream: av.VideoStream | None = None
        for picture, time in zip(pictures, times, strict=True):
            if stream is None:
                stream = film.add_stream(codec, rate=25)
                stream.width, stream.height, stream.pix_fmt = picture.shape[1], picture.shape[0], "yuv420p"
                stream.codec_context.time_base = base
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = int(time / base), base
            film.mux(stream.encode(frame))
        assert stream is not None
        film.mux(stream.encode(None))
    return path


def numbered(count: int, size: tuple[int, int] = (96, 64)) -> list[NDArray[np.uint8]]:
    """Pictures whose brightness says which they are, read back by `number_of`."""
    return [np.full((size[1], size[0], 3), 20 + 8 * (index % 25), np.uint8) for index in range(count)]


def number_of(thumb: NDArray[np.uint8]) -> int:
    return round((float(thumb.mean()) - 20) / 8)
