"""The whole way in the panel, for real: watch, make takes, edit, make again, place, ask, take off."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from gaps import GAP_S, Gaps
from qt_patience import PATIENCE_MS
from timelines import second_opinion

from hitpoint.demo.dancer import render_dancer
from hitpoint.timeline.read import read_timeline
from hitpoint_plugin.tasks import Failure
from hitpoint_plugin.view.window import Window


@pytest.fixture
def failures(window: Window) -> list[Failure]:
    """Everything that the panel showed as an error."""
    shown: list[Failure] = []
    window.model.store.failed.connect(shown.append)
    return shown


def test_watch_edit_make_again_place_ask_and_take_off(
    window: Window, qtbot, edit: Path, bundle: Path, failures: list[Failure]
) -> None:
    model, store = window.model, window.model.store
    before = edit.read_bytes()
    gaps, playing = Gaps(), []
    window.stage.player.playing_changed.connect(lambda on: playing.append((on, len(store.work().takes))))
    store.set_controls(replace(store.controls, bundle=bundle, takes=2, style="pop"))
    window.open(edit)
    qtbot.waitUntil(lambda: store.current == 1 and not model.busy, timeout=PATIENCE_MS)
    model.studio.generate()
    qtbot.waitUntil(lambda: len(store.work().takes) == 2 and not model.busy, timeout=PATIENCE_MS)
    gaps.stop()
    assert playing[0] == (True, 1)  # the first take is heard by itself, while the second is made
    assert failures == []
    print(f"\n{gaps}")
    assert gaps.own < GAP_S
    seeds = [card.take.request.seed for card in store.work().takes]
    assert seeds == [1, 2]
    first = store.work().take
    assert first is not None
    assert first.asset.samples == 3 * 48000
    assert first.hits
    assert first.hit_rate > first.chance_rate
    assert len(window.takes.cards) == 2

    # A hit point where there was none: the next takes are made on it, and it is locked.
    asked = 1.9
    model.editor.add(asked)
    hits = store.work().sheet.hits
    assert hits[model.editor.selected].locked
    assert hits[model.editor.selected].kind == "user"
    qtbot.waitUntil(lambda: not model.busy, timeout=PATIENCE_MS)
    store.set_controls(replace(store.controls, takes=1, seed=5))
    model.studio.generate()
    qtbot.waitUntil(lambda: len(store.work().takes) == 3 and not model.busy, timeout=PATIENCE_MS)
    report = next(r for r in store.work().takes[-1].take.hits if r.time == asked)
    assert report.kind == "user"
    assert report.hit, report
    model.studio.choose(2)

    # On the timeline, where the clip is: one second in, after the gap.
    with qtbot.waitSignal(model.placing.placed, timeout=PATIENCE_MS):
        window.place.place.click()
    (placed,) = json.loads(second_opinion(edit))
    assert placed[0] / placed[1] == 1.0
    assert placed[2] / placed[1] == 3.0
    assert (edit.parent / placed[3]).exists()
    assert [clip.name for clip in read_timeline(edit).clips] == ["Dancer", "Lost"]

    # Another take in the same place: the panel asks, with the time range, and "replace" replaces.
    model.studio.choose(0)
    with qtbot.waitSignal(model.placing.asked, timeout=PATIENCE_MS) as asking:
        window.place.place.click()
    conflicts = asking.args[1]
    assert [(float(start), float(end)) for start, end in conflicts.ranges] == [(1.0, 4.0)]
    with qtbot.waitSignal(model.placing.placed, timeout=PATIENCE_MS):
        model.placing.place(edit)
    assert len(json.loads(second_opinion(edit))) == 1

    # Undo gives back what was there each time, in the end the user's own file, byte for byte.
    with qtbot.waitSignal(model.placing.unplaced, timeout=PATIENCE_MS):
        model.placing.undo()
    assert json.loads(second_opinion(edit)) == [placed]
    with qtbot.waitSignal(model.placing.unplaced, timeout=PATIENCE_MS):
        model.placing.undo()
    assert edit.read_bytes() == before
    assert failures == []

    # And everything is there again in another panel.
    window.close()
    again = Window(type(model)(model._file.folder))
    again.model.resume()
    qtbot.waitUntil(lambda: len(again.model.store.work().takes) == 3, timeout=PATIENCE_MS)
    assert again.model.store.work().sheet.hits == hits
    assert again.model.store.controls.bundle == bundle
    qtbot.waitUntil(lambda: not again.model.busy, timeout=PATIENCE_MS)
    again.close()


def test_a_job_is_cancelled_and_says_so(
    window: Window, qtbot, tmp_path: Path, failures: list[Failure]
) -> None:
    film = tmp_path / "long.mp4"  # long enough to be at work still when the cancellation comes
    render_dancer(film, seconds=40, size=(320, 180), seed=7)
    model = window.model
    window.open(film)
    qtbot.waitUntil(lambda: model.store.current == 1 and not model.busy, timeout=PATIENCE_MS)
    model.studio.watch(1)
    (job,) = model.studio.jobs.all()
    with qtbot.waitSignal(model.heavy.idle, timeout=PATIENCE_MS):
        qtbot.waitUntil(lambda: model.heavy.process_id() > 0, timeout=PATIENCE_MS)
        model.studio.jobs.cancel(job.number)
    done = model.studio.jobs.job(job.number)
    assert done is not None
    assert done.state == "cancelled"
    assert model.store.work().watched is None
    assert failures == []


def test_a_missing_model_is_explained(
    window: Window, qtbot, edit: Path, tmp_path: Path, failures: list[Failure]
) -> None:
    model = window.model
    window.open(edit)
    qtbot.waitUntil(lambda: model.store.current == 1 and not model.busy, timeout=PATIENCE_MS)
    model.store.set_controls(replace(model.store.controls, bundle=tmp_path / "nothing", takes=1))
    model.studio.generate()
    qtbot.waitUntil(lambda: bool(failures), timeout=PATIENCE_MS)
    assert window.banner.isVisible()
    assert failures[0].what in window.banner.what.text()
    assert window.banner.todo.text()
    assert not window.banner.details.isVisible()
    window.banner.more.click()
    assert "Traceback" in window.banner.details.toPlainText()
    assert window.banner.details.isVisible()
