"""A worker process: takes jobs and does them until none waits. What the work is, `scorer.py` says.

Its standard input is a lifeline that nobody writes to. When it closes, the supervisor has gone or wants an
end: the worker gives its job back, removes what is unfinished and ends.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hitpoint.batch.jobs import Fault, Job, Outcome, fault_of
from hitpoint.batch.queue import Queue
from hitpoint.errors import Cancelled, HitpointError
from hitpoint.files import discard_temps
from hitpoint.progress import Progress

BEAT_S = 1.0
STALL_S = 600.0
"""Work that reports no progress for so long is stuck, and its lease is allowed to lapse."""

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""For the environment of a worker: threads of libraries that read it as they are loaded only spin."""

Work = Callable[[Job, Progress], Outcome]


@dataclass(slots=True)
class _Lease:
    """Keeps one job alive from a thread of its own, for as long as the work moves."""

    queue: Path
    key: str
    owner: str
    stage: str = ""
    fraction: float = 0.0
    moved: float = field(default_factory=time.monotonic)
    over: threading.Event = field(default_factory=threading.Event)

    def listen(self, stage: str, fraction: float) -> None:
        """For `Progress`."""
        self.stage, self.fraction, self.moved = stage, fraction, time.monotonic()

    def keep(self, progress: Progress) -> None:
        """Beat until it is over; stop the work if the job was taken away."""
        queue = Queue(self.queue)
        try:
            while not self.over.wait(BEAT_S):
                stuck = time.monotonic() - self.moved > STALL_S
                if not stuck and not queue.beat(self.key, self.owner, self.stage, self.fraction):
                    progress.cancel()
        finally:
            queue.close()


def serve(path: Path, owner: str, work: Work) -> int:
    """Do jobs from the queue at `path` until none waits; how many were done."""
    queue, done = Queue(path), 0
    while (job := queue.take(owner)) is not None:
        lease = _Lease(path, job.key, owner)
        progress = Progress(lease.listen)
        keeper = threading.Thread(target=lease.keep, args=(progress,), name="hitpoint-lease", daemon=True)
        keeper.start()
        try:
            came = attempt(work, job, progress)
        except Cancelled:
            continue  # the job is somebody else's by now
        finally:
            lease.over.set()
            keeper.join()
        if isinstance(came, Outcome):
            done += queue.done(job.key, owner, came)
        else:
            queue.failed(job.key, owner, came)
    queue.close()
    return done


def attempt(work: Work, job: Job, progress: Progress) -> Outcome | Fault:
    """What comes of `work`, on one core. An error is an answer too; only Cancelled is raised."""
    try:
        with one_core():
            return work(job, progress)
    except Cancelled:
        raise
    except HitpointError as error:
        return fault_of(error)
    except Exception as error:  # the outer edge: a mistake of ours must not stop a night's work
        sys.excepthook(type(error), error, error.__traceback__)
        return _unexpected(error)


@contextmanager
def one_core() -> Generator[None]:
    """Keep this thread, and all that it starts, on the core where it happens to run.

    A worker then does not slow down its neighbours, and libraries do not start threads that only wait for
    each other. The system chooses the core anew for each job, so that two batches share a machine well.
    """
    if sys.platform != "linux":
        yield
        return
    allowed, here = os.sched_getaffinity(0), ctypes.CDLL(None).sched_getcpu()
    if here in allowed:
        os.sched_setaffinity(0, {here})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def hold_lifeline(path: Path, owner: str) -> None:
    """End this process, tidily, when its standard input closes."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        discard_temps()
        Queue(path).release(owner)
        os._exit(Cancelled.exit_code)

    threading.Thread(target=watch, name="hitpoint-lifeline", daemon=True).start()


def start(arguments: list[str]) -> tuple[Path, str]:
    """What every worker process does first; QUEUE OWNER from the command line."""
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's business
    path, owner = arguments
    hold_lifeline(Path(path), owner)
    return Path(path), owner


def _unexpected(error: Exception) -> Fault:
    todo = "This is a mistake in Hitpoint; the worker's log has the details."
    return Fault(type(error).__name__, f"Hitpoint failed: {error}.", todo)
