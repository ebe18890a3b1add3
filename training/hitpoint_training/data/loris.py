"""Reader of LORIS's published lay-out: split lists that name a sound, I3D features and a pose line by line.

    ROOT/[data/]dance/dance_audio_s25_train_segment.txt      .../dance/audio_s25/NAME.wav    22.05 kHz, mono
    ROOT/[data/]dance/dance_i3d_s25_train_segment.txt        .../dance/i3d_s25/NAME.npy      (50, 1024)
    ROOT/[data/]dance/dance_pose2d_s25_train_segment.txt     .../dance/pose2d_s25/NAME.npy   (400, 17, 3)
    ROOT/[data/]genre/dance_s25_train.npy                    one row per line, one-hot       (lines, 10)

Subsets dance, fe and fs, lengths 25 and 50 s, splits train and test. The lists belong together by line (the
names differ: a pose has no `_seg0`), and their paths begin with "yourpath/": only the last three parts count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from hitpoint.errors import MediaError, UsageError
from hitpoint.values import Floats
from hitpoint_training.data.entry import Entry, key_of
from hitpoint_training.data.sample import Sample

POSE_RATE, VIDEO_RATE = 16, 2  # Hz
KINDS = ("audio", "i3d", "pose2d")
_LIST = re.compile(r"(\w+)_audio_s(\d+)_(train|test)_segment\.txt")


@dataclass(frozen=True, slots=True)
class Split:
    """One list of the published data."""

    subset: str = "dance"
    seconds: int = 25
    split: str = "train"

    def file(self, kind: str) -> str:
        """Name of the list of a kind."""
        return f"{self.subset}_{kind}_s{self.seconds}_{self.split}_segment.txt"


@dataclass(frozen=True, slots=True)
class _Line:
    """The files of one sample, as the lists name them."""

    sound: str
    video: str
    pose: str
    genre: int | None


def splits(root: Path) -> list[Split]:
    """The splits whose lists lie somewhere under the folder."""
    found = (_LIST.fullmatch(file.name) for file in sorted(root.rglob("*_segment.txt")))
    return [Split(match[1], int(match[2]), match[3]) for match in found if match]


def loris(root: Path, split: Split) -> Iterator[Entry]:
    """The samples of a split in the order of its lists. Raises UsageError for lists that do not match."""
    lists = [_lines(root, split.file(kind)) for kind in KINDS]
    counts = {kind: len(one) for kind, one in zip(KINDS, lists, strict=True)}
    if len(set(counts.values())) > 1:
        raise UsageError(f"The lists of {split} have different lengths: {counts}.", "Fetch them again.")
    genres = _genres(root, split, len(lists[0]))
    for sound, video, pose, genre in zip(*lists, genres, strict=True):
        line = _Line(sound, video, pose, genre)
        yield Entry(Path(sound).stem, partial(_load, root, split, line))


def _lines(root: Path, name: str) -> list[str]:
    found = sorted(root.rglob(name))
    if not found:
        raise UsageError(f"There is no {name} under {root}.", "Give the folder that holds LORIS's lists.")
    return [line.strip() for line in found[0].read_text().splitlines() if line.strip()]


def _genres(root: Path, split: Split, lines: int) -> list[int | None]:
    """The genre of each line; none where no label file is published (all but dance)."""
    found = sorted(root.rglob(f"{split.subset}_s{split.seconds}_{split.split}.npy"))
    if not found:
        return [None] * lines
    labels = _npy(found[0])
    if labels.ndim != 2 or len(labels) != lines:
        raise UsageError(
            f"{found[0]} has the shape {labels.shape}, {lines} rows are asked for.", "Fetch it again."
        )
    return [int(row.argmax()) for row in labels]


def _load(root: Path, split: Split, line: _Line) -> Sample:
    path = _find(root, line.sound)
    try:
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise MediaError(f"{path} cannot be read: {error}.", "Fetch it again.") from error
    pose, video = _npy(_find(root, line.pose)), _npy(_find(root, line.video))
    seconds = min(split.seconds, len(sound) / max(1, rate))
    if len(video) > VIDEO_RATE * split.seconds:
        video = video[: VIDEO_RATE * split.seconds]  # as the released reader does
    return Sample(
        key=key_of(path.stem),
        source="loris",
        sound=sound[: round(split.seconds * rate)].T,
        rate=rate,
        pose=pose,
        pose_rate=POSE_RATE,
        video=video,
        video_rate=VIDEO_RATE,
        genre=line.genre,
        notes={"split": split.file("*"), "seconds": f"{seconds:.2f}"},
    )


def _find(root: Path, listed: str) -> Path:
    parts = Path(listed).parts[-3:]
    for base in (root, root / "data", root.parent):
        for tail in (parts, parts[1:]):
            path = base.joinpath(*tail)
            if path.is_file():
                return path
    raise MediaError(
        f"{'/'.join(parts)} is listed and not there.", "Fetch it, or leave it out with --skip-bad."
    )


def _npy(path: Path) -> Floats:
    try:
        return np.asarray(np.load(path, allow_pickle=False), np.float32)
    except (OSError, ValueError, EOFError) as error:
        raise MediaError(f"{path} cannot be read: {error}.", "Fetch it again.") from error
