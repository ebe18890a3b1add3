"""A worker: a process that loads the model once and takes jobs until none waits.

Its standard input is a lifeline that nobody writes to. When it closes, the supervisor has gone or wants an
end: the worker gives its job back, removes what is unfinished and ends.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hitpoint.batch.jobs import Fault, Job, Outcome
from hitpoint.batch.plan import fault_of
from hitpoint.batch.queue import Queue
from hitpoint.cue.bundle import load_bundle
from hitpoint.cue.sessions import CpuModel
from hitpoint.errors import Cancelled, HitpointError, OutputError
from hitpoint.files import discard_temps
from hitpoint.progress import Progress
from hitpoint.score import check_target, score_seen, see

BEAT_S = 1.0
STALL_S = 600.0
"""Work that reports no progress for so long is stuck, and its lease is allowed to lapse."""

Work = Callable[[Job, Progress], Outcome]


@dataclass(slots=True)
class Scorer:
    """The real work. Keeps the model of the last bundle, as a batch has one."""

    threads: int
    model: CpuModel | None = None
    bundle: Path | None = None

    def __call__(self, job: Job, progress: Progress) -> Outcome:
        """Score the clip and place it; doing it again replaces the same files. Raises HitpointError."""
        started = time.perf_counter()
        try:
            job.output.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder {job.output.parent} cannot be made: {error.strerror}.", "Choose another folder."
            ) from error
        check_target(job.output)
        model = self._model(job.request.bundle)
        result = score_seen(see(job.request, progress), job.request, model, job.output, progress)
        return Outcome(
            asset=result.asset.path,
            sha256=result.asset.sha256,
            style=result.style,
            hit_rate=result.hit_rate,
            chance_rate=result.chance_rate,
            wall_s=time.perf_counter() - started,
            warnings=result.warnings,
        )

    def _model(self, bundle: Path | None) -> CpuModel:
        if self.model is None or self.bundle != bundle:
            self.model, self.bundle = CpuModel(load_bundle(bundle), self.threads), bundle
        return self.model


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
            outcome = work(job, progress)
            done += queue.done(job.key, owner, outcome)
        except Cancelled:
            continue  # the job is somebody else's by now
        except HitpointError as error:
            queue.failed(job.key, owner, fault_of(error))
        except Exception as error:  # the outer edge: a mistake of ours must not stop a night's work
            sys.excepthook(type(error), error, error.__traceback__)
            queue.failed(job.key, owner, _unexpected(error))
        finally:
            lease.over.set()
            keeper.join()
    queue.close()
    return done


def hold_lifeline(path: Path, owner: str) -> None:
    """End this process, tidily, when its standard input closes."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        discard_temps()
        Queue(path).release(owner)
        os._exit(Cancelled.exit_code)

    threading.Thread(target=watch, name="hitpoint-lifeline", daemon=True).start()


def start(arguments: list[str]) -> tuple[Path, str, int]:
    """What every worker process does first; QUEUE OWNER THREADS from the command line."""
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's business
    path, owner, threads = arguments
    hold_lifeline(Path(path), owner)
    return Path(path), owner, int(threads)


def _unexpected(error: Exception) -> Fault:
    todo = "This is a mistake in Hitpoint; the worker's log has the details."
    return Fault(type(error).__name__, f"Hitpoint failed: {error}.", todo)


if __name__ == "__main__":
    where, name, most = start(sys.argv[1:])
    serve(where, name, Scorer(most))
