"""The tempo: what it is, and how to change it."""

from __future__ import annotations

from PyQt6.QtWidgets import QDoubleSpinBox, QWidget

from hitpoint_plugin.model.editor import HIGHEST_BPM, LOWEST_BPM
from hitpoint_plugin.model.panel import PanelModel
from hitpoint_plugin.view.parts import row, tool


class TempoBar(QWidget):
    """Pin, tap, halve, double. Undo and redo are for all edits of the score; the stage has room for them."""

    def __init__(self, model: PanelModel) -> None:
        super().__init__()
        self._model, editor = model, model.editor
        self.bpm = QDoubleSpinBox()
        self.bpm.setRange(LOWEST_BPM, HIGHEST_BPM)
        self.bpm.setDecimals(1)
        self.bpm.setSuffix(" BPM")
        self.bpm.setKeyboardTracking(False)
        self.bpm.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.bpm.setAccessibleName("Tempo in beats per minute")
        self.bpm.setFixedWidth(84)
        self.bpm.valueChanged.connect(editor.pin)
        self.pinned = tool("Pin", "Keep this tempo, whatever the hit points are")
        self.pinned.clicked.connect(self._pin)
        self.half = tool("½", "Half the tempo", lambda: editor.scale_tempo(0.5))
        self.double = tool("×2", "Twice the tempo", lambda: editor.scale_tempo(2.0))
        self.tap = tool("Tap", "Tap the beat, three times or more (T)", editor.tap)
        self.bend = tool(
            "Intensity", "Draw the intensity over time: click adds a point, right click takes it away"
        )
        self.undo = tool("↶", "Undo the last edit (Ctrl+Z)", editor.stack.undo)
        self.redo = tool("↷", "Redo (Ctrl+Shift+Z)", editor.stack.redo)
        editor.stack.canUndoChanged.connect(self.undo.setEnabled)
        editor.stack.canRedoChanged.connect(self.redo.setEnabled)
        self.undo.setEnabled(False)
        self.redo.setEnabled(False)
        self.setStyleSheet("QToolButton { padding: 5px 4px; } QDoubleSpinBox { padding: 4px 6px; }")
        self.setLayout(
            row(
                self.bpm,
                self.pinned,
                self.half,
                self.double,
                self.tap,
                1,
                self.bend,
                gap=3,
            )
        )
        model.store.work_changed.connect(lambda _index: self._show())
        model.store.current_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        work = self._model.store.work()
        self.setVisible(work.watched is not None)
        tempo = work.tempo
        self.bpm.blockSignals(True)
        if tempo is not None:
            self.bpm.setValue(work.sheet.bpm or tempo.bpm)
        self.bpm.blockSignals(False)
        self.pinned.setChecked(work.sheet.bpm is not None)

    def _pin(self, on: bool) -> None:
        self._model.editor.pin(self.bpm.value() if on else None)
