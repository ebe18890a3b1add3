"""Export here, it comes back there: once each, whole files only, and never over anything."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from qt_patience import PATIENCE_MS
from timelines import clip, gap, span, timeline, write

from hitpoint.errors import MediaError
from hitpoint.progress import Progress
from hitpoint.timeline.read import read_timeline
from hitpoint.values import Scope, ScoreRequest, ScoreResult
from hitpoint_plugin.connect.only_one import LOCK
from hitpoint_plugin.connect.watch import LEDGER, STILL_S, Answer, Watch


class Clock:
    """A watched folder whose time is told; the scoring is a copy, for what is tested is the exchange."""

    def __init__(self, folder: Path) -> None:
        self.now, self.asked = 0.0, [0]
        self.watch = Watch(folder, ScoreRequest(timeline=folder, scope=Scope(whole=True)), work=self.work)

    def work(self, request: ScoreRequest, out: Path, progress: Progress) -> ScoreResult:
        self.asked[0] += 1
        if b"bad" in request.timeline.read_bytes():
            raise MediaError("There is no picture in it.", "Export it again.")
        if b"crash" in request.timeline.read_bytes():
            raise ZeroDivisionError("oh")
        shutil.copyfile(request.timeline, out)
        result = object.__new__(ScoreResult)
        object.__setattr__(result, "output", out)
        return result

    def after(self, seconds: float) -> list[Answer]:
        self.now += seconds
        return list(self.watch.round(self.now, Progress()))

    def settle(self) -> list[Answer]:
        return self.after(0) + self.after(STILL_S)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "scored").glob("[!.]*"))


def test_a_file_is_taken_once_it_is_still(clock: Clock, tmp_path: Path) -> None:
    out = tmp_path / "a.otio"
    out.write_text("half")
    assert clock.after(0) == []
    assert clock.after(STILL_S / 2) == []
    out.write_text("half and more")
    assert clock.after(STILL_S / 2) == []
    assert clock.after(STILL_S / 2) == []
    (answer,) = clock.after(STILL_S / 2)
    assert answer == Answer(out, tmp_path / "scored" / "a-scored.otio", True)
    assert clock.after(60) == []


def test_an_empty_file_is_not_there_yet(clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "a.xml").touch()
    assert clock.settle() == []
    assert clock.after(60) == []


def test_each_version_is_answered_once_even_by_another_watcher(clock: Clock, tmp_path: Path) -> None:
    out = tmp_path / "a.otio"
    out.write_text("one")
    clock.settle()
    out.write_text("two!")
    clock.settle()
    os.utime(out, (1, 1))  # touched, but the same
    assert clock.settle() == []
    assert names(tmp_path) == ["a-scored-2.otio", "a-scored.otio"]
    assert Clock(tmp_path).settle() == []
    (tmp_path / "scored" / "a-scored.otio").unlink()  # the user does not want it
    assert Clock(tmp_path).settle() == []


def test_what_fails_is_explained_beside_and_the_next_one_gets_its_turn(clock: Clock, tmp_path: Path) -> None:
    for name, text in (("a.otio", "bad"), ("b.xml", "crash"), ("c.mlt", "good")):
        (tmp_path / name).write_text(text)
    answers = clock.settle()
    assert [answer.scored for answer in answers] == [False, False, True]
    text = (tmp_path / "scored" / "a-scored-error.txt").read_text()
    assert "a.otio could not be scored" in text
    assert "no picture" in text
    assert "Export it again" in text
    assert "ZeroDivisionError: oh" in (tmp_path / "scored" / "b-scored-error.txt").read_text()
    assert clock.after(60) == []
    assert clock.asked == [3]


def test_what_is_no_export_is_left_alone(clock: Clock, tmp_path: Path) -> None:
    for name in (".a.otio", "~b.otio", "HOW-TO.txt", "shot.mov", "a.otio.tmp"):
        (tmp_path / name).write_text("x")
    assert clock.settle() == []
    assert not (tmp_path / "scored").exists()


def test_a_bundle_that_is_a_folder_is_one_input(clock: Clock, tmp_path: Path) -> None:
    bundle = tmp_path / "a.fcpxmld"
    bundle.mkdir()
    assert clock.settle() == []
    (bundle / "Info.fcpxml").write_text("x")
    assert clock.after(0) == []
    (answer,) = clock.after(STILL_S)  # a copy of a folder fails here, which is an answer too
    assert answer.source == bundle


def test_a_damaged_ledger_costs_no_answer(clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "scored").mkdir()
    (tmp_path / "scored" / LEDGER).write_text("[")
    (tmp_path / "a.otio").write_text("x")
    assert len(clock.settle()) == 1
    assert len(json.loads((tmp_path / "scored" / LEDGER).read_text())) == 1


def command(folder: Path, bundle: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "hitpoint", "hosts", "watch", str(folder), "--bundle", str(bundle), *more]


def test_exports_come_back_in_their_format_with_the_music(dancer: Path, bundle: Path, tmp_path: Path) -> None:
    """The real engine: two formats of one cut, a project that nobody reads, and a file that is broken."""
    shown = clip("Dancer", str(dancer), span(0, 75), span(0, 75))
    source = write(timeline([[gap(25), shown]]), tmp_path / "cut.otio")
    folder = tmp_path / "watched"
    folder.mkdir()
    for name in ("cut.xml", "cut.mlt"):
        subprocess.run([sys.executable, "-m", "hitpoint", "convert", source, folder / name], check=True)
    (folder / "film.prproj").write_bytes(b"\x1f\x8b")
    (folder / "broken.otio").write_text("{")
    done = subprocess.run(
        command(folder, bundle, "--once"), capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 1, done.stderr
    rows = sorted(line.split("\t")[:2] for line in done.stdout.splitlines())
    assert rows == [["failed", "broken.otio"], ["failed", "film.prproj"],
                    ["scored", "cut.mlt"], ["scored", "cut.xml"]], done.stdout  # fmt: skip
    for ending in ("xml", "mlt"):
        scored = read_timeline(folder / "scored" / f"cut-scored.{ending}")
        assert [float(cue.record_start) for cue in scored.cues] == [0.0]
        assert list((folder / "scored").glob("*.wav"))
    assert "Premiere" in (folder / "scored" / "film-scored-error.txt").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_it_stops_at_once_when_asked(bundle: Path, tmp_path: Path) -> None:
    child = subprocess.Popen(command(tmp_path, bundle), stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    assert "Watching" in child.stderr.readline()
    time.sleep(1.5)
    child.send_signal(signal.SIGINT)  # to the command only; a terminal sends it to both
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    assert child.returncode == 130


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
def test_a_second_watcher_is_refused_by_name_until_the_first_is_gone(bundle: Path, tmp_path: Path) -> None:
    """Killed, the first leaves its file behind, and that stops nobody."""

    def second() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(tmp_path, bundle, "--once"), capture_output=True, text=True, check=False
        )

    child = subprocess.Popen(command(tmp_path, bundle), stderr=subprocess.PIPE, start_new_session=True)
    lock = tmp_path / LOCK
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not (lock.exists() and lock.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.1)
    refused = second()
    assert refused.returncode == 1
    assert "ConflictError" in refused.stderr
    assert f"the process {lock.read_text().strip()}" in refused.stderr
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    assert lock.exists()
    assert second().returncode == 0
    assert not lock.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
def test_of_many_that_come_and_go_there_is_never_more_than_one(tmp_path: Path) -> None:
    script = f"""
import os, sys, time
from pathlib import Path
from hitpoint.errors import ConflictError
from hitpoint_plugin.connect.only_one import only_one
folder, inside, refused = Path({str(tmp_path)!r}), 0, 0
until = time.monotonic() + 2
while time.monotonic() < until:
    try:
        with only_one(folder):
            os.close(os.open(folder / "inside", os.O_CREAT | os.O_EXCL))
            inside += 1
            os.unlink(folder / "inside")
    except ConflictError:
        refused += 1
print(inside, refused)
"""
    children = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    counts = [list(map(int, child.communicate()[0].split())) for child in children]
    assert all(child.returncode == 0 for child in children)
    assert all(inside for inside, _refused in counts)
    assert sum(refused for _inside, refused in counts) > 0
    assert list(tmp_path.iterdir()) == []
