"""The window: panes side by side where there is room, one below the other where there is not."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from PyQt6.QtCore import QSettings, QSize, Qt
from PyQt6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PyQt6.QtWidgets import QScrollArea, QSplitter, QTabWidget, QVBoxLayout, QWidget

from hitpoint_plugin.model.panel import PanelModel
from hitpoint_plugin.tasks import Take
from hitpoint_plugin.view.banner import Banner
from hitpoint_plugin.view.clips import Clips
from hitpoint_plugin.view.controls import Controls
from hitpoint_plugin.view.hosts_button import HostsButton
from hitpoint_plugin.view.jobs import JobList
from hitpoint_plugin.view.parts import button, column, frame, label, row
from hitpoint_plugin.view.place_bar import PlaceBar
from hitpoint_plugin.view.stage import Stage
from hitpoint_plugin.view.takes import Takes

WIDE_FROM = 860
"""Pixels of width from which on the panes lie side by side."""
SMALLEST = QSize(370, 560)


class Window(QWidget):
    """Everything that is seen. Closing it keeps the session and ends the workers."""

    def __init__(self, model: PanelModel, settings: QSettings | None = None) -> None:
        super().__init__()
        self.model = model
        model.setParent(self)
        self._settings = settings
        self.setWindowTitle("Hitpoint")
        self.setAcceptDrops(True)
        self.setMinimumSize(SMALLEST)
        self.clips, self.stage, self.takes = Clips(model), Stage(model), Takes(model)
        self.controls, self.jobs, self.place = Controls(model), JobList(model.studio.jobs), PlaceBar(model)
        self.banner = Banner(model.store, model.log)
        self.hosts = HostsButton(model.bridge)
        self.generate = button(
            "Generate", "Make takes for the selected clips (Ctrl+Enter)", model.studio.generate, "primary"
        )
        self.remake = button(
            "Remake region",
            "Make the marked bars of the chosen take anew (Ctrl+Shift+Enter)",
            model.studio.remake,
        )
        for changed in (model.store.work_changed, model.store.takes_changed):
            changed.connect(lambda _index: self._can_remake())
        model.store.current_changed.connect(self._can_remake)
        self._can_remake()
        self.takes.heard.connect(self._hear)
        self._first: Take | None = None  # that was heard by itself
        model.store.takes_changed.connect(self._hear_first)
        self.stage.player.failed.connect(
            lambda text: model.store.said.emit(f"The preview cannot play this: {text}")
        )
        self._make_panes()
        self._make_shortcuts()
        self._wide: bool | None = None
        self._arrange(wide=True)
        self.resize(1280, 800)
        if settings is not None and (geometry := settings.value("geometry")) is not None:
            self.restoreGeometry(geometry)
        self._set_tab_order()

    def open(self, path: Path) -> None:
        """Open a timeline or a video."""
        self.model.open(path)

    def _make_panes(self) -> None:
        bar = frame("bar")
        title = label("Hitpoint")
        bar.setLayout(row(title, 1, self.hosts))
        bar.layout().setContentsMargins(12, 6, 12, 6)  # type: ignore[union-attr]
        self._music = _pane(self.controls, self.generate, self.remake, self.jobs)
        self._heard = QWidget()
        self._heard.setLayout(column(self.takes, self.place, gap=8))
        self._body = QVBoxLayout()
        self._body.setContentsMargins(12, 0, 12, 12)
        layout = column(bar, gap=8)
        messages = QVBoxLayout()
        messages.setContentsMargins(12, 0, 12, 0)
        messages.addWidget(self.banner)
        layout.addLayout(messages)
        layout.addLayout(self._body, 1)
        self.setLayout(layout)

    def _arrange(self, *, wide: bool) -> None:
        """Move the panes to where they belong at this width."""
        if wide == self._wide:
            return
        self._wide = wide
        old = self._body.takeAt(0)
        self._body.addWidget(self._side_by_side() if wide else self._stacked())
        if old is not None and (widget := old.widget()) is not None:
            widget.deleteLater()
        self._heard.show()
        if wide:  # whatever was behind another tab; the tabs look after their pages themselves
            self.clips.show()
            self._music.show()
        self.stage.score.setFocus()  # moving panes about hands the focus to whoever comes next

    def _side_by_side(self) -> QWidget:
        middle = QWidget()
        middle.setLayout(column(self.stage, self._heard, gap=10))
        middle.layout().setStretch(0, 1)  # type: ignore[union-attr]
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setHandleWidth(16)
        splitter.setChildrenCollapsible(False)
        for pane, width in ((self.clips, 250), (middle, 680), (self._music, 270)):
            splitter.addWidget(pane)
            splitter.setStretchFactor(splitter.count() - 1, 1 if pane is middle else 0)
            pane.setMinimumWidth(210)
            pane.resize(width, pane.height())
        splitter.setSizes([250, 700, 280])
        return splitter

    def _stacked(self) -> QWidget:
        tabs = QTabWidget()
        tabs.setDocumentMode(True)
        if (bar := tabs.tabBar()) is not None:
            bar.setDrawBase(False)
        tabs.setAccessibleName("Panes")
        for pane in (self.clips, self._music, self._heard):
            pane.setMinimumWidth(0)
        tabs.addTab(self.clips, "Clips")
        tabs.addTab(self._music, "Music")
        tabs.addTab(_top(self._heard), "Takes")
        self.tabs = tabs
        whole = QSplitter(Qt.Orientation.Vertical)
        whole.setHandleWidth(10)
        whole.setChildrenCollapsible(False)
        whole.addWidget(self.stage)
        whole.addWidget(tabs)
        whole.setSizes([500, 340])
        return whole

    def _make_shortcuts(self) -> None:
        model = self.model
        for keys, act in (
            ("Ctrl+O", self.clips.choose_file),
            ("Ctrl+Return", model.studio.generate),
            ("Ctrl+Shift+Return", model.studio.remake),
            ("Ctrl+Z", model.editor.stack.undo),
            ("Ctrl+Shift+Z", model.editor.stack.redo),
            ("Ctrl+Shift+P", model.placing.undo),
            ("P", self.place.place_now),
            ("T", model.editor.tap),
            ("W", lambda: model.studio.watch(model.store.current)),
            ("F11", self._full_screen),
            ("F12", self.banner.show_log),
        ):
            QShortcut(QKeySequence(keys), self).activated.connect(act)

    def _set_tab_order(self) -> None:
        order: list[QWidget] = [
            self.clips.open_button, self.clips.list, self.stage.play_button, self.stage.score,
            self.controls.style_box, self.generate, self.remake, self.place.place,
        ]  # fmt: skip
        for first, second in pairwise(order):
            QWidget.setTabOrder(first, second)

    def _can_remake(self) -> None:
        work = self.model.store.work()
        self.remake.setEnabled(work.take is not None and work.sheet.region is not None)

    def _hear(self) -> None:
        self.stage.player.seek(0.0)
        self.stage.player.play()

    def _hear_first(self, clip: int) -> None:
        """The first take of a clip sounds as soon as it is there, while the others are made."""
        takes = self.model.store.work(clip).takes
        alone = clip == self.model.store.current and len(takes) == 1 and self.model.heavy.busy
        if alone and takes[0].take is not self._first and not self.stage.player.playing:
            self._first = takes[0].take
            self._hear()

    def _full_screen(self) -> None:
        self.showNormal() if self.isFullScreen() else self.showFullScreen()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 (Qt's name)
        if event is not None and event.key() == Qt.Key.Key_Space:
            self.stage.player.toggle()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 (Qt's name)
        self._arrange(wide=self.width() >= WIDE_FROM)
        super().resizeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802 (Qt's name)
        data = event.mimeData() if event is not None else None
        if event is not None and data is not None and any(url.isLocalFile() for url in data.urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802 (Qt's name)
        data = event.mimeData() if event is not None else None
        files = [url.toLocalFile() for url in data.urls() if url.isLocalFile()] if data is not None else []
        if files:
            self.open(Path(files[0]))

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802 (Qt's name)
        if self._settings is not None:
            self._settings.setValue("geometry", self.saveGeometry())
        self.stage.player.stop()
        self.model.close()
        super().closeEvent(event)


def _pane(*parts: QWidget) -> QScrollArea:
    """A column that scrolls when it is too long."""
    inner = QWidget()
    inner.setLayout(column(*parts, 1, gap=14))
    inner.layout().setContentsMargins(0, 0, 4, 0)  # type: ignore[union-attr]
    area = QScrollArea()
    area.setWidget(inner)
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it takes the keyboard, and is scrolled to
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def _top(pane: QWidget) -> QWidget:
    """Keeps a pane at the top of a taller place."""
    made = QWidget()
    made.setLayout(column(pane, 1))
    made.layout().setContentsMargins(0, 8, 0, 0)  # type: ignore[union-attr]
    return made
