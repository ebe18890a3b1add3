"""Which reader a folder is for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hitpoint.errors import UsageError
from hitpoint_training.data.composed import composed, is_composed
from hitpoint_training.data.entry import Entry
from hitpoint_training.data.loris import Split, loris, splits
from hitpoint_training.data.videos import is_videos, videos


def entries(folder: Path, style: str | None = None, split: Split | None = None) -> Iterator[Entry]:
    """The samples of a folder: pieces of the composer, LORIS's lists, or video files.

    Raises UsageError if it is none of them, or if it holds several splits and none is chosen.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder.", "Give one with pieces, videos or LORIS's lists.")
    found = splits(folder)
    if found:
        if split is None and len(found) > 1:
            names = ", ".join(f"{one.subset} {one.seconds} {one.split}" for one in found)
            raise UsageError(
                f"{folder} holds several splits: {names}.", "Choose with --split dance-25-train."
            )
        return loris(folder, split or found[0])
    if is_composed(folder):
        return composed(folder)
    if is_videos(folder):
        return videos(folder, style)
    raise UsageError(
        f"There is nothing to learn from in {folder}.", "FLAC with JSON, videos or LORIS's lists."
    )
