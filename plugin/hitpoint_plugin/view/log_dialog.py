"""The log, one click away from every error."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtGui import QGuiApplication, QTextCursor
from PyQt6.QtWidgets import QDialog, QPlainTextEdit, QWidget

from hitpoint_plugin.log import read_log
from hitpoint_plugin.view.parts import button, column, label, row


class LogDialog(QDialog):
    """Shows the end of the log file, newest last."""

    def __init__(self, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self.setWindowTitle("Log")
        self.resize(720, 420)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Log")
        where = label(str(path), "quiet", wrap=True)
        copy = button("Copy", "Copy the whole log", self._copy, "plain")
        again = button("Reload", "Read the log again", self.reload, "plain")
        self.setLayout(column(self.text, row(where, 1, again, copy)))
        self.layout().setContentsMargins(12, 12, 12, 12)  # type: ignore[union-attr]
        self.reload()

    def reload(self) -> None:
        """Show what the file says now."""
        self.text.setPlainText(read_log(self._path) or "Nothing was logged yet.")
        self.text.moveCursor(QTextCursor.MoveOperation.End)

    def _copy(self) -> None:
        if (clipboard := QGuiApplication.clipboard()) is not None:
            clipboard.setText(self.text.toPlainText())
