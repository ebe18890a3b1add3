"""Draws the pictures of the documentation: the panel with the drawn dancer, scored for real.

Run by `make docs-pictures`. Needs the starter bundle and the extra `plugin`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt6.QtCore import QCoreApplication
from PyQt6.QtWidgets import QApplication

from hitpoint.demo.dancer import render_dancer
from hitpoint_plugin.model.panel import PanelModel
from hitpoint_plugin.view.theme import dress
from hitpoint_plugin.view.window import Window

PATIENCE_S = 1200
SETTLE_S = 1.5


def main(folder: Path) -> None:
    """Write panel-wide.png and panel-narrow.png."""
    app = QApplication(sys.argv[:1])
    dress(app)
    with tempfile.TemporaryDirectory() as scratch:
        film = Path(scratch) / "dancer.mp4"
        render_dancer(film, seconds=12, seed=7, shots=3)
        window = Window(PanelModel(Path(scratch) / "state"))
        window.resize(1400, 900)
        window.show()
        _score(window, film)
        _shoot(window, folder / "panel-wide.png")
        window.resize(370, 860)
        window.tabs.setCurrentIndex(2)
        _shoot(window, folder / "panel-narrow.png")
        window.close()


def _score(window: Window, film: Path) -> None:
    """Two takes, a drawn intensity and a marked region, as somebody at work would have them."""
    model = window.model
    model.store.failed.connect(lambda failure: sys.exit(f"{failure.what} {failure.todo}\n{failure.details}"))
    window.open(film)
    _wait(lambda: bool(model.store.current) and not model.busy)
    model.studio.generate()
    _wait(lambda: len(model.store.work().takes) == model.store.controls.takes and not model.busy)
    window.stage.player.pause()
    model.studio.jobs.clear()
    for moment, level in ((1.0, 0.3), (8.0, 0.85)):
        model.editor.bend(-1, moment, level)
    model.editor.mark(4.0, 8.0)
    _wait(lambda: not model.busy)
    model.editor.select(2)
    window.stage.player.seek(model.store.work().sheet.hits[2].time)


def _shoot(window: Window, out: Path) -> None:
    until = time.monotonic() + SETTLE_S
    _wait(lambda: time.monotonic() > until and not window.model.busy)
    window.grab().save(str(out))
    sys.stdout.write(f"{out} ({out.stat().st_size // 1000} kB)\n")


def _wait(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not ready():
        QCoreApplication.processEvents()
        time.sleep(0.005)
        if time.monotonic() > deadline:
            sys.exit("The panel did not get ready in time.")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures"))
