"""A film with a timeline, and music put on it and taken off for ever: what processes do that get killed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from timelines import clip, span, timeline, write

from hitpoint.timeline.place import place
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.remove import remove
from hitpoint.values import Asset, HitPoint, Selection, TimelineInfo

FRAMES = 50


def edit_of(folder: Path, clips: int, frames: int = FRAMES) -> Path:
    """A timeline of `clips` shots of `frames` at 25 fps. The film is a stub; nobody looks into it here."""
    (folder / "dance.mov").write_bytes(b"film")
    shots = [clip(f"shot {n}", "dance.mov", span(n, frames), span(0, 100_000)) for n in range(clips)]
    return write(timeline([shots]), folder / "edit.otio", indent=-1)


def score(info: TimelineInfo, number: int, out: Path, name: str = "cue", late: int = 0) -> Path:
    """Put two seconds of music on shot `number`, `late` seconds into it.

    The sound file need not be there for the timeline to name it.
    """
    shot = info.clips[number]
    assert shot.media is not None
    selection = Selection(shot, shot.media, shot.record_start + late, Fraction(FRAMES, 25))
    asset = Asset(out.parent / f"{name}.wav", "0" * 64, 48000, 2, FRAMES * 1920)
    return place(info, selection, asset, name, [HitPoint(0.5, 1.0)], {"seed": number}, out)


def on_and_off(path: Path) -> None:
    """Score and unscore the first shot of `path` until somebody ends this process."""
    while True:
        info = read_timeline(path)
        if b'"hitpoint"' in path.read_bytes():
            remove(path)
        else:
            score(info, 0, path)


def rows(path: Path) -> list[tuple[str, Fraction, Fraction]]:
    """Name, start and end of each cue on our track, by OpenTimelineIO."""
    import opentimelineio as otio

    read = otio.adapters.read_from_string(path.read_text("utf-8"), "otio_json")
    (track,) = [each for each in read.audio_tracks() if each.name == "Hitpoint"]
    found, at = [], Fraction(0)
    for item in track:
        length = Fraction(item.source_range.duration.value) / Fraction(item.source_range.duration.rate)
        if isinstance(item, otio.schema.Clip):
            found.append((item.name, at, at + length))
        at += length
    return found
