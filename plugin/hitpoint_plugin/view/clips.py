"""The clips of the open timeline."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QModelIndex, QRect, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPixmap
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QFileDialog,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from hitpoint.values import ClipInfo
from hitpoint_plugin.model.lines import FIRST_LINE
from hitpoint_plugin.model.panel import PanelModel
from hitpoint_plugin.view import theme
from hitpoint_plugin.view.parts import button, clock, column, label, pixmap, row, timecode

FILTER = (
    "Timelines and videos (*.otio *.otioz *.otiod *.xml *.fcpxml *.fcpxmld *.edl *.aaf *.mlt *.kdenlive"
    " *.mp4 *.mov *.mkv *.mxf *.avi *.webm *.m4v);;All files (*)"
)
_CLIP, _PICTURE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
_THUMB = QSize(76, 44)


class ClipRow(QStyledItemDelegate):
    """Draws a clip: picture, name, where it starts and how long it is, or why it is offline."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(200, _THUMB.height() + 20)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        clip = index.data(_CLIP)
        if painter is None or not isinstance(clip, ClipInfo):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._ground(painter, option)
        thumb = QRect(option.rect.left() + 8, option.rect.top() + 10, _THUMB.width(), _THUMB.height())
        self._thumb(painter, thumb, index.data(_PICTURE), bool(clip.offline))
        text = option.rect.adjusted(_THUMB.width() + 18, 8, -8, -8)
        self._text(painter, text, clip)
        painter.restore()

    def _ground(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
        painter.setBrush(QColor(theme.RAISED if chosen else theme.GROUND))
        painter.setPen(QPen(QColor(theme.ACCENT)) if focused and chosen else Qt.PenStyle.NoPen)
        painter.drawRoundedRect(option.rect.adjusted(1, 1, -1, -1), 8, 8)

    def _thumb(self, painter: QPainter, where: QRect, picture: object, offline: bool) -> None:
        painter.fillRect(where, QColor(theme.SURFACE))
        if isinstance(picture, QPixmap) and not picture.isNull():
            mode = Qt.AspectRatioMode.KeepAspectRatioByExpanding
            scaled = picture.scaled(where.size(), mode, Qt.TransformationMode.SmoothTransformation)
            left, top = (scaled.width() - where.width()) // 2, (scaled.height() - where.height()) // 2
            painter.drawPixmap(where, scaled, QRect(left, top, where.width(), where.height()))
        if offline:
            painter.setPen(QPen(QColor(theme.BAD), 1.5))
            middle = where.center()
            painter.drawLine(middle.x() - 6, middle.y() - 6, middle.x() + 6, middle.y() + 6)
            painter.drawLine(middle.x() - 6, middle.y() + 6, middle.x() + 6, middle.y() - 6)

    def _text(self, painter: QPainter, where: QRect, clip: ClipInfo) -> None:
        metrics = painter.fontMetrics()
        name = metrics.elidedText(clip.name or "Untitled", Qt.TextElideMode.ElideRight, where.width())
        painter.setPen(QColor(theme.INK if clip.enabled and not clip.offline else theme.QUIET))
        painter.drawText(where, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, name)
        painter.setPen(QColor(theme.QUIET))
        below = metrics.elidedText(facts(clip), Qt.TextElideMode.ElideRight, where.width())
        middle = Qt.AlignmentFlag.AlignVCenter if clip.offline else Qt.AlignmentFlag.AlignBottom
        painter.drawText(where, middle | Qt.AlignmentFlag.AlignLeft, below)
        if clip.offline:
            painter.setPen(QColor(theme.BAD))
            why = metrics.elidedText(offline(clip), Qt.TextElideMode.ElideRight, where.width())
            painter.drawText(where, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, why)


def facts(clip: ClipInfo) -> str:
    """The second line of a clip: where it starts on the timeline, and how long it is."""
    off = "" if clip.enabled else " · switched off"
    line = " · one cue" if clip.index >= FIRST_LINE else ""
    return f"{timecode(clip.record_start, clip.rate)} · {float(clip.duration):.2f} s{off}{line}"


def offline(clip: ClipInfo) -> str:
    """Why a clip cannot be scored; empty if it can."""
    return f"Offline: {clip.offline}" if clip.offline else ""


class Clips(QWidget):
    """A list with multi-selection, and the way to open something."""

    def __init__(self, model: PanelModel) -> None:
        super().__init__()
        self._model = model
        self._pictures: dict[int, QPixmap] = {}
        self.title = label("No timeline open")
        self.facts = label("", "quiet")
        self.open_button = button("Open…", "Open a timeline or a video (Ctrl+O)", self.choose_file)
        self.list = QListWidget()
        self.list.setAccessibleName("Clips")
        self.list.setItemDelegate(ClipRow(self.list))
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.find_button = button(
            "Find media…", "Choose the folder in which files that have moved are sought", self.choose_root
        )
        self.empty = label("Drop a timeline or a video here,\nor open one.", "quiet")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        head = row(column(self.title, self.facts, gap=2), 1, self.open_button)
        self.as_one = QCheckBox("Score these as one cue")
        self.as_one.setAccessibleName("Score the selected clips as one cue")
        self.as_one.setVisible(False)
        self.as_one.toggled.connect(lambda on: setattr(model.studio, "as_one", on))
        self.setLayout(column(head, self.find_button, self.empty, self.list, self.as_one))
        model.store.lines_changed.connect(lambda: self._add(model.store.clips()[-1]))
        self.list.itemSelectionChanged.connect(self._selected)
        self.list.currentItemChanged.connect(lambda now, _before: self._current(now))
        model.store.timeline_changed.connect(self._fill)
        model.store.current_changed.connect(self._follow)
        model.clip_pictured.connect(self._pictured)
        self._fill()

    def choose_file(self) -> None:
        """Ask for a file and open it."""
        name, _ = QFileDialog.getOpenFileName(self, "Open a timeline or a video", "", FILTER)
        if name:
            self._model.open(Path(name))

    def choose_root(self) -> None:
        """Ask where media that has moved lies now."""
        name = QFileDialog.getExistingDirectory(self, "Where are the media files now?")
        if name:
            self._model.find_media(Path(name))

    def _fill(self) -> None:
        timeline = self._model.store.timeline
        self._pictures = {}
        self.list.blockSignals(True)
        self.list.clear()
        clips = timeline.clips if timeline is not None else ()
        for clip in self._model.store.clips():
            self._add(clip)
        self.list.blockSignals(False)
        self.find_button.setVisible(any(clip.offline for clip in clips))
        self.empty.setVisible(not clips)
        self.list.setVisible(bool(clips))
        if timeline is not None:
            self.title.setText(timeline.name or timeline.path.name)
            self.title.setToolTip(str(timeline.path))
            rate = f"{float(timeline.rate):.3f}".rstrip("0").rstrip(".")
            many = "1 clip" if len(clips) == 1 else f"{len(clips)} clips"
            self.facts.setText(f"{many} · {rate} fps · {clock(timeline.duration)}")
        self._follow()

    def _add(self, clip: ClipInfo) -> None:
        item = QListWidgetItem()
        item.setData(_CLIP, clip)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{clip.name}, {facts(clip)} {offline(clip)}")
        item.setToolTip(f"{clip.name}\n{facts(clip)}\n{clip.track}\n{offline(clip)}".strip())
        self.list.addItem(item)

    def _pictured(self, index: int, jpeg: str) -> None:
        for number in range(self.list.count()):
            item = self.list.item(number)
            if item is not None and item.data(_CLIP).index == index:
                item.setData(_PICTURE, pixmap(jpeg))

    def _selected(self) -> None:
        chosen = tuple(item.data(_CLIP).index for item in self.list.selectedItems())
        self._model.store.selected = tuple(sorted(chosen))
        clips_only = not any(map(self._model.store.line, chosen))
        self.as_one.setVisible(len(chosen) > 1 and clips_only)

    def _current(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self._model.store.set_current(item.data(_CLIP).index)

    def _follow(self) -> None:
        """The list's own current row follows the model."""
        for number in range(self.list.count()):
            item = self.list.item(number)
            if item is not None and item.data(_CLIP).index == self._model.store.current:
                if self.list.currentItem() is not item:
                    self.list.setCurrentItem(item)
                return
