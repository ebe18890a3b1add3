"""The line at the top: what went wrong and what to do, with details one click away; or what went well."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QFrame, QPlainTextEdit

from hitpoint_plugin.model.store import Store
from hitpoint_plugin.tasks import Failure
from hitpoint_plugin.timers import timer
from hitpoint_plugin.view.log_dialog import LogDialog
from hitpoint_plugin.view.parts import button, column, label, row, tool

_GOOD_NEWS_MS = 8000


class Banner(QFrame):
    """Errors stay until they are closed; good news goes by itself."""

    def __init__(self, store: Store, log: Path) -> None:
        super().__init__()
        self._log = log
        self.setObjectName("banner")
        self.what = label("", wrap=True)
        self.todo = label("", "quiet", wrap=True)
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setMaximumHeight(160)
        self.details.setAccessibleName("Details of the error")
        self.more = tool("Details", "Show or hide the details", kind="plain")
        self.more.toggled.connect(self.details.setVisible)
        self.copy = button("Copy", "Copy the error with its details", self._copy, "plain")
        self.log = button("Log", "Show what was done and what failed", self.show_log, "plain")
        self.shut = tool("×", "Close this message", self.hide, kind="plain")
        text = column(self.what, self.todo, gap=2)
        top = row(text, self.more, self.copy, self.log, self.shut, gap=0)
        top.setStretch(0, 1)
        self.setLayout(column(top, self.details, gap=4))
        self.layout().setContentsMargins(12, 8, 8, 8)  # type: ignore[union-attr]
        self._timer = timer(self, _GOOD_NEWS_MS, self.hide, once=True)
        store.failed.connect(self.show_failure)
        store.said.connect(self.show_news)
        self.hide()

    def show_failure(self, failure: Failure) -> None:
        """An error, until it is closed."""
        self._timer.stop()
        self._show(failure.what, failure.todo, failure.details, good=False)

    def show_news(self, text: str) -> None:
        """Something that went well, for a moment."""
        self._show(text, "", "", good=True)
        self._timer.start()

    def _show(self, what: str, todo: str, details: str, *, good: bool) -> None:
        self.setProperty("good", good)
        style = self.style()
        if style is not None:
            style.unpolish(self)
            style.polish(self)
        self.what.setText(what)
        self.todo.setText(todo)
        self.todo.setVisible(bool(todo))
        self.details.setPlainText(details)
        self.more.setChecked(False)
        self.details.setVisible(False)
        self.more.setVisible(bool(details))
        self.copy.setVisible(not good)
        self.log.setVisible(not good)
        self.setAccessibleName(f"{what} {todo}".strip())
        self.show()

    def show_log(self) -> None:
        """Open the log beside the window."""
        self.log_dialog = LogDialog(self._log, self.window())
        self.log_dialog.show()

    def _copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText("\n".join((self.what.text(), self.todo.text(), self.details.toPlainText())))
