"""A region of a take is marked with mouse and keys and made anew, with the real engine in the real worker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtWidgets import QApplication
from qt_patience import PATIENCE_MS

from hitpoint_plugin.model.panel import PanelModel
from hitpoint_plugin.tasks import Failure, Take
from hitpoint_plugin.view.window import Window

SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def failures(window: Window) -> list[Failure]:
    shown: list[Failure] = []
    window.model.store.failed.connect(shown.append)
    return shown


@pytest.fixture
def scored(window: Window, qtbot, edit: Path, bundle: Path) -> Window:
    """With one take; the tempo is pinned, so that it has a bar line within its three seconds."""
    model, store = window.model, window.model.store
    store.set_controls(replace(store.controls, bundle=bundle, takes=1, style="pop"))
    window.open(edit)
    qtbot.waitUntil(lambda: store.current == 1 and not model.busy, timeout=PATIENCE_MS)
    model.studio.watch(1)
    qtbot.waitUntil(lambda: store.work().watched is not None and not model.busy, timeout=PATIENCE_MS)
    model.editor.pin(140.0)
    qtbot.waitUntil(lambda: not model.busy and store.work().tempo.bpm == 140.0, timeout=PATIENCE_MS)
    model.studio.generate()
    qtbot.waitUntil(lambda: len(store.work().takes) == 1 and not model.busy, timeout=PATIENCE_MS)
    window.stage.score.setFocus()
    return window


def take_of(window: Window) -> Take:
    take = window.model.store.work().take
    assert take is not None
    return take


def mark_with_the_mouse(window: Window, qtbot, start: float, stop: float) -> None:
    score = window.stage.score
    plot = score.plot.viewport()

    def at(time: float) -> QPoint:
        return score.plot.mapFromScene(score.box.mapViewToScene(QPointF(time, 0.5)))

    def send(kind: QEvent.Type, time: float, held: Qt.MouseButton) -> None:
        """As a hand does it: qtbot's movements know no Shift."""
        spot, button = QPointF(at(time)), Qt.MouseButton.LeftButton
        button = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseMove else button
        everywhere = QPointF(plot.mapToGlobal(at(time)))
        QApplication.sendEvent(plot, QMouseEvent(kind, spot, everywhere, button, held, SHIFT))
        qtbot.wait(20)

    qtbot.wait(50)
    send(QEvent.Type.MouseButtonPress, start, Qt.MouseButton.LeftButton)
    for step in range(1, 9):
        send(QEvent.Type.MouseMove, start + (stop - start) * step / 8, Qt.MouseButton.LeftButton)
    send(QEvent.Type.MouseButtonRelease, stop, Qt.MouseButton.NoButton)


def test_a_region_is_marked_with_mouse_and_keys_and_undone(
    scored: Window, qtbot, failures: list[Failure]
) -> None:
    model, stage = scored.model, scored.stage
    bars = take_of(scored).bars
    assert bars[0] == 0.0
    assert bars[-1] == 3.0
    assert len(bars) >= 3

    def region() -> tuple[float, float] | None:
        return model.store.work().sheet.region

    assert not scored.remake.isEnabled()
    assert not stage.score.band.isVisible()
    mark_with_the_mouse(scored, qtbot, 0.1, bars[1] - 0.1)
    qtbot.waitUntil(lambda: region() == (0.0, bars[1]), timeout=5000)
    assert scored.remake.isEnabled()
    assert stage.score.band.isVisible()
    assert stage.score.band.getRegion() == pytest.approx((0.0, bars[1]))
    assert "Region" in stage.line.text()

    stage.player.seek(bars[1] + 0.1)
    qtbot.keyClick(stage.score, Qt.Key.Key_I)
    assert region() == (bars[1], 3.0)
    stage.player.seek(bars[-2] + 0.05)
    qtbot.keyClick(stage.score, Qt.Key.Key_O)
    assert region() == ((bars[1], bars[-2]) if bars[-2] > bars[1] else (0.0, bars[-2]))
    qtbot.keyClick(stage.score, Qt.Key.Key_Escape)
    assert region() is None
    assert not stage.score.band.isVisible()
    assert not scored.remake.isEnabled()
    model.editor.stack.undo()
    assert region() is not None
    while region() is not None:
        model.editor.stack.undo()
    assert not scored.remake.isEnabled()
    assert failures == []

    # Less than a bar is said, and marks nothing.
    mark_with_the_mouse(scored, qtbot, 0.05, 0.15)
    qtbot.waitUntil(lambda: bool(failures), timeout=5000)
    assert "holds no bar" in failures[0].what
    assert region() is None


