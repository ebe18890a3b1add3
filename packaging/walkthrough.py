"""Works the panel in a real window as somebody would, with the real engine, and pictures every step.

    xvfb-run -a -s '-screen 0 1400x900x24' python packaging/walkthrough.py OUT [VIDEO]

Open, score, move a hit point, score again, compare takes, place, place again beside it, undo, make some bars
anew. Each step is checked; the first that fails ends the program with exit code 1. Without VIDEO it is the
drawn dancer.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "xcb")

import soundfile
from PyQt6.QtCore import QCoreApplication, Qt
from PyQt6.QtGui import QPixmap
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QWidget

from hitpoint.demo.dancer import render_dancer
from hitpoint.timeline.read import read_timeline
from hitpoint_plugin.model.panel import PanelModel
from hitpoint_plugin.view.theme import dress
from hitpoint_plugin.view.window import Window

PATIENCE_S = 1800
SETTLE_S = 0.8
NUDGES = 3  # frames that the hit point is moved by
SIZE = (1200, 760)
WIDEST = 900  # pixels of a picture


class Walk:
    """The window and the folder of its pictures."""

    def __init__(self, out: Path, scratch: Path, film: Path) -> None:
        self.out, self.film, self.steps = out, film, 0
        self.window = Window(PanelModel(scratch / "state"))
        self.model, self.store = self.window.model, self.window.model.store
        self.store.failed.connect(lambda why: sys.exit(f"{why.what} {why.todo}\n{why.details}"))
        self.window.resize(*SIZE)
        self.window.show()

    def all(self) -> None:
        """Every step, in order."""
        for step in (self.open, self.score, self.move, self.again, self.compare, self.place, self.undo):
            step()
        self.remake()
        self.window.close()

    def open(self) -> None:
        """A video."""
        self.window.open(self.film)
        self._until(lambda: bool(self.store.current) and not self.model.busy)
        self._shoot("open", f"{self.window.clips.list.count()} clip")

    def score(self) -> None:
        """Two takes."""
        self.store.set_controls(replace(self.store.controls, takes=2))
        _click(self.window.generate)
        self._until(lambda: len(self.store.work().takes) == 2 and not self.model.busy)
        self.window.stage.player.pause()  # the first take has begun to play by itself
        self._shoot("scored", self._rates())

    def move(self) -> None:
        """The third hit point, by frames, with keys."""
        self.model.editor.select(2)
        before = self.store.work().sheet.hits[2]
        self.window.stage.score.setFocus()
        for _ in range(NUDGES):
            _press(self.window.stage.score, Qt.Key.Key_Right)
        moved = [hit for hit in self.store.work().sheet.hits if hit.kind == "user"]
        _check(len(moved) == 1 and moved[0].time > before.time, "the hit point was not moved")
        self.window.stage.player.seek(moved[0].time)
        self.moved = moved[0].time
        self._until(lambda: not self.model.busy)
        self._shoot("moved", f"{before.time:.3f} s to {self.moved:.3f} s")

    def again(self) -> None:
        """A take on the hit points as they are now; it lands on the one that was moved."""
        self.store.set_controls(replace(self.store.controls, takes=1, seed=5))
        _click(self.window.generate)
        self._until(lambda: len(self.store.work().takes) == 3 and not self.model.busy)
        report = next(r for r in self.store.work().takes[2].take.hits if r.time == self.moved)
        _check(report.error_ms is not None, "the music has no accent at the moved hit point")
        self._shoot("scored-again", f"moved hit point {report.error_ms:+.1f} ms, hit: {report.hit}")

    def compare(self) -> None:
        """One take after the other is chosen with the mouse."""
        for number in (0, 2):
            _click(self.window.takes.cards[number])
            _check(self.store.work().chosen == number, "the take was not chosen")
        self.window.stage.player.pause()
        self._shoot("compared", self._rates())

    def place(self) -> None:
        """On a timeline beside the video; then once more, beside the music that lies there."""
        placing = self.model.placing
        target = placing.suggested() or self.film
        _click(self.window.place.place)
        self._until(lambda: len(placing.history) == 1)
        self._shoot("placed", _cues(target))
        _click(self.window.place.place)
        self._until(lambda: hasattr(self.window.place, "box") and self.window.place.box.isVisible())
        box = self.window.place.box
        self._shoot("asked", box.text().splitlines()[2], box.grab)
        beside = next(each for each in box.buttons() if each.text() == "New track")
        _click(beside)
        self._until(lambda: len(placing.history) == 2)
        _check(len(read_timeline(target).cues) == 2, "the first music did not stay")
        self.target = target

    def undo(self) -> None:
        """Both placements; the timeline did not exist before, so it is gone."""
        for left in (1, 0):
            self._until(lambda: not self.model.busy)
            _click(self.window.place.undo)
            self._until(lambda left=left: len(self.model.placing.history) == left)  # type: ignore[misc]
        self._until(lambda: not self.model.busy)
        _check(not self.target.exists(), "the timeline is still there")
        self._shoot("undone", "the timeline is gone again")

    def remake(self) -> None:
        """The bars from the first line on, marked with keys; the sound before them stays to the bit."""
        old = self.store.work().take
        _check(old is not None and len(old.bars) > 2, "the take has no bars")
        assert old is not None
        self.window.stage.score.setFocus()
        self.window.stage.player.seek(old.bars[1])
        _press(self.window.stage.score, Qt.Key.Key_I)
        if len(old.bars) > 3:
            self.window.stage.player.seek(old.bars[-2])
            _press(self.window.stage.score, Qt.Key.Key_O)
        _click(self.window.remake)
        self._until(lambda: len(self.store.work().takes) == 4 and not self.model.busy)
        new = self.store.work().take
        assert new is not None
        kept = round((old.bars[1] - 0.2) * 48_000)
        one, other = (soundfile.read(take.asset.path, dtype="int32")[0] for take in (old, new))
        _check(bool((one[:kept] == other[:kept]).all()), "the rest of the take has changed")
        _check(bool((one != other).any()), "the bars are not new")
        self._shoot("remade", f"{new.part} new: {self._rates()}")

    def _rates(self) -> str:
        takes = [card.take for card in self.store.work().takes]
        return ", ".join(f"{take.hit_rate:.0%} (chance {take.chance_rate:.0%})" for take in takes)

    def _shoot(self, name: str, said: str, grab: Callable[[], QPixmap] | None = None) -> None:
        until = time.monotonic() + SETTLE_S
        self._until(lambda: time.monotonic() > until and not self.model.busy)
        self.steps += 1
        path = self.out / f"walk-{self.steps}-{name}.png"
        picture = (grab or self.window.grab)()
        if picture.width() > WIDEST:
            picture = picture.scaledToWidth(WIDEST, Qt.TransformationMode.SmoothTransformation)
        _check(picture.save(str(path)), f"{path} was not written")
        sys.stdout.write(f"{path.name}: {said}\n")
        sys.stdout.flush()

    def _until(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not ready():
            QCoreApplication.processEvents()
            time.sleep(0.005)
            _check(time.monotonic() < deadline, "the panel did not get ready in time")


def _click(widget: QWidget) -> None:
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)  # type: ignore[call-overload]


def _press(widget: QWidget, key: Qt.Key) -> None:
    QTest.keyClick(widget, key)  # type: ignore[call-overload]


def _cues(timeline: Path) -> str:
    return ", ".join(f"{cue.name} at {float(cue.record_start):.3f} s" for cue in read_timeline(timeline).cues)


def _check(fine: bool, otherwise: str) -> None:
    if not fine:
        sys.exit(f"Failed: {otherwise}.")


def main(out: Path, video: Path | None) -> None:
    """Walk through all of it in a folder of its own."""
    app = QApplication(sys.argv[:1])
    dress(app)
    out.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(f"{app.platformName()}\n")
    with tempfile.TemporaryDirectory() as scratch:
        film = Path(scratch) / (video.name if video is not None else "dancer.mp4")
        if video is not None:
            shutil.copyfile(video, film)
        else:
            render_dancer(film, seconds=8, seed=7, shots=2)
        Walk(out, Path(scratch), film).all()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
