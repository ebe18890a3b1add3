"""Rows of work with their stage, progress, time left, and a button to stop them."""

from __future__ import annotations

import time

from PyQt6.QtWidgets import QFrame, QProgressBar, QWidget

from hitpoint_plugin.model.jobs import Job, Jobs
from hitpoint_plugin.timers import timer
from hitpoint_plugin.view.parts import column, label, row, tool


class JobRow(QFrame):
    """One job."""

    def __init__(self, jobs: Jobs, number: int) -> None:
        super().__init__()
        self.setObjectName("card")
        self.title = label("")
        self.title.setMinimumWidth(20)
        self.state = label("", "quiet")
        self.state.setMinimumWidth(20)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.stop = tool("×", "Cancel", lambda: jobs.cancel(number), kind="plain")
        self.setLayout(column(row(self.title, 1, self.stop, gap=0), self.bar, self.state, gap=4))
        self.layout().setContentsMargins(12, 6, 8, 8)  # type: ignore[union-attr]

    def show_job(self, job: Job) -> None:
        """Its newest state."""
        self.title.setText(job.title)
        self.setAccessibleName(f"{job.title}: {words(job)}")
        self.state.setText(words(job))
        self.bar.setValue(round(job.share * 1000))
        self.bar.setVisible(not job.over)
        self.bar.setAccessibleName(f"Progress of {job.title}")
        self.stop.setToolTip("Remove from the list" if job.over else "Cancel")
        self.stop.setAccessibleName(self.stop.toolTip())


def words(job: Job) -> str:
    """What a job does now, in a line."""
    if job.state == "running":
        left = job.seconds_left(time.monotonic())
        remaining = "" if left is None else f" · {_rounded(left)} left"
        return f"{job.stage.capitalize()} · {job.share:.0%}{remaining}"
    if job.state == "done":
        return f"Done in {_rounded(job.ended - job.started)}"
    if job.state == "failed" and job.failure is not None:
        return job.failure.what
    return {"waiting": "Waiting", "cancelling": "Stopping…", "cancelled": "Cancelled"}.get(job.state, "")


def _rounded(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min"


class JobList(QWidget):
    """All rows, newest first."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self.rows: dict[int, JobRow] = {}
        self.heading = label("WORK", "heading")
        self.clear = tool("Clear", "Remove finished rows", jobs.clear, kind="plain")
        self._rows = column(gap=6)
        self.setLayout(column(row(self.heading, 1, self.clear), self._rows, gap=6))
        jobs.added.connect(self._added)
        jobs.changed.connect(self._changed)
        jobs.removed.connect(self._removed)
        self._timer = timer(self, 1000, self._tick)
        self.setVisible(False)

    def _added(self, number: int) -> None:
        self.rows[number] = JobRow(self._jobs, number)
        self._rows.insertWidget(0, self.rows[number])
        self._changed(number)
        self.setVisible(True)
        self._timer.start()

    def _changed(self, number: int) -> None:
        job, widget = self._jobs.job(number), self.rows.get(number)
        if job is not None and widget is not None:
            widget.show_job(job)
        self.clear.setVisible(any(job.over for job in self._jobs.all()))

    def _removed(self, number: int) -> None:
        widget = self.rows.pop(number, None)
        if widget is not None:
            self._rows.removeWidget(widget)
            widget.deleteLater()
        self.setVisible(bool(self.rows))

    def _tick(self) -> None:
        running = [job for job in self._jobs.all() if not job.over]
        for job in running:
            self._changed(job.number)
        if not running:
            self._timer.stop()
