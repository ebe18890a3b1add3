"""The panel's end of a worker process: a queue of tasks, one at a time, and a fresh worker when one dies."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PyQt6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, pyqtSignal

from hitpoint import children
from hitpoint_plugin.codec import CodecError, from_json, to_json
from hitpoint_plugin.tasks import Failure, Task
from hitpoint_plugin.timers import timer

CANCEL_GRACE_MS = 1500
"""A cancelled task may take so long to stop by itself; then its worker is killed and another started."""
_KEPT_OUTPUT = 8000

Done = Callable[[Any], None]
Failed = Callable[[Failure], None]
Progressed = Callable[[str, float], None]


@dataclass(slots=True)
class _Entry:
    number: int
    task: Task
    done: Done
    failed: Failed
    progress: Progressed
    cancelled: bool = field(default=False)


class Lane(QObject):
    """Runs tasks in order in one worker. Never blocks; every task ends in exactly one `done` or `failed`."""

    idle = pyqtSignal()
    died = pyqtSignal()
    said = pyqtSignal(str)  # what the worker printed

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue: deque[_Entry] = deque()
        self._current: _Entry | None = None
        self._process: QProcess | None = None
        self._buffer = bytearray()
        self._said = ""
        self._count = 0
        self._closed = False
        self._grace = timer(self, CANCEL_GRACE_MS, self.kill, once=True)

    @property
    def busy(self) -> bool:
        """Whether anything is running or waiting."""
        return self._current is not None or bool(self._queue)

    def submit(
        self, task: Task, done: Done, failed: Failed | None = None, progress: Progressed | None = None
    ) -> int:
        """Queue a task; the number is for `cancel`. After `close` nothing is taken any more."""
        self._count += 1
        if self._closed:
            return self._count
        nothing: Any = _ignore
        self._queue.append(_Entry(self._count, task, done, failed or nothing, progress or nothing))
        QTimer.singleShot(0, self._next)
        return self._count

    def cancel(self, number: int) -> None:
        """Take a task out of the queue, or stop it."""
        current = self._current
        if current is not None and current.number == number:
            current.cancelled = True
            self._send({"do": "cancel", "id": number})
            self._grace.start()
            return
        for entry in [entry for entry in self._queue if entry.number == number]:
            self._queue.remove(entry)
            entry.failed(_cancelled())

    def kill(self) -> None:
        """End the worker process now; the task at work fails, those that wait go to a new one."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Forget everything and end the worker."""
        self._closed = True
        self._queue.clear()
        self._current = None
        process, self._process = self._process, None
        if process is not None:
            process.finished.disconnect()
            process.errorOccurred.disconnect()
            process.kill()
            process.waitForFinished(2000)

    def process_id(self) -> int:
        """Of the worker, 0 if there is none."""
        return self._process.processId() if self._process is not None else 0

    def _next(self) -> None:
        if self._current is not None or not self._queue:
            return
        self._current = entry = self._queue.popleft()
        if self._process is None:
            self._start()
        self._send({"do": type(entry.task).__name__, "id": entry.number, "task": to_json(entry.task)})

    def _start(self) -> None:
        self._buffer.clear()
        self._said = ""
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUNBUFFERED", "1")
        process.setProcessEnvironment(environment)
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._overhear)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._error)
        self._process = process
        program, *arguments = children.module("hitpoint_plugin.worker")
        process.start(program, arguments)

    def _send(self, message: dict[str, Any]) -> None:
        if self._process is not None:
            self._process.write((json.dumps(message) + "\n").encode("utf-8"))

    def _read(self) -> None:
        if self._process is None:
            return
        self._buffer += self._process.readAllStandardOutput().data()
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        for line in lines:
            self._answer(json.loads(line))

    def _overhear(self) -> None:
        if self._process is not None:
            text = self._process.readAllStandardError().data().decode("utf-8", "replace")
            self._said = (self._said + text)[-_KEPT_OUTPUT:]
            self.said.emit(text)

    def _answer(self, message: dict[str, Any]) -> None:
        entry = self._current
        if entry is None or message["id"] != entry.number:
            return
        if message["event"] == "progress":
            entry.progress(*message["value"])
            return
        self._end()
        try:
            if message["event"] == "done":
                entry.done(from_json(entry.task.result, message["value"]))
            else:
                entry.failed(from_json(Failure, message["value"]))
        except CodecError as error:
            entry.failed(Failure("The engine's answer could not be read.", "Install it again.", str(error)))

    def _end(self) -> None:
        self._current = None
        self._grace.stop()
        if self._queue:
            QTimer.singleShot(0, self._next)
        else:
            self.idle.emit()

    def _error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._finished()

    def _finished(self) -> None:
        """The worker is gone: killed, crashed, or never there."""
        process, self._process = self._process, None
        if process is not None:
            self._overhear_last(process)
            process.deleteLater()
        entry = self._current
        self._end()
        if entry is not None:
            entry.failed(_cancelled() if entry.cancelled else self._death())
        self.died.emit()

    def _overhear_last(self, process: QProcess) -> None:
        text = process.readAllStandardError().data().decode("utf-8", "replace")
        self._said = (self._said + text)[-_KEPT_OUTPUT:]

    def _death(self) -> Failure:
        return Failure(
            "The engine stopped in the middle of the work.",
            "Everything else is still here; start the job again.",
            self._said,
        )


def _cancelled() -> Failure:
    return Failure("Cancelled.", "Nothing was written.", cancelled=True)


def _ignore(*_: object) -> None:
    """For callers that do not want to know."""
