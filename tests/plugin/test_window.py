"""What is seen and how it is worked: clips, keys, mouse, undo, narrow and wide."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent, QImage
from PyQt6.QtWidgets import QAbstractButton, QAbstractScrollArea, QAbstractSpinBox, QApplication, QWidget
from qt_patience import PATIENCE_MS

from hitpoint.timeline.formats.registry import FORMATS
from hitpoint.values import (
    Asset,
    BundleId,
    Ducking,
    HitPoint,
    Rhythm,
    ScoreRequest,
    Selection,
    TempoMap,
    TempoPoint,
)
from hitpoint_plugin.model.state import Controls, Preset, Sheet, TakeCard, request_for
from hitpoint_plugin.tasks import Conflicts, Failure, Take, Watched
from hitpoint_plugin.view.clips import FILTER, facts, offline
from hitpoint_plugin.view.window import Window

FOUND = (HitPoint(0.5, 1.0), HitPoint(1.0, 0.6), HitPoint(1.5, 0.8, "cut"), HitPoint(2.0, 0.9))


@pytest.fixture
def opened(window: Window, qtbot, edit: Path) -> Window:
    """With a timeline, and its first clip watched as far as the panel knows."""
    model = window.model
    window.open(edit)
    qtbot.waitUntil(lambda: model.store.current == 1 and not model.busy, timeout=PATIENCE_MS)
    clip = model.store.clip(1)
    assert clip is not None
    assert clip.media is not None
    tempo = TempoMap((TempoPoint(0.0, 120.0),), 0.0)
    rhythm = Rhythm(np.hanning(150).astype(np.float32), 50.0, (), (1.5,), (), FOUND, tempo, "pose")
    selection = Selection(clip, clip.media, clip.record_start, clip.duration)
    watched = Watched(model.store.timeline, selection, rhythm, 1.0)
    model.store.put_work(replace(model.store.work(1), watched=watched, sheet=Sheet(FOUND), tempo=tempo))
    window.stage.score.setFocus()
    return window


def test_clips_are_listed_with_their_times_and_the_offline_one_says_why(opened: Window) -> None:
    assert opened.clips.list.count() == 2
    dancer, lost = (opened.model.store.clip(index) for index in (1, 2))
    assert facts(dancer) == "00:00:01:00 · 3.00 s"
    assert facts(lost) == "00:00:04:00 · 2.00 s"
    assert "gone.mp4" in offline(lost)
    assert offline(dancer) == ""
    picture = opened.clips.list.item(0).data(Qt.ItemDataRole.UserRole + 1)
    assert picture.width() > 50


def test_several_clips_can_be_selected(opened: Window) -> None:
    opened.clips.list.selectAll()
    assert opened.model.store.selected == (1, 2)


def test_an_offline_clip_is_refused_in_plain_words(opened: Window) -> None:
    opened.model.studio.watch(2)
    assert "offline" in opened.banner.what.text()
    assert "relink" in opened.banner.todo.text()


def test_a_file_can_be_dropped(window: Window, qtbot, dancer: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(dancer))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, buttons, keys))
    qtbot.waitUntil(lambda: window.model.store.current == 1, timeout=PATIENCE_MS)
    assert window.model.store.timeline.is_media


def test_the_dialog_shows_every_format_that_is_read() -> None:
    shown = set(re.findall(r"\*(\.\w+)", FILTER))
    assert {ending for known in FORMATS for ending in known.suffixes} <= shown


def test_music_goes_where_its_program_finds_it(opened: Window) -> None:
    store, placing = opened.model.store, opened.model.placing
    for name, wanted in (
        ("cut.otio", "cut.otio"), ("cut.fcpxml", "cut-hitpoint.fcpxml"), ("cut.XML", "cut-hitpoint.XML"),
        ("cut.kdenlive", "cut-hitpoint.kdenlive"), ("cut.edl", "cut-hitpoint.otio"),
        ("cut.aaf", "cut-hitpoint.otio"), ("cut.otioz", "cut-hitpoint.otio"), ("a.mp4", "a-hitpoint.otio"),
    ):  # fmt: skip
        store.timeline = replace(store.timeline, path=Path("/films") / name)
        assert placing.suggested() == Path("/films") / wanted


def test_what_cannot_be_opened_says_what_to_do(window: Window, qtbot, tmp_path: Path) -> None:
    window.open(tmp_path / "none.otio")
    qtbot.waitUntil(window.banner.isVisible, timeout=PATIENCE_MS)
    assert "none.otio" in window.banner.what.text()


def test_keys_edit_hit_points_and_every_edit_is_undone(opened: Window, qtbot) -> None:
    score, editor, store = opened.stage.score, opened.model.editor, opened.model.store

    def press(key: Qt.Key) -> None:
        qtbot.keyClick(score, key)

    def hits() -> tuple[HitPoint, ...]:
        return store.work().sheet.hits

    editor.select(1)
    press(Qt.Key.Key_Right)
    press(Qt.Key.Key_Right)
    assert hits()[1].time == pytest.approx(1.0 + 2 / 25)
    assert hits()[1].locked
    press(Qt.Key.Key_Down)
    assert hits()[1].strength == pytest.approx(0.5)
    press(Qt.Key.Key_Period)
    press(Qt.Key.Key_L)
    assert hits()[2].locked
    press(Qt.Key.Key_Delete)
    assert [hit.time for hit in hits()] == pytest.approx([0.5, 1.08, 2.0])
    opened.stage.player.seek(2.5)
    press(Qt.Key.Key_A)
    assert hits()[-1] == HitPoint(2.5, 1.0, "user", True)
    while editor.stack.canUndo():
        editor.stack.undo()
    assert hits() == FOUND
    editor.stack.redo()  # both nudges are one step
    assert hits()[1].time == pytest.approx(1.0 + 2 / 25)


def test_a_hit_point_is_dragged_with_the_mouse(opened: Window, qtbot) -> None:
    score = opened.stage.score
    plot = score.plot.viewport()
    qtbot.wait(50)

    def at(time: float) -> QPoint:
        scene = score.box.mapViewToScene(QPointF(time, 1.5))
        return score.plot.mapFromScene(scene)

    qtbot.mousePress(plot, Qt.MouseButton.LeftButton, pos=at(2.0))
    for step in range(1, 11):
        qtbot.mouseMove(plot, at(2.0 + 0.03 * step))
        qtbot.wait(20)
    qtbot.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=at(2.3))
    qtbot.waitUntil(lambda: opened.model.editor.stack.canUndo(), timeout=5000)
    times = [hit.time for hit in opened.model.store.work().sheet.hits]
    assert times[:3] == [0.5, 1.0, 1.5]
    assert times[3] == pytest.approx(2.3, abs=0.02)


def test_a_right_click_locks_weighs_and_deletes_a_hit_point(opened: Window, qtbot) -> None:
    stage, store = opened.stage, opened.model.store
    plot = stage.score.plot.viewport()
    qtbot.wait(50)

    def choose(words: str) -> None:
        stage.menu = None
        where = stage.score.plot.mapFromScene(stage.score.box.mapViewToScene(QPointF(1.0, 1.5)))
        qtbot.mouseClick(plot, Qt.MouseButton.RightButton, pos=where)
        qtbot.waitUntil(lambda: stage.menu is not None, timeout=5000)
        next(action for action in stage.menu.actions() if action.text() == words).trigger()
        stage.menu.close()

    for words, expected in (
        ("Lock", HitPoint(1.0, 0.6, locked=True)), ("Unlock", FOUND[1]),
        ("Stronger", HitPoint(1.0, 0.7)), ("Weaker", FOUND[1]),
    ):  # fmt: skip
        choose(words)
        assert store.work().sheet.hits[1] == expected
    choose("Delete")
    assert store.work().sheet.hits == (FOUND[0], *FOUND[2:])


def test_intensity_is_drawn_over_time_with_mouse_and_keys_and_undone(opened: Window, qtbot) -> None:
    stage, score, store = opened.stage, opened.stage.score, opened.model.store
    plot = score.plot.viewport()
    qtbot.wait(50)

    def at(time: float, level: float) -> QPoint:
        return score.plot.mapFromScene(score.box.mapViewToScene(QPointF(time, level * 2.16)))

    def curve() -> tuple[tuple[float, float], ...]:
        return store.work().sheet.curve

    def asked() -> ScoreRequest:
        return request_for(store.timeline.path, 1, store.controls, store.work().sheet, edited=False)

    assert asked().intensity_curve == ()
    stage.tempo.bend.click()
    for count, (time, level) in enumerate(((0.5, 0.2), (2.5, 0.9)), 1):
        qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=at(time, level))
        qtbot.waitUntil(lambda wanted=count: len(curve()) == wanted, timeout=5000)
    assert curve() == (pytest.approx((0.5, 0.2), abs=0.03), pytest.approx((2.5, 0.9), abs=0.03))
    assert store.work().sheet.hits == FOUND  # a click draws and edits no hit point
    qtbot.mousePress(plot, Qt.MouseButton.LeftButton, pos=at(*curve()[0]))
    for step in range(1, 9):
        qtbot.mouseMove(plot, at(0.5 + 0.05 * step, 0.2 + 0.05 * step))
        qtbot.wait(10)
    qtbot.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=at(0.9, 0.6))
    qtbot.waitUntil(lambda: curve()[0] == pytest.approx((0.9, 0.6), abs=0.04), timeout=5000)
    assert asked().intensity_curve == curve()
    assert not opened.controls.intensity.isEnabled()
    qtbot.mouseClick(plot, Qt.MouseButton.RightButton, pos=at(*curve()[0]))
    qtbot.waitUntil(lambda: len(curve()) == 1, timeout=5000)
    stage.player.seek(1.0)
    qtbot.keyClick(score, Qt.Key.Key_Up, Qt.KeyboardModifier.ControlModifier)
    assert curve()[0] == pytest.approx((1.0, 1.0), abs=0.03)
    while opened.model.editor.stack.canUndo():
        opened.model.editor.stack.undo()
    assert curve() == ()
    assert store.work().sheet.hits == FOUND


def test_tempo_is_pinned_halved_and_tapped(opened: Window, qtbot) -> None:
    editor, store = opened.model.editor, opened.model.store
    editor.scale_tempo(0.5)
    qtbot.waitUntil(lambda: store.work().tempo.bpm == 60, timeout=PATIENCE_MS)
    assert store.work().sheet.bpm == 60
    for beat in range(5):
        editor.tap(100 + beat * 0.6)
    qtbot.waitUntil(lambda: store.work().tempo.bpm == 100, timeout=PATIENCE_MS)
    assert opened.stage.tempo.bpm.value() == 100
    editor.stack.undo()
    editor.pin(None)
    qtbot.waitUntil(lambda: store.work().tempo.fit > 0, timeout=PATIENCE_MS)
    assert store.work().sheet.bpm is None


def test_it_fits_into_370_pixels_and_into_1400(opened: Window, qtbot) -> None:
    for width, panes in ((370, True), (1400, False), (370, True)):
        opened.resize(width, 860)
        qtbot.wait(50)
        assert opened.width() == width
        assert opened.clips.isVisible()
        assert opened.stage.score.isVisible()
        assert opened.controls.isVisible() is not panes  # behind a tab, or beside
    tempo = opened.stage.tempo
    tools = [tempo.bpm, tempo.pinned, tempo.half, tempo.double, tempo.tap, tempo.bend]
    assert all(one.geometry().right() < other.geometry().left() for one, other in pairwise(tools))
    assert all(each.width() >= each.sizeHint().width() for each in tools[1:])  # no word is cut
    assert tools[-1].geometry().right() < tempo.width()
    opened.tabs.setCurrentIndex(1)
    assert opened.controls.isVisible()
    opened.controls.ducked.setCurrentIndex(1)
    opened.controls.more.click()
    for width in (370, 1200):  # nothing is cut off at the right
        opened.resize(width, 860)
        qtbot.wait(50)
        assert (
            opened.controls.minimumSizeHint().width()
            <= opened.controls.visibleRegion().boundingRect().width()
        )
    assert opened.generate.isVisible()


@pytest.fixture
def full(opened: Window, qtbot) -> Window:
    """With a take, a job, an error and all that unfolds: everything that there is to work with."""
    store, controls = opened.model.store, opened.controls
    work = store.work(1)
    asset = Asset(Path("take.wav"), "0" * 64, 48000, 2, 144000)
    tempo = (TempoPoint(0.0, 120.0),)
    request = request_for(store.timeline.path, 1, store.controls, Sheet(), edited=False)
    take = Take(
        request, asset, BundleId("toy", "0" * 64), "pop", (), 1.0, 0.2, tempo, Fraction(0), -14.0, 1.0
    )
    store.put_work(replace(work, takes=(TakeCard(take), TakeCard(take)), chosen=0))
    controls.ducked.setCurrentIndex(1)
    controls.more.click()
    opened.model.editor.add(0.2)
    opened.model.studio.watch(1)
    store.fail(Failure("Something failed.", "Do something.", "Details"))
    opened.banner.more.click()
    opened.clips.list.selectAll()
    opened.resize(1400, 1100)
    opened.activateWindow()
    qtbot.wait(100)
    return opened


def workable(window: Window) -> list[QWidget]:
    """What can be seen and takes the keyboard; what is inside of a spin box is a part of it."""
    found = [each for each in window.findChildren(QWidget) if each.isVisible() and each.isEnabled()]
    inside = (QAbstractSpinBox, QAbstractScrollArea)
    return [
        each
        for each in found
        if each.focusPolicy() & Qt.FocusPolicy.TabFocus
        and each.focusProxy() is None
        and not isinstance(each.parentWidget(), inside)
    ]


def test_everything_that_can_be_worked_has_a_name(full: Window) -> None:
    ours = workable(full)
    assert len(ours) > 35
    assert [each for each in ours if not each.accessibleName()] == []
    buttons = [each for each in full.findChildren(QAbstractButton) if not each.objectName().startswith("qt_")]
    assert [each for each in buttons if not each.accessibleName()] == []
    items = [full.clips.list.item(row) for row in range(full.clips.list.count())]
    assert all(item.data(Qt.ItemDataRole.AccessibleTextRole) for item in items)


@pytest.mark.parametrize("width", [370, 1400])
def test_tab_goes_to_all_that_can_be_worked_and_round_again(full: Window, qtbot, width: int) -> None:
    full.resize(width, 1100)
    qtbot.wait(50)
    wanted = workable(full)
    full.clips.open_button.setFocus()
    reached = [QApplication.focusWidget()]
    for _ in range(len(wanted) + 10):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        reached.append(QApplication.focusWidget())
        if reached[-1] is reached[0]:
            break
    assert reached[-1] is reached[0]
    missed = [each for each in wanted if each not in reached]
    assert [each.accessibleName() or each for each in missed] == []


def test_the_question_shows_the_time_and_each_answer_does_what_it_says(
    opened: Window, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    placing = opened.model.placing
    answers: list[bool] = []
    monkeypatch.setattr(placing, "place", lambda _out, keep=False: answers.append(keep))
    conflicts = Conflicts(((Fraction(1), Fraction(4)),), ("Dancer (pop)",))
    for words, answer in (("Replace", [False]), ("New track", [True]), ("Skip", [])):
        answers.clear()
        placing.asked.emit(Path("cut.otio"), conflicts)
        box = opened.place.box
        assert "0:01.000 to 0:04.000: Dancer (pop)" in box.text()
        assert box.defaultButton().text() == "Skip"
        (chosen,) = (each for each in box.buttons() if each.text() == words)
        qtbot.mouseClick(chosen, Qt.MouseButton.LeftButton)
        assert answers == answer


def test_what_the_controls_say_is_what_the_engine_is_asked(opened: Window, tmp_path: Path) -> None:
    controls, store = opened.controls, opened.model.store

    def asked() -> ScoreRequest:
        return request_for(store.timeline.path, 1, store.controls, Sheet(), edited=False)

    assert (asked().ducking, asked().tail, asked().markers) == (None, None, None)
    assert controls.duck_level.isHidden()
    controls.ducked.setCurrentIndex(1)
    assert not controls.duck_level.isHidden()
    controls.duck_level.setValue(-15)
    controls.duck_attack.setValue(0.35)
    controls.duck_release.setValue(1.5)
    assert asked().ducking == Ducking(-15.0, 0.35, 1.5)
    controls.tail.setValue(2.5)
    assert asked().tail == 2.5
    controls.tail.setValue(0)
    assert asked().tail is None
    web, broadcast = controls.target.menu().actions()
    broadcast.trigger()
    assert asked().loudness == controls.loudness.value() == -23.0
    web.trigger()
    assert asked().loudness == -14.0
    controls.markers.setCurrentIndex(1)
    assert asked().markers is True
    store.set_controls(Controls())
    assert controls.markers.currentIndex() == controls.ducked.currentIndex() == 0
    assert asked() == ScoreRequest(store.timeline.path, "1")


def test_media_that_has_moved_is_found_in_a_folder(
    opened: Window, qtbot, tmp_path: Path, dancer: Path
) -> None:
    assert not opened.clips.find_button.isHidden()
    moved = tmp_path / "moved" / "gone.mp4"
    moved.parent.mkdir()
    moved.write_bytes(dancer.read_bytes())
    opened.model.find_media(moved.parent)
    qtbot.waitUntil(lambda: opened.model.store.clip(2).media is not None, timeout=PATIENCE_MS)
    assert opened.model.store.clip(2).media.path == moved
    assert opened.clips.find_button.isHidden()


def test_presets_keep_the_seed(opened: Window) -> None:
    store = opened.model.store
    store.set_controls(replace(store.controls, seed=9, takes=3))
    opened.controls.apply(Preset("Calm", replace(store.controls, style="ambient", seed=1, takes=1)))
    assert (store.controls.style, store.controls.seed, store.controls.takes) == ("ambient", 9, 3)
    assert opened.controls.style_box.currentData() == "ambient"


def test_the_picture_plays_without_a_sound_device(opened: Window, qtbot) -> None:
    player, picture = opened.stage.player, opened.stage.picture
    qtbot.waitUntil(lambda: picture.frames > 0, timeout=PATIENCE_MS)
    player.play()
    qtbot.waitUntil(lambda: player.position() > 0.3, timeout=PATIENCE_MS)
    player.pause()
    here = player.position()
    player.seek(2.0)
    assert player.position() == pytest.approx(2.0, abs=0.1)
    assert here < 3.0


def test_a_screenshot_is_drawn_without_a_window(dancer: Path, tmp_path: Path) -> None:
    out = tmp_path / "panel.png"
    arguments = [
        str(dancer),
        "--screenshot",
        str(out),
        "--size",
        "900x700",
        "--state",
        str(tmp_path / "state"),
    ]
    done = subprocess.run([sys.executable, "-m", "hitpoint_plugin", *arguments], timeout=PATIENCE_MS / 1000)
    assert done.returncode == 0
    image = QImage(str(out))
    assert (image.width(), image.height()) == (900, 700)
    colours = {image.pixel(x, y) for x in range(0, 900, 9) for y in range(0, 700, 7)}
    assert len(colours) > 200  # the dancer is in it
