"""Workers killed (SIGKILL) at any moment of real use, and how long the window stands still meanwhile."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from gaps import GAP_S, Gaps
from qt_patience import PATIENCE_MS
from timelines import MEDIA, needs_media

from hitpoint.timeline.read import read_timeline
from hitpoint_plugin.lane import Lane
from hitpoint_plugin.model.session import SessionFile
from hitpoint_plugin.tasks import Failure
from hitpoint_plugin.view.window import Window

FILM = MEDIA / "video" / "v01_aist_pop_solo_gtmusic.mp4"
ENOUGH = 50
"""Kills from which on it is no luck any more how many come during a job."""


class Desk:
    """Somebody at work: watches, makes takes, places; after each of these the sheet is as it was."""

    def __init__(self, window: Window, qtbot) -> None:
        self.window, self.model, self.store = window, window.model, window.model.store
        self.qtbot = qtbot
        self.failures: list[Failure] = []
        self.store.failed.connect(self.failures.append)
        self.seed = 1

    def idle(self) -> None:
        self.qtbot.waitUntil(lambda: not self.model.busy, timeout=PATIENCE_MS)

    def watch(self) -> Lane:
        self.model.studio.watch(1)
        return self.model.heavy

    def make(self) -> Lane:
        self.seed += 1
        self.store.set_controls(replace(self.store.controls, seed=self.seed, takes=1))
        self.model.studio.generate()
        return self.model.heavy

    def place(self) -> Lane:
        self.model.placing.place(self.store.timeline.path)
        return self.model.quick

    def takes(self) -> list[str]:
        return [card.take.asset.sha256 for card in self.store.work(1).takes]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.battery)])
def test_a_killed_worker_costs_the_running_job_and_nothing_else(
    window: Window, qtbot, edit: Path, bundle: Path, kills: int
) -> None:
    """The toy bundle in the small share, the real one in the battery."""
    desk, dice = Desk(window, qtbot), random.Random(11)
    store, model = desk.store, desk.model
    store.set_controls(replace(store.controls, bundle=bundle if kills < ENOUGH else None, style="pop"))
    window.open(edit)
    qtbot.waitUntil(lambda: store.current == 1 and not model.busy, timeout=PATIENCE_MS)
    lasts = {}
    for work in (desk.watch, desk.make, desk.place):  # as long as each takes with a fresh worker
        for lane in (model.heavy, model.quick):
            _kill(lane, qtbot)
        begun = time.monotonic()
        work()
        desk.idle()
        lasts[work] = time.monotonic() - begun
    assert desk.failures == []
    hits = store.work(1).sheet.hits
    gaps, cost, killed = Gaps(), 0, 0
    for number in range(kills):
        kept, shown = desk.takes(), len(desk.failures)
        work = dice.choice(tuple(lasts))
        lane = work()
        qtbot.wait(round(1000 * dice.uniform(0, lasts[work])))
        cost += lane.busy
        killed = _kill(lane, qtbot) or killed
        desk.idle()
        assert window.isVisible()
        assert desk.takes()[: len(kept)] == kept, number
        assert store.work(1).sheet.hits == hits
        assert all("stopped in the middle" in why.what for why in desk.failures[shown:])
        assert len(desk.failures) - shown <= 1
        json.loads(edit.read_bytes())  # never half a file
        if number % 10 == 9:
            print(f"{number + 1} kills, {cost} during a job; {gaps}", flush=True)
    gaps.stop()
    before = desk.takes()
    desk.failures.clear()
    (
        model.log.parent / "takes" / f".hitpoint-{killed}-00000000.tmp"
    ).touch()  # as a kill within a write leaves
    desk.make()
    desk.idle()
    assert desk.failures == []
    assert len(desk.takes()) == len(before) + 1  # the job after the last kill succeeds
    desk.place()
    desk.idle()
    assert desk.failures == []
    assert len(read_timeline(edit).cues) == 1
    left = [path for folder in (edit.parent, model.log.parent) for path in folder.rglob(".hitpoint-*.tmp")]
    print(f"\n{kills} kills, {cost} during a job; {len(before)} takes kept, {len(left)} stray files; {gaps}")
    assert left == []
    assert gaps.own < GAP_S
    assert kills < ENOUGH or cost >= kills // 2
    window.close()
    assert [work.index for work in SessionFile(model.log.parent).load().works] == [1]


def _kill(lane: Lane, qtbot) -> int:
    """As the system does it when memory is short; a worker that is not there yet is waited for. Its id."""
    if lane.busy:
        qtbot.waitUntil(lambda: lane.process_id() > 0 or not lane.busy, timeout=PATIENCE_MS)
    worker = lane.process_id()
    if worker > 0:
        with qtbot.waitSignal(lane.died, timeout=PATIENCE_MS):
            os.kill(worker, signal.SIGKILL)
    return worker


@needs_media
@pytest.mark.battery
def test_the_window_never_stands_still_while_a_real_clip_is_scored(window: Window, qtbot) -> None:
    """Real engine, model and clip; the picture plays, points are moved, the window is resized."""
    desk, gaps = Desk(window, qtbot), Gaps()
    store, model = desk.store, desk.model
    window.open(FILM)
    qtbot.waitUntil(lambda: store.current == 1 and not model.busy, timeout=PATIENCE_MS)
    store.set_controls(replace(store.controls, takes=3))
    model.studio.generate()
    qtbot.waitUntil(lambda: bool(store.work().takes), timeout=PATIENCE_MS)
    window.stage.player.play()
    size = window.size()
    while model.heavy.busy:
        model.editor.select(1)
        model.editor.move(1, store.work().sheet.hits[1].time + 0.04)
        window.resize(size.width() - (window.width() == size.width()) * 40, size.height())
        qtbot.wait(500)
    gaps.stop()
    assert desk.failures == []
    assert len(store.work().takes) == 3
    print(f"\n{gaps}")
    assert gaps.own < GAP_S
