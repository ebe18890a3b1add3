"""The row of pictures over the score view."""

from __future__ import annotations

from PyQt6.QtCore import QRect, QRectF
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPixmap
from PyQt6.QtWidgets import QWidget

from hitpoint_plugin.tasks import PictureSet
from hitpoint_plugin.view import theme
from hitpoint_plugin.view.parts import pixmap


class Strip(QWidget):
    """Evenly spaced frames of the clip, over the stretch of time that is in view."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(46)
        self.setAccessibleName("Pictures of the clip")
        self._pictures: list[QPixmap] = []
        self._duration, self._from, self._to = 1.0, 0.0, 1.0

    def set_pictures(self, pictures: PictureSet, duration: float) -> None:
        """The whole clip's."""
        self._pictures = [pixmap(jpeg) for jpeg in pictures.jpegs]
        self._duration = max(duration, 1e-3)
        self.update()

    def set_range(self, start: float, end: float) -> None:
        """The seconds in view."""
        self._from, self._to = start, max(end, start + 1e-3)
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 (Qt's name)
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.GROUND))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if not self._pictures:
            return
        ratio = self._pictures[0].width() / max(1, self._pictures[0].height())
        wide = self.height() * (ratio or 1.6)
        whole = self._x(self._duration) - self._x(0)
        shown = max(1, min(len(self._pictures), round(whole / wide)))
        for place in range(shown):
            left, right = (
                self._x(place * self._duration / shown),
                self._x((place + 1) * self._duration / shown),
            )
            picture = self._pictures[
                min(len(self._pictures) - 1, int((place + 0.5) * len(self._pictures) / shown))
            ]
            if not picture.isNull():
                target = QRectF(left, 0, right - left - 1, self.height())
                painter.drawPixmap(target, picture, QRectF(_middle(picture, target)))

    def _x(self, time: float) -> float:
        return (time - self._from) / (self._to - self._from) * self.width()


def _middle(picture: QPixmap, target: QRectF) -> QRect:
    """The part of a picture that fills the target without distortion."""
    scale = min(picture.width() / max(1.0, target.width()), picture.height() / target.height())
    wide, high = round(target.width() * scale), round(target.height() * scale)
    return QRect((picture.width() - wide) // 2, (picture.height() - high) // 2, wide, high)
