"""A killed worker costs the running job and nothing else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from qt_patience import PATIENCE_MS

from hitpoint.values import HitPoint, TempoMap, TimelineInfo
from hitpoint_plugin.lane import Lane
from hitpoint_plugin.tasks import Failure, Fit, Open

HITS = tuple(HitPoint(0.5 * beat, 1.0) for beat in range(1, 12))


@pytest.fixture
def lane(qapp):
    made = Lane()
    yield made
    made.close()


def test_tasks_run_in_order_and_answer_once(lane: Lane, qtbot, dancer: Path) -> None:
    answers: list[object] = []
    lane.submit(Fit(HITS, 6.0), answers.append, answers.append)
    lane.submit(Open(dancer), answers.append, answers.append)
    lane.submit(Open(dancer.with_name("none.mp4")), answers.append, answers.append)
    qtbot.waitUntil(lambda: len(answers) == 3, timeout=PATIENCE_MS)
    assert isinstance(answers[0], TempoMap)
    assert answers[0].bpm == pytest.approx(120, rel=0.02)
    assert isinstance(answers[1], TimelineInfo)
    assert isinstance(answers[2], Failure)
    assert "none.mp4" in answers[2].what
    assert answers[2].todo
    assert "Traceback" in answers[2].details


def test_ten_killed_workers_cost_ten_jobs_and_nothing_else(lane: Lane, qtbot) -> None:
    chance = random.Random(4)
    for _ in range(10):
        failures: list[object] = []
        lane.submit(Fit(HITS, 6.0), lambda _value: None, failures.append)
        qtbot.waitUntil(lambda: lane.process_id() > 0, timeout=PATIENCE_MS)
        qtbot.wait(chance.randrange(120))
        with qtbot.waitSignal(lane.died, timeout=PATIENCE_MS):
            lane.kill()
        assert len(failures) <= 1  # none, where the answer was faster than the kill
        assert lane.process_id() == 0
    done: list[object] = []
    lane.submit(Fit(HITS, 6.0), done.append, done.append)
    qtbot.waitUntil(lambda: bool(done), timeout=PATIENCE_MS)
    assert isinstance(done[0], TempoMap)


def test_waiting_tasks_outlive_a_killed_worker(lane: Lane, qtbot) -> None:
    answers: list[object] = []
    lane.submit(Fit(HITS, 6.0), answers.append, answers.append)
    lane.submit(Fit(HITS, 6.0, 100.0), answers.append, answers.append)
    qtbot.waitUntil(lambda: lane.process_id() > 0, timeout=PATIENCE_MS)
    lane.kill()
    qtbot.waitUntil(lambda: len(answers) == 2, timeout=PATIENCE_MS)
    assert isinstance(answers[0], Failure)
    assert "stopped in the middle" in answers[0].what
    assert isinstance(answers[1], TempoMap)
    assert answers[1].bpm == 100


def test_a_cancelled_task_that_waits_never_runs(lane: Lane, qtbot) -> None:
    answers: list[object] = []
    lane.submit(Fit(HITS, 6.0), answers.append)
    number = lane.submit(Fit(HITS, 6.0, 100.0), answers.append, answers.append)
    lane.cancel(number)
    qtbot.waitUntil(lambda: len(answers) == 2 and not lane.busy, timeout=PATIENCE_MS)
    refused = next(answer for answer in answers if isinstance(answer, Failure))
    assert refused.cancelled
