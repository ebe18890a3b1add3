"""What the music shall be, in words of an editor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QInputDialog,
    QMenu,
    QSlider,
    QSpinBox,
    QWidget,
)

from hitpoint.cue.plan import STYLES
from hitpoint_plugin.model.panel import PanelModel
from hitpoint_plugin.model.state import Preset
from hitpoint_plugin.view.parts import button, column, label, row, tool

_ACCENTS = (
    ("onset", "Where movement begins"),
    ("impact", "Where movement lands"),
    ("pulse", "The body's beat"),
)


class Controls(QWidget):
    """Every widget shows the model's controls, and changes one of their values."""

    def __init__(self, model: PanelModel) -> None:
        super().__init__()
        self._model, self._store = model, model.store
        self._make_main()
        self._make_advanced()
        self.presets = tool("Presets ▾", "Choose or save a preset")
        self.presets.setCheckable(False)
        self.presets.clicked.connect(self._show_presets)
        self.more = tool("Advanced ▸", "Show or hide the rest", kind="plain")
        self.more.toggled.connect(self._unfold)
        self.setLayout(
            column(row(label("MUSIC", "heading"), 1, self.presets), self.main, self.more, self.advanced)
        )
        self.advanced.setVisible(False)
        self._store.controls_changed.connect(self._show)
        self._show()

    def _make_main(self) -> None:
        self.style_box = QComboBox()
        self.style_box.addItem("Choose for me", "auto")
        for style in STYLES:
            self.style_box.addItem(style.replace("-", " ").capitalize(), style)
        self.style_box.currentIndexChanged.connect(lambda _i: self._set(style=self.style_box.currentData()))
        self.intensity = QSlider(Qt.Orientation.Horizontal)
        self.intensity.setRange(0, 100)
        self.intensity.setPageStep(10)
        self.intensity_text = label("", "quiet")
        self.intensity_text.setFixedWidth(36)
        self.intensity.valueChanged.connect(lambda value: self._set(intensity=value / 100))
        self.seed = _number(0, 999_999, lambda value: self._set(seed=value))
        self.dice = tool("Next", "Another seed, other music", self._next_seed)
        self.takes = _number(1, 8, lambda value: self._set(takes=value))
        self.loudness = _decimal(-40, -8, 1, " LUFS", lambda value: self._set(loudness=value))
        self.main = _form(
            ("Style", self.style_box),
            ("Intensity", _in_row(self.intensity, self.intensity_text)),
            ("Seed", _in_row(self.seed, self.dice)),
            ("Takes", self.takes),
            ("Loudness", self.loudness),
        )

    def _make_advanced(self) -> None:
        self.accents = QComboBox()
        for name, words in _ACCENTS:
            self.accents.addItem(words, name)
        self.accents.currentIndexChanged.connect(lambda _i: self._set(accents=self.accents.currentData()))
        self.steps = _number(1, 128, lambda value: self._set(steps=value))
        self.guidance = _decimal(1, 4, 0.5, "", lambda value: self._set(guidance=value))
        self.bundle = button("Built in", "Choose another model bundle (a folder)", self._choose_bundle)
        self.advanced = _form(
            ("Accents", self.accents),
            ("Sampler steps", self.steps),
            ("Guidance", self.guidance),
            ("Model", self.bundle),
        )

    def _set(self, **changes: object) -> None:
        self._store.set_controls(replace(self._store.controls, **changes))  # type: ignore[arg-type]

    def _show(self) -> None:
        controls = self._store.controls
        shown: tuple[tuple[QWidget, object], ...] = (
            (self.intensity, round(controls.intensity * 100)), (self.seed, controls.seed),
            (self.takes, controls.takes), (self.loudness, controls.loudness), (self.steps, controls.steps),
            (self.guidance, controls.guidance),
        )  # fmt: skip
        for widget, value in shown:
            widget.blockSignals(True)
            widget.setValue(value)  # type: ignore[attr-defined]
            widget.blockSignals(False)
        for box, name in ((self.style_box, controls.style), (self.accents, controls.accents)):
            box.blockSignals(True)
            box.setCurrentIndex(max(0, box.findData(name)))
            box.blockSignals(False)
        self.intensity_text.setText(f"{controls.intensity:.0%}")
        self.bundle.setText(controls.bundle.name if controls.bundle is not None else "Built in")

    def _unfold(self, on: bool) -> None:
        self.advanced.setVisible(on)
        self.more.setText("Advanced ▾" if on else "Advanced ▸")

    def _next_seed(self) -> None:
        self._set(seed=self._store.controls.seed + self._store.controls.takes)

    def _choose_bundle(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Choose a model bundle")
        self._set(bundle=Path(name) if name else None)

    def _show_presets(self) -> None:
        menu = QMenu(self)
        for preset in self._store.all_presets():
            action = menu.addAction(preset.name)
            if action is not None:
                action.triggered.connect(lambda _on=False, chosen=preset: self.apply(chosen))
        menu.addSeparator()
        save = menu.addAction("Save these as a preset…")
        if save is not None:
            save.triggered.connect(self._save_preset)
        menu.exec(self.presets.mapToGlobal(self.presets.rect().bottomLeft()))

    def apply(self, preset: Preset) -> None:
        """All controls of a preset, but this clip's seed and number of takes."""
        now = self._store.controls
        self._store.set_controls(replace(preset.controls, seed=now.seed, takes=now.takes))

    def _save_preset(self) -> None:
        name, said = QInputDialog.getText(self, "Save preset", "Name")
        if said and name.strip():
            others = tuple(preset for preset in self._store.presets if preset.name != name.strip())
            self._store.set_presets((*others, Preset(name.strip(), self._store.controls)))


def _form(*rows: tuple[str, QWidget]) -> QWidget:
    made = QWidget()
    form = QFormLayout(made)
    form.setContentsMargins(0, 0, 0, 0)
    form.setSpacing(8)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for name, field in rows:
        text = label(name, "quiet")
        text.setFixedWidth(88)
        text.setMinimumHeight(30)
        text.setBuddy(field)
        worked = field.focusProxy() or field
        if not worked.accessibleName():
            worked.setAccessibleName(name)
        form.addRow(text, field)
    return made


def _in_row(*parts: QWidget) -> QWidget:
    made = QWidget()
    made.setLayout(row(*parts))
    made.setFocusProxy(parts[0])
    return made


def _number(low: int, high: int, changed: Callable[[int], None]) -> QSpinBox:
    made = QSpinBox()
    made.setRange(low, high)
    made.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
    made.valueChanged.connect(changed)
    return made


def _decimal(
    low: float, high: float, step: float, suffix: str, changed: Callable[[float], None]
) -> QDoubleSpinBox:
    made = QDoubleSpinBox()
    made.setRange(low, high)
    made.setSingleStep(step)
    made.setDecimals(1)
    made.setSuffix(suffix)
    made.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
    made.valueChanged.connect(changed)
    return made
