"""The rows of work: what runs, how far it is, how long it will take, and a way to stop it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Literal

from PyQt6.QtCore import QObject, pyqtSignal

from hitpoint_plugin.lane import Done, Lane
from hitpoint_plugin.tasks import Failure, Task

State = Literal["waiting", "running", "cancelling", "done", "failed", "cancelled"]
_SURE_AFTER_S, _SURE_FROM = 1.0, 0.05  # before that a guess of the time left is worth nothing


@dataclass(frozen=True, slots=True)
class Job:
    """One row. `stage` in the engine's words, `share` of that stage from 0 to 1."""

    number: int
    title: str
    state: State = "waiting"
    stage: str = ""
    share: float = 0.0
    stage_started: float = 0.0
    started: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    failure: Failure | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")

    def seconds_left(self, now: float) -> float | None:
        """Until the end of the stage, from its pace so far; None while nobody can know."""
        spent = now - self.stage_started
        if self.state != "running" or spent < _SURE_AFTER_S or self.share < _SURE_FROM:
            return None
        return spent * (1 - self.share) / self.share


class Jobs(QObject):
    """All rows, newest last, run one after the other in a lane."""

    changed = pyqtSignal(int)  # the number of the job
    added = pyqtSignal(int)
    removed = pyqtSignal(int)

    def __init__(self, lane: Lane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lane = lane
        self._jobs: dict[int, Job] = {}

    def all(self) -> tuple[Job, ...]:
        """In the order in which they were asked for."""
        return tuple(self._jobs.values())

    def job(self, number: int) -> Job | None:
        """One row."""
        return self._jobs.get(number)

    def start(self, title: str, task: Task, done: Done) -> int:
        """Queue a task as a row."""

        def finished(value: object) -> None:
            self._put(number, state="done", share=1.0, ended=time.monotonic())
            done(value)

        def failed(failure: Failure) -> None:
            state: State = "cancelled" if failure.cancelled else "failed"
            self._put(number, state=state, failure=failure, ended=time.monotonic())

        def progressed(stage: str, share: float) -> None:
            self._progress(number, stage, share)

        number = self._lane.submit(task, finished, failed, progressed)
        self._jobs[number] = Job(number, title)
        self.added.emit(number)
        return number

    def cancel(self, number: int) -> None:
        """Stop a row, or take a finished one off the list."""
        job = self._jobs.get(number)
        if job is None:
            return
        if job.over:
            del self._jobs[number]
            self.removed.emit(number)
            return
        if job.state == "running":
            self._put(number, state="cancelling")
        self._lane.cancel(number)

    def clear(self) -> None:
        """Take all finished rows off the list."""
        for number in [job.number for job in self.all() if job.over]:
            self.cancel(number)

    def _progress(self, number: int, stage: str, share: float) -> None:
        job = self._jobs[number]
        if job.state == "cancelling":
            return
        now = time.monotonic()
        if job.state == "waiting":
            self._put(number, started=now)
        begun = job.stage_started if stage == job.stage else now
        self._put(number, state="running", stage=stage, share=share, stage_started=begun)

    def _put(self, number: int, **changes: object) -> None:
        job = self._jobs.get(number)
        if job is not None:
            self._jobs[number] = replace(job, **changes)  # type: ignore[arg-type]
            self.changed.emit(number)
