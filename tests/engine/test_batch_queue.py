"""The laws of the queue: nothing is lost, nothing is done by two, and a killer is set aside."""

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import pytest

from hitpoint.batch.jobs import Fault, Job, Outcome, request_of, request_text
from hitpoint.batch.queue import MOST_DEATHS, Queue
from hitpoint.errors import OutputError
from hitpoint.values import ScoreRequest

OUTCOME = Outcome(Path("a.wav"), "0" * 64, "house", 1.0, 0.1, 2.5, ("a note",))


def job(number: int) -> Job:
    request = ScoreRequest(Path(f"/films/{number}.mp4"), clip="1")
    return Job(
        f"key{number}", request, Path(f"/out/{number}/{number}.otio"), f"clip {number}", Fraction(4, 3)
    )


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path / "queue.sqlite")


def states(queue: Queue) -> list[str]:
    return [row.state for row in queue.rows()]


def test_many_workers_never_get_the_same_job(tmp_path: Path, queue: Queue) -> None:
    queue.ask([job(number) for number in range(40)])
    taken: list[tuple[str, str]] = []

    def work(owner: str) -> None:
        mine = Queue(tmp_path / "queue.sqlite")
        while (found := mine.take(owner)) is not None:
            taken.append((found.key, owner))
            assert mine.done(found.key, owner, OUTCOME)
        mine.close()

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key for key, _ in taken) == sorted(f"key{n}" for n in range(40))
    assert states(queue) == ["done"] * 40


def test_a_job_comes_back_as_it_was_asked_for(queue: Queue) -> None:
    request = ScoreRequest(
        Path("/films/ä #1.otio"), clip="7", style="pop", seed=3, takes=2, bpm=99.5, bundle=Path("/b")
    )
    assert request_of(request_text(request)) == request
    asked = Job("k", request, Path("/out/x/x.otio"), "a 'clip'", Fraction(1001, 24000))
    queue.ask([asked])
    assert queue.take("w") == asked
    assert queue.done("k", "w", OUTCOME)
    assert queue.rows()[0].outcome == OUTCOME


def test_only_the_holder_can_acknowledge(queue: Queue) -> None:
    queue.ask([job(1)])
    assert queue.take("first") is not None
    assert queue.died("first", "was ended")
    assert queue.take("second") is not None
    assert not queue.beat("key1", "first", "", 0.5)
    assert not queue.done("key1", "first", OUTCOME)
    assert not queue.failed("key1", "first", Fault("MediaError", "no"))
    assert states(queue) == ["running"]
    assert queue.beat("key1", "second", "Mastering", 0.5)
    assert queue.done("key1", "second", OUTCOME)
    assert not queue.done("key1", "second", OUTCOME), "once is enough"


def test_what_killed_a_worker_comes_last_and_is_set_aside_in_the_end(queue: Queue) -> None:
    queue.ask([job(1), job(2)])
    for death in range(MOST_DEATHS):
        found = queue.take("w")
        assert found is not None
        if death == 0:
            assert found.key == "key1"
            assert queue.died("w", "was ended")
            found = queue.take("w")
            assert found is not None
            assert found.key == "key2", "the innocent goes first"
            assert queue.done("key2", "w", OUTCOME)
        else:
            assert queue.died("w", "was ended by SIGSEGV")
    assert states(queue) == ["aside", "done"]
    assert queue.take("w") is None
    assert queue.rows()[0].fault is not None


def test_giving_a_job_back_is_no_death(queue: Queue) -> None:
    queue.ask([job(1)])
    for _ in range(2 * MOST_DEATHS):
        assert queue.take("w") is not None
        queue.release("w")
    assert states(queue) == ["waiting"]
    assert not queue.died("w", "was ended"), "it held nothing"


def test_asking_again_keeps_what_is_done_and_tries_what_failed(queue: Queue) -> None:
    asked = [job(number) for number in range(4)]
    queue.ask(asked)
    for number in (0, 1):
        assert queue.take("w") == asked[number]
    assert queue.done("key0", "w", OUTCOME)
    assert queue.failed("key1", "w", Fault("MissingMediaError", "It is not there."))
    assert queue.take("gone") == asked[2]
    queue.ask(asked[:3])
    assert states(queue) == ["done", "waiting", "waiting"]
    assert queue.rows()[0].outcome == OUTCOME
    assert [queue.take("x"), queue.take("x"), queue.take("x")] == [asked[1], asked[2], None]
    queue.forget(asked[:1])
    queue.ask(asked[:1])
    assert states(queue) == ["waiting"]


def test_a_process_killed_while_it_writes_leaves_a_sound_queue(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    queue = Queue(path)
    queue.ask([job(number) for number in range(20)])
    for _ in range(3):
        code = (
            "import sys; from pathlib import Path; from hitpoint.batch.queue import Queue\n"
            "queue = Queue(Path(sys.argv[1])); queue.take('w'); print('on', flush=True)\n"
            "while True: queue.beat('key0', 'w', 'x', 0.1); queue.release('w'); queue.take('w')"
        )
        process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"on\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        queue.release("w")
    assert states(queue) == ["waiting"] * 20
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_is_no_queue_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    path.write_text("this is a shopping list, and a long one " * 100)
    with pytest.raises(OutputError, match="cannot be used"):
        Queue(path)
