"""`hitpoint panel`, also as `python -m hitpoint_plugin`: the window, or a picture of it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from PyQt6.QtCore import QLoggingCategory, QSettings, QSize
from PyQt6.QtWidgets import QApplication

from hitpoint_plugin.model.panel import PanelModel
from hitpoint_plugin.model.session import state_folder
from hitpoint_plugin.timers import timer
from hitpoint_plugin.view.theme import dress
from hitpoint_plugin.view.window import Window

_SETTLED_MS = 400
"""After the last task the picture gets so long to reach the screen."""


def main(arguments: list[str] | None = None) -> int:
    """Parse, show, run; returns the exit code."""
    options = _parse(arguments)
    if options.screenshot is not None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Hitpoint")
    app.setDesktopFileName("hitpoint")
    QLoggingCategory.setFilterRules("qt.multimedia.*=false\nqt.multimedia.*.critical=true")
    dress(app)
    signal.signal(signal.SIGINT, lambda *_: app.quit())
    settings = QSettings("hitpoint", "panel") if options.screenshot is None else None
    model = PanelModel(options.state)
    window = Window(model, settings)
    if options.size is not None:
        window.resize(options.size)
    if options.source is not None:
        window.open(options.source.absolute())
    elif options.screenshot is None:
        model.resume()
    window.show()
    timer(window, 200, lambda: None).start()  # lets Python see Ctrl-C while Qt waits
    if options.screenshot is not None:
        _picture_when_idle(app, window, options.screenshot)
    code = app.exec()
    window.close()
    return code


def _picture_when_idle(app: QApplication, window: Window, out: Path) -> None:
    """Save what the window looks like once nothing is under way any more, and leave."""

    def save() -> None:
        if window.model.busy:
            return
        saved = window.grab().save(str(out))
        app.exit(0 if saved else 1)

    timer(window, _SETTLED_MS, save).start()


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hitpoint panel", description="The window of Hitpoint.")
    parser.add_argument("source", nargs="?", type=Path, help="a timeline or a video")
    parser.add_argument("--screenshot", type=Path, metavar="FILE", help="draw the loaded window into a PNG")
    parser.add_argument("--size", type=_size, metavar="WxH", help="of the window in pixels")
    parser.add_argument("--state", type=Path, default=state_folder(), help="where the session is kept")
    return parser.parse_args(arguments)


def _size(text: str) -> QSize:
    wide, _, high = text.partition("x")
    return QSize(int(wide), int(high))


if __name__ == "__main__":
    raise SystemExit(main())
