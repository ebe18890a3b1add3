"""R5: several processes and an outside editor write one timeline; nobody's work is lost."""

from __future__ import annotations

import json
import multiprocessing
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from crowd import editor, scorer
from saving import edit_of, rows


@pytest.mark.parametrize(
    ("timelines", "each", "saves"),
    [(1, 4, 4), pytest.param(10, 50, 50, marks=pytest.mark.battery)],
    ids=["16", "2000"],
)
def test_nobody_loses_a_placement(timelines: int, each: int, saves: int, tmp_path: Path) -> None:
    """Three of ours, `each` placements, and an editor that saves `saves` times; one timeline after another.

    Ten short ones instead of a long one, as most of the work would be to read what is there already.
    """
    lost = [one_timeline(each, saves, Path(tempfile.mkdtemp(dir=tmp_path))) for _ in range(timelines)]
    print(
        f"\nR5: {timelines * 3 * each} placements and {timelines * saves} saves by an editor are there, "
        f"but for {sum(lost)} that the editor overwrote itself"
    )


def one_timeline(each: int, saves: int, tmp_path: Path) -> int:
    """How many placements and saves the editor overwrote; everything else is there."""
    ours = 3
    starts = [2 * number for number in range(ours * each)]
    path = edit_of(tmp_path, 1, 25 * 2 * len(starts))
    starter = multiprocessing.get_context("forkserver")
    starter.set_forkserver_preload(["crowd"])
    crowd = [starter.Process(target=scorer, args=(path, starts[mine::ours])) for mine in range(ours)]
    crowd.append(starter.Process(target=editor, args=(path, saves, ours * each // saves)))
    for process in crowd:
        process.start()
    for process in crowd:
        process.join()
    assert [process.exitcode for process in crowd] == [0] * len(crowd)
    found, marks = rows(path), marks_of(path)
    careless = list(tmp_path.glob("overwritten-*"))
    names = [name for name, _, _ in found]
    assert len(names) == len(set(names))
    missing = {f"cue {start}" for start in starts} - set(names)
    assert missing <= {name for each in careless for name, _, _ in rows(each)}
    unmarked = {f"editor {number}" for number in range(saves)} - marks
    assert unmarked <= set().union(*map(marks_of, careless))
    assert all(before[2] <= after[1] for before, after in pairwise(found))
    assert [name for name in (f"cue {start}" for start in starts) if name not in missing] == names
    return len(missing) + len(unmarked)


def marks_of(path: Path) -> set[str]:
    """What the editor wrote into the timeline."""
    return {key for key in json.loads(path.read_text())["metadata"] if key.startswith("editor")}
