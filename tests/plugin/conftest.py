"""The panel's tests run without a screen, and skip where Qt is not installed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip("PyQt6.QtWidgets", reason="PyQt6 is not installed: pip install 'hitpoint[plugin]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install 'hitpoint[dev]'")

from timelines import clip, gap, span, timeline, write
from toy_bundle import write_bundle

from hitpoint.demo.dancer import render_dancer
from hitpoint_plugin.model.panel import PanelModel
from hitpoint_plugin.view.theme import dress
from hitpoint_plugin.view.window import Window


@pytest.fixture(scope="session")
def dancer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of the drawn dancer."""
    path = tmp_path_factory.mktemp("dancer") / "dancer.mp4"
    render_dancer(path, seconds=3, size=(320, 180), seed=7)
    return path


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that makes a burst of noise at every accent."""
    return write_bundle(tmp_path_factory.mktemp("bundles") / "toy")


@pytest.fixture
def edit(dancer: Path, tmp_path: Path) -> Path:
    """A timeline with the dancer after a second of nothing, and a clip whose file is gone."""
    shown = clip("Dancer", str(dancer), span(0, 75), span(0, 75))
    lost = clip("Lost", str(tmp_path / "gone.mp4"), span(0, 50), span(0, 50))
    return write(timeline([[gap(25), shown, lost]]), tmp_path / "edit.otio")


@pytest.fixture
def model(qapp: object, tmp_path: Path) -> Iterator[PanelModel]:
    """A model with workers of its own."""
    made = PanelModel(tmp_path / "state")
    yield made
    made.close()


@pytest.fixture
def window(qapp: object, qtbot: object, tmp_path: Path) -> Iterator[Window]:
    """The whole panel."""
    from PyQt6.QtWidgets import QApplication

    app = QApplication.instance()
    assert isinstance(app, QApplication)
    dress(app)
    made = Window(PanelModel(tmp_path / "state"))
    made.resize(1200, 800)
    made.show()
    yield made
    made.close()
    made.deleteLater()
