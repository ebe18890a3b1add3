"""What the engine saw and what the music does, over time; hit points are edited here.

From above: pictures, the movement with hit points as stems, the waveform of the chosen take. Mouse: drag a
point, click to select or to move the playhead, right click for its menu, double-click to add, wheel to zoom.
Keys: see KEYS.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QKeyEvent
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from hitpoint.values import HitPoint, HitReport, Rhythm, TempoMap
from hitpoint_plugin.tasks import PictureSet, Waveform
from hitpoint_plugin.view import theme
from hitpoint_plugin.view.strip import Strip

KEYS = (
    ("A", "Add a hit point at the playhead"),
    (", .", "Select the hit point before, after"),
    ("← →", "Move it by a frame; playhead if none is selected"),
    ("↑ ↓", "Stronger, weaker"),
    ("L", "Lock"),
    ("Del", "Delete"),
    ("Ctrl+↑ Ctrl+↓", "More, less intensity at the playhead"),
    ("I O", "A region of the take from here on, up to here; or drag with Shift"),
    ("Esc", "Select nothing"),
    ("T", "Tap the tempo"),
    ("Space", "Play"),
)
_BASE, _WAVE, _TOP = 1.0, 0.45, 2.16
_SYMBOLS = {"movement": "o", "cut": "s", "user": "d"}
_REACH_PX = 9
_SNAP_NONE = -1


class _Box(pg.ViewBox):  # type: ignore[misc]
    """Turns the mouse into edits; what is no edit pans and zooms along time only."""

    def __init__(self, view: ScoreView) -> None:
        super().__init__(enableMenu=False)
        self._view = view
        self._dragged = _SNAP_NONE
        self._marking = False
        self.setMouseEnabled(x=True, y=False)

    def mouseDragEvent(self, ev: Any, axis: Any = None) -> None:  # noqa: N802 (pyqtgraph's name)
        if ev.button() != Qt.MouseButton.LeftButton:
            return
        ev.accept()
        if ev.isStart():
            self._marking = bool(ev.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if self._marking:
            self._mark(ev)
            return
        if self._view.bending:
            self._bend(ev)
            return
        if ev.isStart():
            self._dragged = self._view.hit_near(self.mapToView(ev.buttonDownPos()))
        time = self.mapToView(ev.pos()).x()
        if self._dragged >= 0:
            self._view.drag(self._dragged, time, first=ev.isStart(), last=ev.isFinish())
        else:
            self._view.scrubbed.emit(time)

    def _mark(self, ev: Any) -> None:
        ends = (self.mapToView(ev.buttonDownPos()).x(), self.mapToView(ev.pos()).x())
        self._view.drag_region(min(ends), max(ends), last=ev.isFinish())

    def _bend(self, ev: Any) -> None:
        if ev.isStart():
            self._dragged = self._view.knot_near(self.mapToView(ev.buttonDownPos()))
        where = self.mapToView(ev.pos())
        self._view.drag_knot(self._dragged, where, last=ev.isFinish())

    def mouseClickEvent(self, ev: Any) -> None:  # noqa: N802 (pyqtgraph's name)
        if self._view.bending:
            ev.accept()
            where = self.mapToView(ev.pos())
            knot = self._view.knot_near(where)
            if ev.button() == Qt.MouseButton.RightButton and knot >= 0:
                self._view.straightened.emit(knot)
            elif ev.button() == Qt.MouseButton.LeftButton and knot < 0:
                self._view.drag_knot(_SNAP_NONE, where, last=True)
            return
        where = self.mapToView(ev.pos())
        hit = self._view.hit_near(where)
        if ev.button() == Qt.MouseButton.RightButton and hit >= 0:
            ev.accept()
            self._view.asked.emit(hit)
        if ev.button() != Qt.MouseButton.LeftButton:
            return
        ev.accept()
        if ev.double() and hit < 0:
            self._view.added.emit(where.x())
        elif hit >= 0:
            self._view.selected.emit(hit)
        else:
            self._view.selected.emit(_SNAP_NONE)
            self._view.scrubbed.emit(where.x())


class ScoreView(QWidget):
    """Shows values and emits wishes; the model decides."""

    added = pyqtSignal(float)
    moved = pyqtSignal(int, float)
    selected = pyqtSignal(int)
    asked = pyqtSignal(int)  # for the menu of a hit point
    scrubbed = pyqtSignal(float)
    bent = pyqtSignal(int, float, float)  # point of the intensity curve (-1: a new one), seconds, 0 to 1
    straightened = pyqtSignal(int)
    marked = pyqtSignal(float, float)  # a region, in seconds
    key = pyqtSignal(QKeyEvent)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Score")
        self.setAccessibleDescription("; ".join(f"{keys}: {what}" for keys, what in KEYS))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._hits: tuple[HitPoint, ...] = ()
        self._reports: dict[float, HitReport] = {}
        self._selected = _SNAP_NONE
        self._duration = 1.0
        self._curve: tuple[tuple[float, float], ...] = ()
        self._region: tuple[float, float] | None = None
        self.bending = False  # the mouse draws the intensity instead of editing hit points
        self.strip = Strip()
        self.box = _Box(self)
        self.plot = pg.PlotWidget(viewBox=self.box, background=theme.GROUND)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setMinimumHeight(130)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.strip)
        layout.addWidget(self.plot, 1)
        self._dress()
        self._make_items()
        self.box.sigXRangeChanged.connect(lambda _box, span: self.strip.set_range(*span))

    def clear(self, duration: float = 1.0) -> None:
        """Nothing but an empty stretch of time."""
        self._duration = max(duration, 0.02)
        for curve in (
            self._envelope,
            self._ground,
            self._wave,
            self._stems,
            self._beats,
            self._bars,
            self._cuts,
        ):
            curve.setData([], [])
        self.set_hits((), (), _SNAP_NONE)
        self.set_curve(())
        self.set_region(None)
        self.box.setLimits(xMin=0, xMax=self._duration, minXRange=min(0.2, self._duration))
        self.box.setXRange(0, self._duration, padding=0)

    def set_rhythm(self, rhythm: Rhythm, tempo: TempoMap) -> None:
        """The movement, the cuts and the beat grid."""
        times = np.arange(len(rhythm.envelope)) / rhythm.rate
        self._envelope.setData(times, _BASE + 0.9 * rhythm.envelope)
        self._ground.setData(times, np.full(len(times), _BASE))
        _lines(self._cuts, np.array(rhythm.cuts), _BASE, _TOP)
        beat = 60 / tempo.bpm
        numbers = np.arange(np.ceil(-tempo.first_beat / beat), (self._duration - tempo.first_beat) / beat)
        beats = tempo.first_beat + numbers * beat
        bars = numbers.astype(int) % tempo.beats_per_bar == 0
        _lines(self._beats, beats[~bars], 0, _BASE + 0.9)
        _lines(self._bars, beats[bars], 0, _TOP)

    def set_hits(self, hits: tuple[HitPoint, ...], reports: tuple[HitReport, ...], chosen: int) -> None:
        """The hit points; where a take was measured, those that it hits are filled."""
        self._hits, self._selected = hits, chosen
        self._reports = {report.time: report for report in reports}
        x = np.repeat([hit.time for hit in hits], 2) if hits else np.zeros(0)
        y = np.array([(_BASE, _BASE + hit.strength) for hit in hits]).ravel()
        self._stems.setData(x, y, connect="pairs")
        self._heads.setData([self._spot(number, hit) for number, hit in enumerate(hits)])
        landed = np.array([r.achieved for r in reports if r.achieved is not None])
        _lines(self._landed, landed, _WAVE - 0.4, _WAVE + 0.4)

    def set_curve(self, curve: tuple[tuple[float, float], ...]) -> None:
        """The intensity over time: (seconds, 0 to 1); nothing where none is drawn."""
        self._curve = curve
        self._show_curve(curve)

    def set_region(self, region: tuple[float, float] | None) -> None:
        """The marked region, in seconds."""
        self._region = region
        self._show_region(region)

    def drag_region(self, start: float, stop: float, *, last: bool) -> None:
        """A region follows the mouse; the model hears of it when it is let go, and snaps it."""
        if last:
            self._show_region(self._region)
            self.marked.emit(start, stop)
        else:
            self._show_region((start, stop))

    def _show_region(self, region: tuple[float, float] | None) -> None:
        self.band.setVisible(region is not None)
        if region is not None:
            self.band.setRegion(region)

    def set_bending(self, on: bool) -> None:
        """Whether the mouse draws the intensity."""
        self.bending = on
        self.plot.setCursor(Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor)

    def knot_near(self, where: QPointF) -> int:
        """The point of the curve under the mouse, -1 if there is none."""
        wide, high = self.box.viewPixelSize()
        for number, (time, level) in enumerate(self._curve):
            away = abs(time - where.x()) / wide, abs(level * _TOP - where.y()) / high
            if max(away) <= _REACH_PX:
                return number
        return _SNAP_NONE

    def drag_knot(self, index: int, where: QPointF, *, last: bool) -> None:
        """A point of the curve follows the mouse; the model hears of it when it is let go."""
        time = min(max(0.0, where.x()), self._duration)
        level = min(max(0.0, where.y() / _TOP), 1.0)
        if last:
            self.bent.emit(index, time, level)
            return
        others = [point for number, point in enumerate(self._curve) if number != index]
        self._show_curve(tuple(sorted([*others, (time, level)])))

    def _show_curve(self, curve: tuple[tuple[float, float], ...]) -> None:
        if not curve:
            self._bow.setData([], [])
            self._knots.setData([])
            return
        x, y = np.array(curve).T
        self._bow.setData([0.0, *x, self._duration], _TOP * np.array([y[0], *y, y[-1]]))
        self._knots.setData(x, _TOP * y)

    def set_waveform(self, waveform: Waveform | None) -> None:
        """The outline of the chosen take."""
        if waveform is None:
            self._wave.setData([], [])
            return
        x = np.repeat(np.linspace(0, waveform.seconds, len(waveform.low)), 2)
        y = np.stack([waveform.low, waveform.high], 1).ravel()
        self._wave.setData(x, _WAVE + 0.4 * y)

    def set_pictures(self, pictures: PictureSet, duration: float) -> None:
        """The row above."""
        self.strip.set_pictures(pictures, duration)

    def set_playhead(self, time: float) -> None:
        """Where the picture is."""
        self._playhead.setValue(time)

    def hit_near(self, where: QPointF) -> int:
        """The hit point under the mouse, -1 if there is none."""
        per_px = self.box.viewPixelSize()[0]
        if where.y() < _BASE - 0.08:
            return _SNAP_NONE
        near = [(abs(hit.time - where.x()), number) for number, hit in enumerate(self._hits)]
        distance, number = min(near, default=(np.inf, _SNAP_NONE))
        return number if distance <= _REACH_PX * per_px else _SNAP_NONE

    def drag(self, index: int, time: float, *, first: bool, last: bool) -> None:
        """A point follows the mouse; the model hears of it when it is let go."""
        if first:
            self.selected.emit(index)
        if last:
            self.moved.emit(index, time)
        elif index < len(self._hits):
            hits = list(self._hits)
            hits[index] = HitPoint(min(max(0.0, time), self._duration), hits[index].strength, "user", True)
            shown = tuple(hits)
            self._stems.setData(
                np.repeat([hit.time for hit in shown], 2),
                np.array([(_BASE, _BASE + hit.strength) for hit in shown]).ravel(),
                connect="pairs",
            )
            self._heads.setData([self._spot(number, hit) for number, hit in enumerate(shown)])

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 (Qt's name)
        if event is not None:
            event.ignore()
            self.key.emit(event)
            if not event.isAccepted():
                super().keyPressEvent(event)

    def _spot(self, number: int, hit: HitPoint) -> dict[str, Any]:
        report = self._reports.get(hit.time)
        colour = QColor(theme.ACCENT)
        filled = report is None or report.hit
        return {
            "pos": (hit.time, _BASE + hit.strength),
            "size": 13 if number == self._selected else 9,
            "symbol": _SYMBOLS[hit.kind],
            "brush": pg.mkBrush(colour if filled else QColor(theme.GROUND)),
            "pen": pg.mkPen(theme.INK if number == self._selected or hit.locked else theme.ACCENT, width=1.6),
        }

    def _dress(self) -> None:
        item = self.plot.getPlotItem()
        item.hideButtons()
        item.setContentsMargins(0, 0, 0, 0)
        item.layout.setContentsMargins(0, 0, 0, 0)
        item.hideAxis("left")
        axis = item.getAxis("bottom")
        axis.setPen(pg.mkPen(theme.LINE))
        axis.setTextPen(pg.mkPen(theme.QUIET))
        axis.setStyle(tickLength=4, tickTextOffset=4)
        axis.setHeight(22)
        self.box.setDefaultPadding(0)
        self.box.setYRange(0, _TOP, padding=0)
        self.box.setLimits(yMin=0, yMax=_TOP, minYRange=_TOP)

    def _make_items(self) -> None:
        def curve(colour: str, width: float = 1.0, alpha: float = 1.0) -> Any:
            shade = QColor(colour)
            shade.setAlphaF(alpha)
            made = pg.PlotCurveItem([], [], pen=pg.mkPen(shade, width=width))
            self.plot.addItem(made)
            return made

        shade = QColor(theme.ACCENT)
        shade.setAlphaF(0.16)
        self.band = pg.LinearRegionItem(
            (0, 0), movable=False, brush=pg.mkBrush(shade), pen=pg.mkPen(theme.ACCENT, width=1.2)
        )
        self.band.setVisible(False)
        self.plot.addItem(self.band)
        self._beats = curve(theme.LINE, 1, 0.55)
        self._bars = curve(theme.FAINT, 1, 0.7)
        self._ground = curve(theme.LINE)
        self._envelope = curve("#6f86ad", 1.2)
        self.plot.addItem(
            pg.FillBetweenItem(self._ground, self._envelope, brush=pg.mkBrush(111, 134, 173, 60))
        )
        self._wave = curve("#8b93a1", 1.0)
        self._landed = curve(theme.ACCENT, 1.4)
        self._cuts = curve(theme.INK, 1.2, 0.8)
        self._stems = curve(theme.ACCENT, 1.4, 0.75)
        self._bow = curve(theme.INK, 1.6, 0.9)
        self._knots = pg.ScatterPlotItem(
            size=10, symbol="s", brush=pg.mkBrush(theme.GROUND), pen=pg.mkPen(theme.INK, width=1.6)
        )
        self.plot.addItem(self._knots)
        self._heads = pg.ScatterPlotItem()
        self.plot.addItem(self._heads)
        self._playhead = pg.InfiniteLine(0, pen=pg.mkPen(theme.INK, width=1.2))
        self.plot.addItem(self._playhead)


def _lines(curve: Any, times: Any, low: float, high: float) -> None:
    """Upright lines at these times."""
    x = np.repeat(times, 2)
    curve.setData(x, np.tile([low, high], len(times)).astype(float), connect="pairs")
