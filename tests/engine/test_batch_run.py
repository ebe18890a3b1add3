"""Workers that are killed, crash and get stuck, under the real supervisor and over the real queue."""

import contextlib
import os
import random
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hitpoint.batch.jobs import Job, Row
from hitpoint.batch.queue import MOST_DEATHS, Queue
from hitpoint.batch.run import STATE_FOLDER, Crew, known_outputs, opened, run
from hitpoint.errors import Cancelled, ConflictError, OutputError, WorkerError
from hitpoint.values import ScoreRequest

WORK = """
import ctypes, os, sys, time
from hitpoint.batch.jobs import Outcome
from hitpoint.batch.worker import serve, start
from hitpoint.batch import worker
from hitpoint.errors import MediaError
from hitpoint.files import write_atomic

worker.BEAT_S, worker.STALL_S = 0.1, 0.5

def work(job, progress):
    began = time.monotonic()
    with open(job.output.parent / "pids", "a") as pids:
        pids.write(f"{os.getpid()}\\n")
    if job.clip == "crash":
        ctypes.string_at(0)
    if job.clip == "stuck":
        time.sleep(60)
    if job.clip == "bad":
        raise MediaError("It is damaged.", "Export it again.")
    if job.clip == "mistake":
        raise RuntimeError("somebody forgot this case")
    for step in range(10):
        progress.report("Working", step / 10)
        time.sleep(float(job.clip) / 10)
    path = job.output.with_suffix(".wav")
    write_atomic(path, job.key.encode())
    write_atomic(job.output, job.clip.encode())
    return Outcome(path, "0" * 64, "house", 1.0, 0.1, time.monotonic() - began)

path, owner = start(sys.argv[1:])
serve(path, owner, work)
"""


@pytest.fixture
def crew(tmp_path: Path) -> Crew:
    script = tmp_path / "work.py"
    script.write_text(WORK)
    return Crew(3, (sys.executable, str(script)), lease_s=1.5)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    with opened(tmp_path / "out") as path:
        yield path


def ask(path: Path, *clips: str) -> None:
    folder = path.parents[1]
    queue = Queue(path)
    queue.ask(
        Job(f"key{n}", ScoreRequest(Path(f"{n}.mp4")), folder / f"{n}.otio", clip)
        for n, clip in enumerate(clips)
    )
    queue.close()


def rows(path: Path) -> tuple[Row, ...]:
    queue = Queue(path)
    try:
        return queue.rows()
    finally:
        queue.close()


def go(path: Path, crew: Crew, cancelled: threading.Event | None = None) -> None:
    run(path, crew, lambda tally: None, cancelled or threading.Event())


