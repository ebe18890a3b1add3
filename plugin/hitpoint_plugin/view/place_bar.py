"""Place, undo the placement, export; and the question when music of ours lies there already."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtWidgets import QFileDialog, QMenu, QMessageBox, QWidget

from hitpoint_plugin.model.panel import PanelModel
from hitpoint_plugin.model.placing import EXPORTS
from hitpoint_plugin.tasks import Conflicts
from hitpoint_plugin.tasks.files import ExportKind
from hitpoint_plugin.view.parts import button, clock, row


class PlaceBar(QWidget):
    """Enabled as soon as a take is chosen."""

    def __init__(self, model: PanelModel) -> None:
        super().__init__()
        self._model = model
        self.place = button(
            "Place on the timeline", "Place the chosen take on the timeline (P)", self.place_now
        )
        self.undo = button("Take off", "Undo the last placement (Ctrl+Shift+P)", model.placing.undo)
        self.export = button(
            "Export ▾", "Export the sound, the hit report, the tempo or markers", self._show_exports
        )
        self.setLayout(row(self.place, self.undo, 1, self.export))
        model.store.takes_changed.connect(lambda _index: self._show())
        model.store.current_changed.connect(self._show)
        model.placing.placed.connect(lambda _placed: self._show())
        model.placing.unplaced.connect(self._show)
        model.placing.asked.connect(self._ask)
        self._show()

    def place_now(self) -> None:
        """On the timeline that is open; for a bare video, on a new one beside it."""
        out = self._model.placing.suggested()
        if out is not None and self.place.isEnabled():
            self._model.placing.request(out)

    def _show(self) -> None:
        ready = self._model.store.work().take is not None
        self.place.setEnabled(ready)
        self.export.setEnabled(ready)
        self.undo.setVisible(bool(self._model.placing.history))

    def _ask(self, out: Path, conflicts: Conflicts) -> None:
        box = QMessageBox(self)
        box.setWindowTitle("Music is there already")
        box.setText(question(out, conflicts))
        replace = box.addButton("Replace", QMessageBox.ButtonRole.AcceptRole)
        beside = box.addButton("New track", QMessageBox.ButtonRole.AcceptRole)
        skip = box.addButton("Skip", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(skip)
        box.setEscapeButton(skip)

        def answered() -> None:
            if box.clickedButton() in (replace, beside):
                self._model.placing.place(out, keep=box.clickedButton() is beside)

        box.finished.connect(lambda _code: answered())
        self.box = box
        box.open()

    def _show_exports(self) -> None:
        menu = QMenu(self)
        for kind, (words, _pattern) in EXPORTS.items():
            action = menu.addAction(words)
            if action is not None:
                action.triggered.connect(lambda _on=False, chosen=kind: self._export(chosen))
        menu.exec(self.export.mapToGlobal(self.export.rect().bottomLeft()))

    def _export(self, kind: ExportKind) -> None:
        take = self._model.store.work().take
        if take is None:
            return
        suggestion = EXPORTS[kind][1].format(take.asset.path.stem)
        name, _ = QFileDialog.getSaveFileName(self, EXPORTS[kind][0], suggestion)
        if name:
            self._model.placing.export(kind, Path(name))


def question(out: Path, conflicts: Conflicts) -> str:
    """What would be replaced, with its time range."""
    lines = [
        f"{clock(start)} to {clock(end)}: {name or 'a cue'}"
        for (start, end), name in zip(conflicts.ranges, conflicts.names, strict=True)
    ]
    todo = "Replace it, put the new music on a track of its own beside it, or skip?"
    return f"On {out.name} Hitpoint has music here already:\n\n" + "\n".join(lines) + f"\n\n{todo}"