def test_the_marked_bars_are_new_and_the_rest_is_not(scored: Window, qtbot, failures: list[Failure]) -> None:
    model, store = scored.model, scored.model.store
    old = take_of(scored)
    line = old.bars[1]
    asked = round(line + 0.6, 3)
    model.editor.add(asked)  # in the region: the new bars are made on it
    qtbot.waitUntil(lambda: not model.busy, timeout=PATIENCE_MS)
    model.editor.mark(line, 3.0)
    qtbot.keyClick(scored, Qt.Key.Key_Return, CONTROL | SHIFT)
    qtbot.waitUntil(lambda: len(store.work().takes) == 2 and not model.busy, timeout=PATIENCE_MS)
    assert failures == []
    new = take_of(scored)
    assert store.work().chosen == 1
    assert new.asset.path != old.asset.path
    assert old.asset.path.exists()
    before, after = (soundfile.read(take.asset.path, dtype="int32")[0] for take in (old, new))
    differs = np.flatnonzero((before != after).any(1)) / 48_000
    assert line - 0.2 <= differs[0] <= line
    assert differs[-1] > 2.5
    assert [hit.time for hit in new.hits] == [hit.time for hit in store.work().sheet.hits]
    report = next(report for report in new.hits if report.time == asked)
    assert report.hit, report
    assert new.request.remade[0].seed == 2
    name = scored.takes.cards[1].accessibleName()
    assert f"{new.part} new" in name
    assert "seed 2" in name
    assert scored.remake.accessibleName()

    # Once more from the new one, with a seed that it has not seen; then everything is there after a restart.
    scored.remake.click()
    qtbot.waitUntil(lambda: len(store.work().takes) == 3 and not model.busy, timeout=PATIENCE_MS)
    assert [part.seed for part in take_of(scored).request.remade] == [2, 3]
    scored.close()
    again = PanelModel(model._file.folder)
    again.resume()
    qtbot.waitUntil(lambda: len(again.store.work().takes) == 3, timeout=PATIENCE_MS)
    work = again.store.work()
    assert work.sheet.region == (line, 3.0)
    assert [card.take.part for card in work.takes] == ["", new.part, new.part]
    qtbot.waitUntil(lambda: not again.busy, timeout=PATIENCE_MS)
    again.close()


def test_it_can_be_cancelled_and_a_lost_sound_is_explained(
    scored: Window, qtbot, failures: list[Failure]
) -> None:
    model = scored.model
    model.editor.mark(0.0, 3.0)
    model.studio.remake()
    job = model.studio.jobs.all()[-1]
    assert "seed 2" in job.title
    model.studio.jobs.cancel(job.number)
    qtbot.waitUntil(lambda: not model.busy, timeout=PATIENCE_MS)
    ended = model.studio.jobs.job(job.number)
    assert ended is not None
    assert ended.state == "cancelled"
    assert len(model.store.work().takes) == 1
    take_of(scored).asset.path.unlink()
    model.studio.remake()
    qtbot.waitUntil(lambda: bool(failures) and not model.busy, timeout=PATIENCE_MS)
    assert "no file" in failures[0].what
    assert failures[0].todo


def test_without_a_take_or_a_region_it_says_what_to_do(
    window: Window, qtbot, edit: Path, failures: list[Failure]
) -> None:
    window.open(edit)
    qtbot.waitUntil(lambda: window.model.store.current == 1 and not window.model.busy, timeout=PATIENCE_MS)
    window.model.editor.mark(0.0, 1.0)
    window.model.studio.remake()
    assert len(failures) == 2
    assert all(failure.todo for failure in failures)
