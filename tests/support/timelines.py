"""Small real media and timelines for the tests, made with PyAV and OpenTimelineIO."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest
import soundfile

from hitpoint.timeline.place import frame_aligned, place
from hitpoint.timeline.prescan import Json
from hitpoint.values import Asset, HitPoint, Selection, TimelineInfo

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"
NTSC_FILM = Fraction(24000, 1001)

needs_media = pytest.mark.skipif(not MEDIA.is_dir(), reason=f"the real media is not at {MEDIA}")


def make_video(
    path: Path,
    frames: int = 25,
    rate: Fraction = Fraction(25),
    *,
    timecode: str = "",
    codec: str = "mpeg4",
    size: tuple[int, int] = (64, 48),
    times: Sequence[int] | None = None,
    time_base: Fraction | None = None,
) -> Path:
    """A grey video whose brightness counts the frames; `times` (in `time_base`) make it variable."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = {"gif": "rgb8", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
        if time_base is not None:
            stream.codec_context.time_base = time_base
        if timecode:
            stream.metadata["timecode"] = timecode
        for number in range(frames):
            level = 16 + 8 * number % 208
            picture = np.full((size[1], size[0], 3), level, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=stream.pix_fmt)
            frame.pts = number if times is None else times[number]
            frame.time_base = time_base or 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def make_tone(path: Path, samples: int, lead: Fraction = Fraction(0)) -> Asset:
    """A 1 kHz tone of `samples` after `lead` seconds of silence, 48 kHz stereo 24-bit."""
    silence = round(lead * 48000)
    tone = 0.5 * np.sin(2 * np.pi * 1000 / 48000 * np.arange(samples))
    sound = np.concatenate([np.zeros(silence), tone])
    soundfile.write(path, np.stack([sound, sound], 1), 48000, subtype="PCM_24")
    return Asset(path, "0" * 64, 48000, 2, len(sound))


def span(start: float, duration: float, rate: float = 25.0) -> otio.opentime.TimeRange:
    """A range in frames."""
    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(duration, rate)
    )


def clip(
    name: str,
    url: str | None,
    source: otio.opentime.TimeRange | None,
    available: otio.opentime.TimeRange | None,
) -> otio.schema.Clip:
    """A clip; without `url` its media is missing."""
    media = otio.schema.MissingReference() if url is None else otio.schema.ExternalReference(url, available)
    return otio.schema.Clip(name, media, source)


def gap(frames: float, rate: float = 25.0) -> otio.schema.Gap:
    """Nothing, for so many frames."""
    return otio.schema.Gap(source_range=span(0, frames, rate))


def timeline(
    tracks: Iterable[Sequence[otio.core.Composable]],
    start: otio.opentime.RationalTime | None = None,
    kinds: Sequence[str] = (),
) -> otio.schema.Timeline:
    """A timeline of video tracks (or of `kinds`)."""
    made = otio.schema.Timeline("edit", global_start_time=start)
    for number, items in enumerate(tracks):
        kind = kinds[number] if kinds else "Video"
        track = otio.schema.Track(f"{kind} {number + 1}", kind=kind)
        track.extend(items)
        made.tracks.append(track)
    return made


def write(made: otio.schema.Timeline, path: Path, indent: int = 4) -> Path:
    """Save as OTIO does."""
    path.write_text(made.to_json_string(indent=indent), encoding="utf-8")
    return path


def score_with_tone(
    info: TimelineInfo,
    selection: Selection,
    out: Path,
    *,
    sound: Path | None = None,
    name: str = "cue",
    metadata: dict[str, Json] | None = None,
) -> Path:
    """What `score` does with a finished cue, a tone of the selection's length instead of music."""
    _, lead = frame_aligned(selection, info.rate)
    samples = round(selection.duration * 48000)
    asset = make_tone(sound or out.with_suffix(".wav"), samples, lead)
    hits = [HitPoint(0.1, 1.0), HitPoint(0.2, 0.5, "cut")]
    return place(info, selection, asset, name, hits, metadata or {"seed": 1}, out)


SECOND_READER = """
import json, sys
import opentimelineio as otio

timeline = otio.adapters.read_from_file(sys.argv[1])
track = next(t for t in timeline.audio_tracks() if t.name == "Hitpoint")
found = []
for clip in track.find_clips():
    # From the clip's own time to that of the timeline, by OTIO's arithmetic.
    inside = clip.transformed_time_range(clip.trimmed_range(), timeline.tracks)
    begin = timeline.tracks.source_range.start_time if timeline.tracks.source_range else None
    start = inside.start_time - begin if begin else inside.start_time
    url = clip.media_reference.target_url
    found.append([start.value, start.rate, inside.duration.value, url, [m.name for m in clip.markers]])
print(json.dumps(found))
"""


def second_opinion(path: Path) -> str:
    """What OpenTimelineIO itself, in a process of its own, finds on our track: JSON rows."""
    done = subprocess.run(
        [sys.executable, "-c", SECOND_READER, str(path)], capture_output=True, text=True, check=True
    )
    return done.stdout
