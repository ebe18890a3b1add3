"""What outlives the window: presets, the session, the log; and lines of clips that are one cue."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qt_patience import PATIENCE_MS

from hitpoint.values import Scope
from hitpoint_plugin.model.lines import FIRST_LINE
from hitpoint_plugin.model.panel import PanelModel
from hitpoint_plugin.model.presets import load_presets, save_presets
from hitpoint_plugin.model.state import Controls, Preset, Session, Sheet, request_for
from hitpoint_plugin.tasks import Failure
from hitpoint_plugin.view.window import Window


def test_presets_are_saved_at_once_and_there_again(window: Window) -> None:
    store, path = window.model.store, window.model.log.with_name("presets.json")
    store.set_controls(Controls(style="tango", tail=2.0, ducked=True))
    window.controls.save_preset("Mine")
    window.controls.save_preset("Other")
    window.controls.save_preset("Mine")
    assert [preset.name for preset in load_presets(path)[0]] == ["Other", "Mine"]
    window.controls.delete_preset("Other")
    again = PanelModel(path.parent)
    again.resume()
    assert again.store.presets == (Preset("Mine", store.controls),)
    again.close()


def test_presets_that_cannot_be_read_are_kept_aside_and_said(window: Window) -> None:
    path = window.model.log.with_name("presets.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"presets": [', encoding="utf-8")
    window.model.resume()
    assert "presets could not be read" in window.banner.what.text()
    assert "presets.unreadable.json" in window.banner.todo.text()
    assert path.with_suffix(".unreadable.json").read_text(encoding="utf-8") == '{"presets": ['
    window.controls.save_preset("New")
    assert [preset.name for preset in load_presets(path)[0]] == ["New"]


def test_a_session_that_cannot_be_read_is_said(window: Window) -> None:
    path = window.model.log.with_name("session.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\xff\xfe nonsense")
    window.model.resume()
    assert "last session could not be read" in window.banner.what.text()
    assert path.with_suffix(".unreadable.json").exists()


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    failure = save_presets(tmp_path / "file" / "presets.json", ())
    assert failure is not None
    assert "could not be saved" in failure.what


def test_the_log_is_one_click_from_an_error(window: Window) -> None:
    window.model.store.fail(Failure("The engine fell over.", "Start again.", "Traceback: line 7"))
    assert window.banner.log.isVisible()
    window.banner.log.click()
    dialog = window.banner.log_dialog
    assert dialog.isVisible()
    text = dialog.text.toPlainText()
    assert "ERROR The engine fell over. Start again." in text
    assert "Traceback: line 7" in text
    window.model.store.said.emit("All is well again.")
    dialog.reload()
    assert "INFO All is well again." in dialog.text.toPlainText()
    dialog.close()


def test_several_clips_become_one_cue_with_a_row_of_its_own(window: Window, qtbot, edit: Path) -> None:
    model, store, pane = window.model, window.model.store, window.clips
    window.open(edit)
    qtbot.waitUntil(lambda: store.current == 1 and not model.busy, timeout=PATIENCE_MS)
    assert pane.as_one.isHidden()
    pane.list.selectAll()
    assert not pane.as_one.isHidden()
    pane.as_one.setChecked(True)
    watched: list[tuple[int, int]] = []
    model.studio.watch = lambda index, takes=0: watched.append((index, takes))  # type: ignore[method-assign]
    model.studio.generate()
    assert watched == [(FIRST_LINE, store.controls.takes)]
    assert store.current == FIRST_LINE
    assert pane.list.count() == 3
    line = store.clip(FIRST_LINE)
    assert line is not None
    assert (line.name, line.record_start, line.duration) == ("Dancer to Lost", 1, 5)
    asked = request_for(edit, FIRST_LINE, store.controls, Sheet(), False, store.line(FIRST_LINE))
    assert (asked.clip, asked.scope) == (None, Scope(clips=("1", "2")))
    store.selected = (1, 2)
    model.studio.generate()
    assert store.lines == ((1, 2),)
    pane.as_one.setChecked(False)
    watched.clear()
    store.selected = (1, 2)
    model.studio.generate()
    assert [index for index, _takes in watched] == [1, 2]
    session: Session = store.session()
    store.lines = ()
    store.restore(session)
    assert store.lines == ((1, 2),)
    store.restore(replace(session, lines=((1, 9),)))  # of another timeline
    assert store.clip(FIRST_LINE) is not None
