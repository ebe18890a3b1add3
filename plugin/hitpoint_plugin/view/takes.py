"""The takes of the current clip, side by side."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QMouseEvent
from PyQt6.QtWidgets import QFrame, QScrollArea, QWidget

from hitpoint_plugin.model.panel import PanelModel
from hitpoint_plugin.model.state import TakeCard
from hitpoint_plugin.view.parts import clear, column, label, row, tool


class Card(QFrame):
    """One take: how well it hits, against chance. Click or Enter to choose and hear it."""

    chosen = pyqtSignal()

    def __init__(self, number: int, card: TakeCard, chosen: bool) -> None:
        super().__init__()
        take = card.take
        self.setObjectName("card")
        self.setProperty("chosen", chosen)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMinimumWidth(196)
        rate = f"{take.hit_rate:.0%}"
        music = f"{take.style} · {take.tempo[0].bpm:.0f} BPM · seed {take.request.seed}"
        said = f"{take.style}, seed {take.request.seed}"
        if take.request.remade:
            music = f"{take.part} new · seed {take.request.remade[-1].seed}"
            said += f", {music}"
        self.setAccessibleName(f"Take {number + 1}, {said}, hits {rate}")
        self.star = tool("★" if card.starred else "☆", "Star this take", kind="plain")
        self.star.setChecked(card.starred)
        self.drop = tool("×", "Discard this take", kind="plain")
        hits = sum(report.hit for report in take.hits)
        self.setLayout(
            column(
                row(label(f"Take {number + 1}"), 1, self.star, self.drop, gap=0),
                row(label(rate, "big"), label("of strong hits", "quiet"), 1, gap=6),
                label(f"by chance {take.chance_rate:.0%} · {hits}/{len(take.hits)} in all", "quiet"),
                label(music, "quiet"),
                gap=3,
            )
        )
        self.layout().setContentsMargins(12, 8, 8, 10)  # type: ignore[union-attr]
        if take.warnings:
            self.setToolTip("\n".join(take.warnings))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 (Qt's name)
        self.chosen.emit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 (Qt's name)
        if event is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit()
        else:
            super().keyPressEvent(event)


class Takes(QWidget):
    """Cards in a row; `heard` asks for the chosen take to be played."""

    heard = pyqtSignal()

    def __init__(self, model: PanelModel) -> None:
        super().__init__()
        self._model = model
        self.cards: list[Card] = []
        self._row = row(gap=8)
        inner = QWidget()
        inner.setLayout(self._row)
        self.area = QScrollArea()
        self.area.setWidget(inner)
        self.area.setWidgetResizable(True)
        self.area.setFixedHeight(126)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.empty = label("No takes yet. Generate makes them.", "quiet")
        self.setLayout(column(label("TAKES", "heading"), self.empty, self.area, gap=6))
        model.store.takes_changed.connect(lambda _index: self._fill())
        model.store.current_changed.connect(self._fill)
        self._fill()

    def _fill(self) -> None:
        clear(self._row)
        work = self._model.store.work()
        self.cards = []
        for number, card in enumerate(work.takes):
            widget = Card(number, card, number == work.chosen)
            widget.chosen.connect(lambda chosen=number: self._choose(chosen))
            widget.star.clicked.connect(lambda _on, which=number: self._model.studio.star(which))
            widget.drop.clicked.connect(lambda _on, which=number: self._model.studio.discard(which))
            self._row.addWidget(widget)
            self.cards.append(widget)
        self._row.addStretch(1)
        self.empty.setVisible(not work.takes)
        self.area.setVisible(bool(work.takes))

    def _choose(self, number: int) -> None:
        self._model.studio.choose(number)
        self.heard.emit()
