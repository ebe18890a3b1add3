"""A worker on a Ray cluster: an actor that keeps its model loaded. It knows nothing of the queue."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

from hitpoint import __version__
from hitpoint.batch.jobs import Fault, Job, Outcome
from hitpoint.batch.scorer import Scorer
from hitpoint.batch.worker import attempt
from hitpoint.errors import Cancelled
from hitpoint.progress import Progress


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker runs and what it would work with; `sees` is whether it sees the queue's folder."""

    host: str
    pid: int
    version: str
    bundle: str  # digest
    sees: bool


@dataclass(frozen=True, slots=True)
class Pulse:
    """How far the work is; `still_s` seconds ago it last reported."""

    stage: str
    fraction: float
    still_s: float


@dataclass(slots=True)
class Remote:
    """Made by Ray as a threaded actor: `pulse` and `stop` answer while `work` works."""

    scorer: Scorer = field(default_factory=Scorer)
    stage: str = ""
    fraction: float = 0.0
    moved: float = 0.0
    progress: Progress = field(default_factory=Progress)

    def prepare(self, bundle: Path | None, queue: Path) -> Place:
        """Load the model, once for all jobs. Raises ModelBundleError."""
        model = self.scorer.load(bundle)
        return Place(socket.gethostname(), os.getpid(), __version__, model.bundle.id.sha256, queue.is_file())

    def work(self, job: Job) -> Outcome | Fault | None:
        """Do one job; None if it was stopped."""
        self._listen("", 0.0)
        self.progress = Progress(self._listen)
        try:
            return attempt(self.scorer, job, self.progress)
        except Cancelled:
            return None

    def pulse(self) -> Pulse:
        """For the lease."""
        return Pulse(self.stage, self.fraction, time.monotonic() - self.moved)

    def stop(self) -> None:
        """End the work that is going on and remove what is unfinished."""
        self.progress.cancel()

    def _listen(self, stage: str, fraction: float) -> None:
        self.stage, self.fraction, self.moved = stage, fraction, time.monotonic()
