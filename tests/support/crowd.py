"""Those who write the same timeline at the same time: ours, and an editor that knows nothing of us."""

from __future__ import annotations

import json
import random
import re
import time
from pathlib import Path

from saving import score

from hitpoint import exchange
from hitpoint.errors import ConflictError
from hitpoint.timeline.read import read_timeline

_PATIENCE_S = 300.0
_CUE = re.compile(rb'"name": ?"cue \d+"')


def scorer(path: Path, starts: list[int]) -> None:
    """Put music on the shot from each of `starts` on, again where somebody else was quicker."""
    for start in starts:
        while True:
            try:
                score(read_timeline(path), 0, path, f"cue {start}", start)
                break
            except ConflictError:
                continue


def editor(path: Path, saves: int, every: int) -> None:
    """Mark the timeline `saves` times, after each `every` placements, somewhere within the next one.

    It takes no lock; like editors do it asks before it overwrites. What it overwrites even so, between its
    look and its own rename, is its own fault: that is kept as `overwritten-N`, for which it exchanges the
    files instead of renaming.
    """
    dice = random.Random(saves)
    for number in range(saves):
        deadline = time.monotonic() + _PATIENCE_S
        while len(_CUE.findall(path.read_bytes())) < number * every and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.5))
        saved = False
        while not saved:
            before, read = path.stat(), path.read_bytes()
            content = json.loads(read)
            content["metadata"][f"editor {number}"] = number
            temp = path.with_suffix(".editor")
            temp.write_text(json.dumps(content))
            now = path.stat()
            saved = (now.st_ino, now.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
            if saved:
                exchange._rename(temp, path, exchange._EXCHANGE)
                if temp.read_bytes() != read:
                    temp.rename(path.with_name(f"overwritten-{number}"))
