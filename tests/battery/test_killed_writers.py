"""R1: processes that are killed while they write a timeline. Nothing is damaged, mixed or left behind."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from saving import edit_of, on_and_off, score

from hitpoint.files import backups
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.remove import remove

CLIPS = 40


@pytest.mark.parametrize("kills", [10, pytest.param(1000, marks=pytest.mark.battery)])
def test_a_killed_writer_leaves_one_of_two_whole_files(kills: int, tmp_path: Path) -> None:
    """Half of the kills come at any moment, half while the process has a temporary file."""
    path = edit_of(tmp_path, CLIPS)
    original = path.read_bytes()
    whole = {original, scored_once(path)}
    assert len(whole) == 2
    starter = multiprocessing.get_context("forkserver")
    starter.set_forkserver_preload(["saving"])
    dice, damaged, within, orphans = random.Random(1), 0, 0, 0
    for number in range(kills):
        process = starter.Process(target=on_and_off, args=(path,), daemon=True)
        process.start()
        if number % 2:
            process.join(dice.uniform(0, 1))
        else:
            stop_within_a_write(psutil.Process(process.pid), tmp_path, dice)
            # It swept before it wrote: what the one before it left must be gone.
            orphans += len(temps(tmp_path)) - len(temps(tmp_path, process.pid))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        within += bool(temps(tmp_path, process.pid))
        damaged += path.read_bytes() not in whole
    assert [copy.read_bytes() for copy in backups(path)] == [original]
    if path.read_bytes() == original:
        scored_once(path)
    remove(path)
    assert path.read_bytes() == original
    print(f"\nR1: {kills} kills, {within} within a write, {damaged} damaged or mixed, {orphans} orphans")
    assert (damaged, orphans, temps(tmp_path)) == (0, 0, [])
    assert {p.name for p in tmp_path.iterdir()} == {"dance.mov", "edit.otio", "edit.otio.bak-1"}
    assert within >= kills // 2


def scored_once(path: Path) -> bytes:
    """The bytes that scoring gives."""
    score(read_timeline(path), 0, path)
    return path.read_bytes()


def temps(folder: Path, pid: int | None = None) -> list[Path]:
    return list(folder.glob(f".hitpoint-{'*' if pid is None else pid}-*.tmp"))


def stop_within_a_write(process: psutil.Process, folder: Path, dice: random.Random) -> None:
    """Let it stand still somewhere between the making of a temporary file and its end."""
    while True:
        wait_for(lambda: bool(temps(folder, process.pid)))
        time.sleep(dice.uniform(0, 0.002))
        process.suspend()
        wait_for(lambda: process.status() == psutil.STATUS_STOPPED)
        if temps(folder, process.pid):
            return
        process.resume()


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 3600  # the battery runs at the lowest priority
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.0002)
