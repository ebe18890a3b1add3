"""Keeps the session on the disk, so that a crash costs nothing; written off the window's thread."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import platformdirs
from PyQt6.QtCore import QObject, pyqtSignal

from hitpoint.errors import OutputError
from hitpoint.files import write_atomic
from hitpoint_plugin.codec import CodecError, from_json, to_json
from hitpoint_plugin.model.presets import kept_aside
from hitpoint_plugin.model.state import Session
from hitpoint_plugin.timers import timer

DELAY_MS = 800
"""Changes that come closer together than this are written once."""


def state_folder() -> Path:
    """Where the panel keeps its session and its takes."""
    return Path(platformdirs.user_state_dir("hitpoint", appauthor=False)) / "panel"


class SessionFile(QObject):
    """`session.json` in a folder. A file that cannot be read is kept aside and counts as none."""

    failed = pyqtSignal(object)  # Failure

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.path = folder / "session.json"
        self._pending: Session | None = None
        self._lock = threading.Lock()
        self._timer = timer(self, DELAY_MS, self._start_writing, once=True)

    def load(self) -> Session:
        """The last session, or an empty one."""
        try:
            return from_json(Session, json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return Session()
        except (CodecError, ValueError, OSError) as error:
            self.failed.emit(kept_aside(self.path, "The last session", error))
            return Session()

    def save_soon(self, session: Session) -> None:
        """Write it within a second; only the newest of several is written."""
        self._pending = session
        self._timer.start()

    def flush(self) -> None:
        """Write what is pending now, before the program ends."""
        self._timer.stop()
        if self._pending is not None:
            self._write(self._pending)
            self._pending = None

    def _start_writing(self) -> None:
        session, self._pending = self._pending, None
        threading.Thread(target=self._write, args=(session,)).start()

    def _write(self, session: Session) -> None:
        with self._lock:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                write_atomic(self.path, json.dumps(to_json(session)).encode("utf-8"))
            except (OSError, OutputError):
                return  # a full disk must not stop the work; the next change tries again
