"""Reader of a folder of video files with music: the picture through the engine's eyes, the plan by ear."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import soxr

from hitpoint.errors import MediaError
from hitpoint.media.open import open_media
from hitpoint.media.probe import probe
from hitpoint.motion.descriptors import DESCRIPTORS, liveliness
from hitpoint.motion.pose_model import ensure_pose_model
from hitpoint.motion.track import MotionTrack
from hitpoint.motion.watch import watch
from hitpoint.progress import SILENT
from hitpoint.rhythm.extract import read_rhythm
from hitpoint.values import SAMPLE_RATE, Floats, MediaRange, Rhythm
from hitpoint_training.data.entry import Entry, key_of
from hitpoint_training.data.guess import GUESSED, guess_plan
from hitpoint_training.data.sample import Sample

EXTENSIONS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mts")
POSE_RATE, VIDEO_RATE = 16.0, 2.0  # Hz, as in LORIS
COCO = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""The landmarks of mediapipe that are COCO's joints, in COCO's order."""


def is_videos(folder: Path) -> bool:
    """Whether the folder holds video files."""
    return any(file.suffix.lower() in EXTENSIONS for file in folder.iterdir())


def videos(folder: Path, style: str | None = None) -> Iterator[Entry]:
    """The video files of a folder in order of name; `style` holds for all, else it is guessed."""
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in EXTENSIONS:
            yield Entry(file.name, partial(_load, file, style))


def _load(file: Path, style: str | None) -> Sample:
    info = probe(file)
    if not info.has_audio:
        raise MediaError(f"{file} has no sound to learn from.", "Leave it out with --skip-bad.")
    media = MediaRange(file, Fraction(0), info.duration)
    sound = soundtrack(file, float(info.duration))
    track = watch(media, info, ensure_pose_model(), SILENT)
    rhythm = read_rhythm(track)
    return Sample(
        key=key_of(file.stem),
        source="video",
        sound=sound,
        rate=SAMPLE_RATE,
        plan=guess_plan(sound, SAMPLE_RATE, liveliness(rhythm.shots), style),
        guessed=tuple(name for name in GUESSED if name != "style" or style is None),
        pose=coco_pose(track),
        pose_rate=POSE_RATE,
        video=descriptor_rows(rhythm, track.duration),
        video_rate=VIDEO_RATE,
        hits=np.array(
            [(hit.time, hit.strength, float(hit.kind == "cut")) for hit in rhythm.hit_points], np.float32
        ).reshape(-1, 3),
        notes={"file": file.name, "movement from": rhythm.source},
    )


def soundtrack(file: Path, duration: float) -> Floats:
    """(2, samples) at 48 kHz of the first sound stream, beginning with the first picture and as long."""
    with open_media(file) as container:
        stream = container.streams.audio[0]
        picture = container.streams.video[0]
        before = float((picture.start_time or 0) * (picture.time_base or 0))
        resampler = av.AudioResampler(format="fltp", layout="stereo")
        parts: list[Floats] = []
        first: float | None = None
        for frame in container.decode(stream):
            first = frame.time if first is None else first
            parts += [np.asarray(part.to_ndarray(), np.float32) for part in resampler.resample(frame)]
        rate = stream.rate
    if not parts:
        raise MediaError(f"{file} has a sound stream without sound.", "Leave it out with --skip-bad.")
    whole = np.asarray(soxr.resample(np.concatenate(parts, 1).T, rate, SAMPLE_RATE), np.float32).T
    late = round(((first or 0.0) - before) * SAMPLE_RATE)
    whole = np.pad(whole, ((0, 0), (late, 0))) if late > 0 else whole[:, -late:]
    wanted = round(duration * SAMPLE_RATE)
    return np.pad(whole, ((0, 0), (0, max(0, wanted - whole.shape[1]))))[:, :wanted]


def coco_pose(track: MotionTrack) -> Floats:
    """(frames, 17, 3) at 16 Hz of the first person: x, y in shares of the long side, and visibility.

    The frame before each moment counts, as a joint that is hidden must not be drawn towards a seen one.
    """
    times = np.arange(round(track.duration * POSE_RATE)) / POSE_RATE
    if not len(track.times) or not track.points.shape[1]:
        return np.zeros((len(times), len(COCO), 3), np.float32)
    which = np.clip(np.searchsorted(track.times, times + 1e-6, side="right") - 1, 0, len(track.times) - 1)
    joints = list(COCO)
    points, seen = track.points[which][:, 0, joints], track.visibility[which][:, 0, joints]
    pose = np.concatenate([points, seen[..., None]], -1)
    present = np.isfinite(points).all(-1, keepdims=True)
    return np.where(present, pose, 0).astype(np.float32)


def descriptor_rows(rhythm: Rhythm, duration: float) -> Floats:
    """(rows, 10) at 2 Hz: the descriptors of the shot on screen, half second by half second."""
    rows = np.zeros((max(1, int(np.ceil(duration * VIDEO_RATE - 1e-6))), len(DESCRIPTORS)), np.float32)
    for shot in rhythm.shots:
        first, last = round(shot.start * VIDEO_RATE), round((shot.start + shot.duration) * VIDEO_RATE)
        for row in range(first, min(max(last, first + 1), len(rows))):
            rows[row] = shot.descriptors[min(row - first, len(shot.descriptors) - 1)]
    return rows
