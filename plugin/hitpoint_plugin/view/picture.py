"""Draws video frames; a widget of its own, so that it works on every platform and in screenshots."""

from __future__ import annotations

from PyQt6.QtCore import QRect, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PyQt6.QtMultimedia import QVideoFrame
from PyQt6.QtWidgets import QSizePolicy, QWidget

from hitpoint_plugin.view import theme


class Picture(QWidget):
    """The newest frame that came, as large as fits, or a still that was set."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Picture")
        self.setMinimumHeight(120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.frames = 0  # that came from the player
        self._frame: QVideoFrame | None = None  # not unpacked yet
        self._image = QImage()
        self._words = "No clip"

    def show_still(self, image: QImage, words: str = "") -> None:
        """Until the player has a frame; `words` stand where there is no picture."""
        self._words = words
        self._frame, self._image = None, image
        self.update()

    def show_frame(self, frame: QVideoFrame) -> None:
        """A frame of the player. It is unpacked when it is drawn: of frames that come faster than this
        machine can draw, most are never looked at, and the window is not kept from its other work."""
        self.frames += 1
        self._frame = QVideoFrame(frame)  # what a signal hands over lives as long as the call
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 (Qt's name)
        if self._frame is not None:
            image, self._frame = self._frame.toImage(), None
            self._image = self._image if image.isNull() else image
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("#0c0d10"))
        if self._image.isNull():
            painter.setPen(QColor(theme.FAINT))
            painter.drawText(
                self.rect().adjusted(24, 8, -24, -8),
                Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
                self._words,
            )
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = (self.width() - size.width()) // 2, (self.height() - size.height()) // 2
        painter.drawImage(QRect(left, top, size.width(), size.height()), self._image)
