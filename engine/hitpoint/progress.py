"""Progress and cancellation: one small object handed down the pipeline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from hitpoint.errors import Cancelled

Listener = Callable[[str, float], None]


def _silent(stage: str, fraction: float) -> None:
    """Report to nobody."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Says how far a stage is, and raises `Cancelled` at the next report once `cancel()` was called.

    `report(stage, fraction)`: the stage's name in plain words; `fraction` from 0 to 1.
    """

    listener: Listener = _silent
    cancelled: threading.Event = field(default_factory=threading.Event)

    def report(self, stage: str, fraction: float) -> None:
        """Tell the listener, or raise `Cancelled`. Cheap enough for every video frame."""
        if self.cancelled.is_set():
            raise Cancelled("Cancelled.", "Nothing was written.")
        self.listener(stage, min(1.0, max(0.0, fraction)))

    def cancel(self) -> None:
        """Ask the work to stop; safe from any thread and from a signal handler."""
        self.cancelled.set()


SILENT = Progress()
"""For callers that want neither progress nor cancellation."""
