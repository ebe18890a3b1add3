"""What the music shall be, in words of an editor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
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
    QToolButton,
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
_LOUDNESS = ((-14.0, "Web"), (-23.0, "EBU R128, broadcast"))
_HITS: tuple[tuple[str, bool | None], ...] = (
    ("Movement, or markers if edited", None),
    ("Markers", True),
    ("Movement", False),
)


class Controls(QWidget):
    """Every widget shows the model's controls, and changes one of their values."""

    def __init__(self, model: PanelModel) -> None:
        super().__init__()
        self._model, self._store = model, model.store
        self._make_ducking()
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
        self._store.work_changed.connect(lambda _index: self._show_intensity())
        self._store.current_changed.connect(self._show_intensity)
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
        self.target = tool("▾", "Choose a target for the loudness")
        self.target.setCheckable(False)
        self.target.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.target.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        self.target.setMenu(menu)
        for level, words in _LOUDNESS:
            if (action := menu.addAction(f"{words}: {level:g} LUFS")) is not None:
                action.triggered.connect(partial(self._aim, level))
        self.tail = _decimal(0, 10, 0.5, " s", lambda value: self._set(tail=value or None))
        self.tail.setSpecialValueText("What suits")
        self.main = _form(
            ("Style", self.style_box),
            ("Intensity", _in_row(self.intensity, self.intensity_text)),
            ("Seed", _in_row(self.seed, self.dice)),
            ("Takes", self.takes),
            ("Loudness", _in_row(self.loudness, self.target)),
            ("Tail", self.tail),
            ("Speech", self.ducked),
            *self.duck_rows,
        )

    def _make_ducking(self) -> None:
        self.ducked = QComboBox()
        self.ducked.addItem("Play on", False)
        self.ducked.addItem("Make room", True)
        self.ducked.currentIndexChanged.connect(lambda _i: self._set(ducked=self.ducked.currentData()))
        self.duck_level = _decimal(-40, 0, 1, " dB", lambda value: self._duck(level=value))
        self.duck_attack = _decimal(0, 5, 0.05, " s", lambda value: self._duck(attack=value))
        self.duck_release = _decimal(0, 10, 0.1, " s", lambda value: self._duck(release=value))
        self.duck_attack.setDecimals(2)
        self.duck_rows = (
            ("  Level", self.duck_level), ("  Attack", self.duck_attack), ("  Release", self.duck_release),
        )  # fmt: skip
        for name, field in self.duck_rows:
            field.setAccessibleName(f"{name.strip()} of the room for speech")
            field.setToolTip(field.accessibleName())

    def _make_advanced(self) -> None:
        self.accents = QComboBox()
        for name, words in _ACCENTS:
            self.accents.addItem(words, name)
        self.accents.currentIndexChanged.connect(lambda _i: self._set(accents=self.accents.currentData()))
        self.markers = QComboBox()
        for words, value in _HITS:
            self.markers.addItem(words, value)
        self.markers.currentIndexChanged.connect(lambda _i: self._set(markers=self.markers.currentData()))
        self.markers.setToolTip("Find hit points (W) reads them anew")
        self.steps = _number(1, 128, lambda value: self._set(steps=value))
        self.guidance = _decimal(1, 4, 0.5, "", lambda value: self._set(guidance=value))
        self.bundle = button("Built in", "Choose another model bundle (a folder)", self._choose_bundle)
        self.advanced = _form(
            ("Hit points", self.markers),
            ("Accents", self.accents),
            ("Sampler steps", self.steps),
            ("Guidance", self.guidance),
            ("Model", self.bundle),
        )

    def _set(self, **changes: object) -> None:
        self._store.set_controls(replace(self._store.controls, **changes))  # type: ignore[arg-type]

    def _aim(self, level: float, _on: bool = False) -> None:
        self._set(loudness=level)

    def _duck(self, **changes: float) -> None:
        self._set(ducking=replace(self._store.controls.ducking, **changes))  # type: ignore[arg-type]

    def _show(self) -> None:
        controls, duck = self._store.controls, self._store.controls.ducking
        shown: tuple[tuple[QWidget, object], ...] = (
            (self.intensity, round(controls.intensity * 100)), (self.seed, controls.seed),
            (self.takes, controls.takes), (self.loudness, controls.loudness), (self.steps, controls.steps),
            (self.guidance, controls.guidance), (self.tail, controls.tail or 0.0),
            (self.duck_level, duck.level), (self.duck_attack, duck.attack),
            (self.duck_release, duck.release),
        )  # fmt: skip
        for widget, value in shown:
            widget.blockSignals(True)
            widget.setValue(value)  # type: ignore[attr-defined]
            widget.blockSignals(False)
        for box, chosen in (
            (self.style_box, controls.style), (self.accents, controls.accents),
            (self.ducked, controls.ducked), (self.markers, controls.markers),
        ):  # fmt: skip
            box.blockSignals(True)
            data = [box.itemData(number) for number in range(box.count())]
            box.setCurrentIndex(data.index(chosen) if chosen in data else 0)
            box.blockSignals(False)
        form = self.main.layout()
        if isinstance(form, QFormLayout):
            for _name, field in self.duck_rows:
                form.setRowVisible(field, controls.ducked)
        self._show_intensity()
        self.bundle.setText(controls.bundle.name if controls.bundle is not None else "Built in")

    def _show_intensity(self) -> None:
        """A curve that is drawn under the picture takes the slider's place."""
        drawn = bool(self._store.work().sheet.curve)
        self.intensity.setEnabled(not drawn)
        self.intensity_text.setText("drawn" if drawn else f"{self._store.controls.intensity:.0%}")

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
        mine = menu.addMenu("Delete") if self._store.presets else None
        for preset in self._store.presets:
            action = mine.addAction(preset.name) if mine is not None else None
            if action is not None:
                action.triggered.connect(lambda _on=False, name=preset.name: self.delete_preset(name))
        menu.addSeparator()
        save = menu.addAction("Save these as a preset…")
        if save is not None:
            save.triggered.connect(self._ask_name)
        menu.exec(self.presets.mapToGlobal(self.presets.rect().bottomLeft()))

    def apply(self, preset: Preset) -> None:
        """All controls of a preset, but what belongs to the work at hand."""
        self._store.set_controls(preset.over(self._store.controls))

    def _ask_name(self) -> None:
        name, said = QInputDialog.getText(self, "Save preset", "Name")
        if said and name.strip():
            self.save_preset(name.strip())

    def save_preset(self, name: str) -> None:
        """The controls under a name; one of the same name gives way."""
        others = tuple(preset for preset in self._store.presets if preset.name != name)
        self._store.set_presets((*others, Preset(name, self._store.controls)))

    def delete_preset(self, name: str) -> None:
        """Away with one of the user's."""
        self._store.set_presets(tuple(preset for preset in self._store.presets if preset.name != name))


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
        if isinstance(field, QComboBox):  # long words are cut off in the box, not the pane at its edge
            field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            field.setMinimumContentsLength(8)
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
    made.setMinimumWidth(64)
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
    made.setMinimumWidth(64)
    made.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
    made.valueChanged.connect(changed)
    return made
