"""How long the window's event loop stands still, and how much of that is the window's own doing."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from PyQt6.QtCore import QTimer

GAP_S = 0.1
"""The window never stands still for longer."""


class Gaps:
    """The longest time between two turns of the event loop, to be made in the window's thread.

    `worst` is what the clock says, `own` the same less the time for which the thread was ready and the system
    gave the core to somebody else (Linux tells; elsewhere nothing is taken off): with more work than cores
    every program stands still at times.
    """

    def __init__(self) -> None:
        self.worst = self.own = 0.0
        self._stat = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._last, self._waited = time.perf_counter(), self._waiting()
        self._timer = QTimer(interval=5, timeout=self._turn)
        self._timer.start()

    def stop(self) -> None:
        """End of the measurement."""
        self._timer.stop()

    def __str__(self) -> str:
        return f"longest gap {self.worst * 1000:.0f} ms, {self.own * 1000:.0f} ms of it the window's own"

    def _turn(self) -> None:
        now, waited = time.perf_counter(), self._waiting()
        gap = now - self._last
        self.worst = max(self.worst, gap)
        self.own = max(self.own, gap - (waited - self._waited))
        self._last, self._waited = now, waited

    def _waiting(self) -> float:
        """Seconds that this thread has waited for a core so far."""
        try:
            return int(os.fsdecode(self._stat.read_bytes()).split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            return 0.0
