"""R5: several processes and an outside editor write one timeline; nobody's work is lost."""

from __future__ import annotations

import json
import multiprocessing
from itertools import pairwise
from pathlib import Path

import pytest
from crowd import editor, scorer
from saving import edit_of, rows


@pytest.mark.parametrize(
    ("each", "saves"), [(4, 4), pytest.param(500, 500, marks=pytest.mark.battery)], ids=["16", "2000"]
)
def test_nobody_loses_a_placement(each: int, saves: int, tmp_path: Path) -> None:
    """Three of ours, `each` placements, and an editor that saves `saves` times."""
    ours = 3
    starts = [2 * number for number in range(ours * each)]
    path = edit_of(tmp_path, 1, 25 * 2 * len(starts))
    starter = multiprocessing.get_context("forkserver")
    starter.set_forkserver_preload(["crowd"])
    crowd = [starter.Process(target=scorer, args=(path, starts[mine::ours])) for mine in range(ours)]
    crowd.append(starter.Process(target=editor, args=(path, saves, 0.3)))
    for process in crowd:
        process.start()
    for process in crowd:
        process.join()
    assert [process.exitcode for process in crowd] == [0] * len(crowd)
    found, marks = rows(path), marks_of(path)
    careless = list(tmp_path.glob("overwritten-*"))
    print(
        f"\nR5: {len(found)} of {len(starts)} placements, {len(marks)} of {saves} saves by an editor, "
        f"which overwrote {len(careless)} placements itself"
    )
    names = [name for name, _, _ in found]
    assert len(names) == len(set(names))
    missing = {f"cue {start}" for start in starts} - set(names)
    assert missing <= {name for each in careless for name, _, _ in rows(each)}
    assert {f"editor {number}" for number in range(saves)} - marks <= set().union(*map(marks_of, careless))
    assert all(before[2] <= after[1] for before, after in pairwise(found))
    assert [name for name in (f"cue {start}" for start in starts) if name not in missing] == names


def marks_of(path: Path) -> set[str]:
    """What the editor wrote into the timeline."""
    return {key for key in json.loads(path.read_text())["metadata"] if key.startswith("editor")}
