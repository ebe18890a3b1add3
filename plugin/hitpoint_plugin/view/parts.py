"""Small things that every pane is built of."""

from __future__ import annotations

import base64
from collections.abc import Callable
from fractions import Fraction

from PyQt6.QtGui import QPixmap
from PyQt6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from hitpoint.media.timecode import format_timecode
from hitpoint_plugin.view.theme import GAP


def label(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """Text; `role` is quiet, heading, big or bad."""
    made = QLabel(text)
    made.setWordWrap(wrap)
    if role:
        made.setProperty(role, True)
    return made


def button(text: str, name: str, clicked: Callable[[], object], kind: str = "") -> QPushButton:
    """A push button; `name` is what a screen reader says, `kind` primary or plain."""
    made = QPushButton(text)
    made.setAccessibleName(name)
    made.setToolTip(name)
    if kind:
        made.setObjectName(kind)
    made.clicked.connect(lambda _checked=False: clicked())
    return made


def tool(text: str, name: str, clicked: Callable[[], object] | None = None, *, kind: str = "") -> QToolButton:
    """A small button; without `clicked` it is one that stays down."""
    made = QToolButton()
    made.setText(text)
    made.setAccessibleName(name)
    made.setToolTip(name)
    if kind:
        made.setObjectName(kind)
    if clicked is None:
        made.setCheckable(True)
    else:
        made.clicked.connect(lambda _checked=False: clicked())
    return made


def frame(name: str) -> QFrame:
    """A card, bar or banner."""
    made = QFrame()
    made.setObjectName(name)
    return made


def row(*parts: QWidget | int | QBoxLayout, gap: int = GAP) -> QHBoxLayout:
    """Side by side; a number is a stretch."""
    made = QHBoxLayout()
    _fill(made, parts, gap)
    return made


def column(*parts: QWidget | int | QBoxLayout, gap: int = GAP) -> QVBoxLayout:
    """One below the other; a number is a stretch."""
    made = QVBoxLayout()
    _fill(made, parts, gap)
    return made


def clear(layout: QBoxLayout) -> None:
    """Take everything out of a layout and delete it."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.setParent(None)
            widget.deleteLater()


def pixmap(jpeg: str) -> QPixmap:
    """A picture from base64; a null one if it is none."""
    made = QPixmap()
    made.loadFromData(base64.b64decode(jpeg))
    return made


def clock(seconds: float | Fraction) -> str:
    """M:SS.mmm"""
    whole = round(float(seconds) * 1000)
    return f"{whole // 60000}:{whole // 1000 % 60:02d}.{whole % 1000:03d}"


def timecode(seconds: Fraction, rate: Fraction) -> str:
    """HH:MM:SS:FF, non-drop."""
    return format_timecode(round(seconds * rate), rate)


def _fill(layout: QBoxLayout, parts: tuple[QWidget | int | QBoxLayout, ...], gap: int) -> None:
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(gap)
    for part in parts:
        if isinstance(part, int):
            layout.addStretch(part)
        elif isinstance(part, QWidget):
            layout.addWidget(part)
        else:
            layout.addLayout(part)
