"""The supervisor: keeps workers alive, takes back what dead or stuck ones held, and never works itself."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from hitpoint import children
from hitpoint.backends.threads import cpu_threads
from hitpoint.batch.jobs import Tally
from hitpoint.batch.queue import Queue
from hitpoint.batch.worker import ONE_THREAD
from hitpoint.errors import Cancelled, ConflictError, OutputError, WorkerError
from hitpoint.files import sweep_stale_temps

STATE_FOLDER = ".hitpoint-batch"
WORKER = tuple(children.module("hitpoint.batch.scorer"))
_WORKER_BYTES = 700 << 20
_POLL_S = 0.1
_STOP_S = 0.3
_MOST_FALSE_STARTS = 3
_MOST_EARLY_KILLS = 50
_FROM_OUTSIDE = (-9, -15)  # SIGKILL and SIGTERM say nothing about the worker


@dataclass(frozen=True, slots=True)
class Crew:
    """How many workers, and how each is started: `command` + QUEUE OWNER.

    A worker whose lease has not moved for `lease_s` seconds is taken for stuck and killed.
    """

    jobs: int
    command: tuple[str, ...] = WORKER
    lease_s: float = 60.0


def good_number() -> int:
    """One worker per core, unless they would fill more than half of the memory."""
    if not hasattr(os, "sysconf"):
        return cpu_threads()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(cpu_threads(), memory // 2 // _WORKER_BYTES))


@dataclass(slots=True)
class _Worker:
    owner: str
    process: subprocess.Popen[bytes]
    key: str = ""  # of the job that it was last seen with
    beat: int = 0
    moved: float = field(default_factory=time.monotonic)


@contextmanager
def opened(folder: Path) -> Generator[Path]:
    """The queue file of the batch in `folder`, for one supervisor at a time.

    Raises OutputError, and ConflictError while another one has it; the lock ends with its process.
    """
    state = folder / STATE_FOLDER
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{state} cannot be made: {error.strerror}.", "Choose another folder.") from error
    with closing(_lock(state / "lock.sqlite", folder)):
        yield state / "queue.sqlite"


def _lock(path: Path, folder: Path) -> sqlite3.Connection:
    """A connection that keeps everybody else out. Only a file that is in use is another batch at work."""
    try:
        lock = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error:
            lock.close()
            raise
    except sqlite3.Error as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise ConflictError(
                f"Another batch is at work in {folder}.", "Wait for it, or choose another folder."
            ) from error
        raise OutputError(
            f"{path} cannot be used: {error}.", "Free some space, or choose another folder."
        ) from error
    return lock


def known_outputs(folder: Path) -> Mapping[Path, Path]:
    """Source to output of all earlier runs in `folder`, read without touching anything there.

    Raises OutputError.
    """
    queue = folder / STATE_FOLDER / "queue.sqlite"
    try:
        with tempfile.TemporaryDirectory(prefix="hitpoint-") as copies:
            for path in queue.parent.glob(f"{queue.name}*"):
                shutil.copy(path, copies)
            with closing(Queue(Path(copies) / queue.name)) as copied:
                return copied.outputs()
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"{queue} cannot be looked into: {error.strerror}.", "Choose another folder."
        ) from error


def run(path: Path, crew: Crew, listen: Callable[[Tally], None], cancelled: threading.Event) -> None:
    """Work until nothing in the queue at `path` is left, telling `listen` how it stands.

    Raises Cancelled, with everything unfinished given back, and WorkerError if workers cannot start.
    """
    supervisor = _Supervisor(path, crew)
    try:
        while (tally := supervisor.look_after()).left:
            listen(tally)
            if cancelled.wait(_POLL_S):
                raise Cancelled("Stopped.", "The same command goes on where it was.")
        listen(tally)
    finally:
        supervisor.stop()


class _Supervisor:
    def __init__(self, path: Path, crew: Crew) -> None:
        self._path, self._crew = path, crew
        self._queue = Queue(path)
        self._workers: list[_Worker] = []
        self._started = 0
        self._false_starts = 0

    def look_after(self) -> Tally:
        """One round: bury the dead, end the stuck, start what is missing."""
        tally = self._queue.tally()
        for row in tally.running:
            for worker in self._workers:
                if worker.owner == row.owner and (worker.key, worker.beat) != (row.job.key, row.beat):
                    worker.key, worker.beat, worker.moved = row.job.key, row.beat, time.monotonic()
                    self._false_starts = 0
        busy = {row.owner for row in tally.running}
        for worker in list(self._workers):
            self._look_at(worker, worker.owner in busy)
        while len(self._workers) < min(self._crew.jobs, tally.left) and self._free(tally):
            self._workers.append(self._start())
        return self._queue.tally()

    def stop(self) -> None:
        """End every worker now, give back what they hold, and remove what they left."""
        for worker in self._workers:
            if worker.process.stdin is not None:
                worker.process.stdin.close()
        deadline = time.monotonic() + _STOP_S
        for worker in self._workers:
            with suppress(subprocess.TimeoutExpired):
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            worker.process.kill()
            worker.process.wait()
            self._queue.release(worker.owner)
        for output in set(self._queue.outputs().values()):
            sweep_stale_temps(output.parent)
        self._queue.close()

    def _free(self, tally: Tally) -> bool:
        """Whether a job waits that none of the living workers is about to take."""
        busy = {row.owner for row in tally.running}
        idle = sum(worker.owner not in busy for worker in self._workers)
        return tally.counts["waiting"] > idle

    def _look_at(self, worker: _Worker, busy: bool) -> None:
        stuck = busy and time.monotonic() - worker.moved > self._crew.lease_s
        if stuck:
            worker.process.kill()
            worker.process.wait()
        code = worker.process.poll()
        if code is None:
            return
        self._workers.remove(worker)
        how = f"did not move for {self._crew.lease_s:g} s" if stuck else _how(code)
        had_job = self._queue.died(worker.owner, f"The worker that did this {how}.")
        if had_job or code == 0:
            return
        if not worker.key:
            self._false_starts += 1
        if self._false_starts >= (_MOST_EARLY_KILLS if code in _FROM_OUTSIDE else _MOST_FALSE_STARTS):
            raise WorkerError(f"The workers do not start: the last one {how}.", f"Look into {self._log()}.")

    def _start(self) -> _Worker:
        self._started += 1
        owner = f"{self._path.stem}-{time.time_ns():x}-{self._started}"
        command = (*self._crew.command, str(self._path), owner)
        try:
            with self._log().open("ab") as log:
                process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=os.environ | ONE_THREAD
                )
        except OSError as error:
            raise WorkerError(
                f"No worker can be started: {error}.", "The same command goes on where it was."
            ) from error
        return _Worker(owner, process)

    def _log(self) -> Path:
        return self._path.with_name("workers.log")


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