@pytest.mark.parametrize(
    ("jobs", "seconds", "most"), [(60, "0.15", 5), pytest.param(1500, "0.02", 150, marks=pytest.mark.slow)]
)
def test_workers_killed_at_any_moment_lose_nothing_and_double_nothing(
    jobs: int, seconds: str, most: int, path: Path, crew: Crew
) -> None:
    ask(path, *[seconds] * jobs)
    supervisor = threading.Thread(target=go, args=(path, crew))
    supervisor.start()
    dice, kills, pids = random.Random(5), 0, path.parents[1] / "pids"
    while kills < most and supervisor.is_alive():
        time.sleep(dice.uniform(0.1, 0.4))
        recent = pids.read_text().split()[-3:] if pids.exists() else []
        if recent:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(dice.choice(recent)), signal.SIGKILL)
                kills += 1
    supervisor.join(300)
    assert not supervisor.is_alive()
    found = rows(path)
    unlucky = sum(row.state == "aside" and row.deaths == MOST_DEATHS for row in found)
    print(
        f"{jobs} jobs, {kills} kills, {sum(row.state == 'done' for row in found)} done, {unlucky} set aside"
    )
    assert kills == most
    assert unlucky <= jobs // 500, "three random kills rarely meet one job"
    done = [number for number, row in enumerate(found) if row.state == "done"]
    assert len(done) + unlucky == jobs
    made = {file.name for file in path.parents[1].iterdir() if file.is_file()} - {"pids"}
    assert made >= {f"{n}.{suffix}" for n in done for suffix in ("otio", "wav")}
    assert len(made) <= 2 * jobs
    assert {name.split(".")[0] for name in made} <= {str(n) for n in range(jobs)}, "no other name"
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_crashes_and_hangs_are_set_aside_and_the_rest_is_done(path: Path, crew: Crew) -> None:
    ask(path, "0", "crash", "bad", "0", "stuck", "mistake", "0", "0")
    go(path, crew)
    found = rows(path)
    states = [row.state for row in found]
    assert states == ["done", "aside", "failed", "done", "aside", "failed", "done", "done"]
    assert [row.deaths for row in found] == [0, MOST_DEATHS, 0, 0, MOST_DEATHS, 0, 0, 0]
    reasons = {row.job.clip: row.fault for row in found if row.fault}
    assert "SIGSEGV" in reasons["crash"].what
    assert "did not move for 1.5 s" in reasons["stuck"].what
    assert reasons["bad"].name == "MediaError"
    assert reasons["bad"].todo == "Export it again."
    assert "somebody forgot" in reasons["mistake"].what
    assert "somebody forgot" in (path.parent / "workers.log").read_text(), "with the way to it"


def test_cancelled_it_is_over_at_once_and_goes_on_later(path: Path, crew: Crew) -> None:
    ask(path, "0", "0", "0", "9", "9")
    cancelled = threading.Event()

    def listen(_: object) -> None:
        if sum(row.state == "done" for row in rows(path)) == 3:
            asked.append(time.monotonic())
            cancelled.set()

    asked: list[float] = []
    with pytest.raises(Cancelled):
        run(path, crew, listen, cancelled)
    assert time.monotonic() - asked[-1] < 1.5
    assert sorted(row.state for row in rows(path)) == ["done"] * 3 + ["waiting"] * 2
    assert all(row.deaths == 0 for row in rows(path))
    for pid in set((path.parents[1] / "pids").read_text().split()):
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_one_supervisor_at_a_time(path: Path) -> None:
    with pytest.raises(ConflictError, match="Another batch"), opened(path.parents[1]):
        pass


@pytest.mark.parametrize(
    ("spoil", "why"),
    [(Path.mkdir, "unable to open"), (lambda lock: lock.write_bytes(bytes(4096)), "not a database")],
)
def test_a_folder_that_cannot_be_used_is_no_other_batch(
    spoil: Callable[[Path], object], why: str, tmp_path: Path
) -> None:
    (tmp_path / STATE_FOLDER).mkdir()
    spoil(tmp_path / STATE_FOLDER / "lock.sqlite")
    with pytest.raises(OutputError, match=why), opened(tmp_path):
        pass


def test_earlier_runs_that_cannot_be_looked_into_have_a_name(tmp_path: Path) -> None:
    assert known_outputs(tmp_path) == {}
    (tmp_path / STATE_FOLDER / "queue.sqlite").mkdir(parents=True)
    with pytest.raises(OutputError, match="cannot be looked into"):
        known_outputs(tmp_path)


def test_workers_that_do_not_start_are_an_error_and_no_endless_loop(path: Path) -> None:
    ask(path, "0")
    with pytest.raises(WorkerError, match="ended with code 3"):
        go(path, Crew(2, (sys.executable, "-c", "raise SystemExit(3)")))
    assert [row.state for row in rows(path)] == ["waiting"]


def test_a_log_that_cannot_be_written_has_a_name(path: Path, crew: Crew) -> None:
    ask(path, "0")
    path.with_name("workers.log").mkdir()
    with pytest.raises(WorkerError, match=r"No worker can be started.*workers\.log"):
        go(path, crew)
    assert [row.state for row in rows(path)] == ["waiting"]
