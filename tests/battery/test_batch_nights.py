"""R6 and R7: a batch whose workers are killed all the time, and one with jobs that kill their workers."""

from __future__ import annotations

import random
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from hitpoint.batch.jobs import Job, Row
from hitpoint.batch.queue import MOST_DEATHS, Queue
from hitpoint.batch.report import Report
from hitpoint.batch.run import Crew, opened, run
from hitpoint.values import ScoreRequest

WORKER = Path(__file__).parents[1] / "support" / "night.py"
POISON = ["crash", "killed", "greedy", "hang"]


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    with opened(tmp_path / "out") as path:
        yield path


def asked(path: Path, kinds: list[str]) -> None:
    folder = path.parents[1]
    queue = Queue(path)
    queue.ask(
        Job(f"key{number}", ScoreRequest(Path(f"{number}.mp4")), folder / f"{number}.otio", kind)
        for number, kind in enumerate(kinds)
    )
    queue.close()


def night(path: Path, lease_s: float) -> threading.Thread:
    crew = Crew(3, (sys.executable, "-P", str(WORKER)), lease_s=lease_s)
    thread = threading.Thread(target=run, args=(path, crew, lambda tally: None, threading.Event()))
    thread.start()
    return thread


def rows(path: Path) -> tuple[Row, ...]:
    queue = Queue(path)
    found = queue.rows()
    queue.close()
    return found


def one_at_work(queue: Queue, dice: random.Random) -> psutil.Process | None:
    """A worker of this process that holds a job, and stands still, so that it holds it until it is killed.

    A job that one more kill would set aside is left alone.
    """
    for child in dice.sample(found := psutil.Process().children(), len(found)):
        try:
            owner = child.cmdline()[-1]
            if owner not in at_risk(queue):
                continue
            child.suspend()
            while child.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
                time.sleep(0.0002)
            if child.status() == psutil.STATUS_STOPPED and owner in at_risk(queue):
                return child
            child.resume()
        except (psutil.Error, IndexError):
            continue
    return None


def at_risk(queue: Queue) -> set[str]:
    """Who holds a job that may be killed."""
    return {row.owner for row in queue.tally().running if row.deaths < MOST_DEATHS - 1}


@pytest.mark.parametrize(
    ("jobs", "kills"), [(240, 6), pytest.param(10_000, 1_000, marks=pytest.mark.battery)], ids=["6", "1000"]
)
def test_killed_workers_lose_nothing(jobs: int, kills: int, path: Path) -> None:
    asked(path, ["work"] * jobs)
    supervisor = night(path, lease_s=60)
    queue, dice, killed = Queue(path), random.Random(5), 0
    while killed < kills and supervisor.is_alive():
        time.sleep(dice.uniform(0.02, 0.2))
        worker = one_at_work(queue, dice)
        if worker is not None:
            worker.kill()
            killed += 1
    supervisor.join()
    queue.close()
    found = rows(path)
    states = Counter(row.state for row in found)
    deaths = sum(row.deaths for row in found)
    files = {file.name for file in path.parents[1].iterdir() if file.is_file()}
    print(
        f"\nR6: {jobs} jobs, {killed} kills ({deaths} took a job along): {dict(states)}, {len(files)} files"
    )
    assert killed == kills
    assert deaths == kills, "every kill met somebody at work"
    assert states == {"done": jobs}
    assert files == {f"{number}.{suffix}" for number in range(jobs) for suffix in ("otio", "wav")}
    for row in found:
        assert row.job.output.read_text() == row.job.key
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    ("jobs", "poison"), [(20, 2), pytest.param(1_000, 10, marks=pytest.mark.battery)], ids=["2", "10"]
)
def test_poison_is_set_aside_and_the_rest_is_done(jobs: int, poison: int, path: Path) -> None:
    kinds = ["work"] * (jobs - poison) + [POISON[number % len(POISON)] for number in range(poison)]
    random.Random(3).shuffle(kinds)
    asked(path, kinds)
    night(path, lease_s=8).join()
    found = rows(path)
    for row in found:
        assert row.state == ("done" if row.job.clip == "work" else "aside"), (row.job.clip, row.fault)
        if row.state == "aside":
            assert row.deaths == MOST_DEATHS
            assert row.fault is not None
    report = Report(found, 1.0, jobs, 3)
    print(f"\nR7: {jobs} jobs: {report.count('done')} done, {report.count('aside')} set aside")
    assert report.count("aside") == poison
    assert not report.clean, "which is what makes the command end with 1"
