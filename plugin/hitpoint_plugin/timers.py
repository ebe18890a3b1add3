"""Timers in one line."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QObject, QTimer


def timer(parent: QObject, every_ms: int, call: Callable[[], object], *, once: bool = False) -> QTimer:
    """A timer that is not yet started; `once`: it fires once after each start."""
    made = QTimer(parent)
    made.setInterval(every_ms)
    made.setSingleShot(once)
    made.timeout.connect(call)
    return made
