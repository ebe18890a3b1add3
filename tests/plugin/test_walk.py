"""The whole panel in a real window (Xvfb), with the real engine and a real clip; nothing of it is kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PyQt6.QtGui import QImage
from timelines import MEDIA, needs_media

SCRIPT = Path(__file__).parents[2] / "packaging" / "walkthrough.py"
FILM = MEDIA / "video" / "v01_aist_pop_solo_gtmusic.mp4"
STEPS = ("open", "scored", "moved", "scored-again", "compared", "placed", "asked", "undone", "remade")


@needs_media
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="Xvfb is not installed: apt-get install xvfb")
def test_open_score_move_score_again_compare_place_undo_remake(tmp_path: Path) -> None:
    command = ["xvfb-run", "-a", "-s", "-screen 0 1400x900x24", sys.executable, str(SCRIPT), str(tmp_path)]
    surroundings = os.environ | {"QT_QPA_PLATFORM": "xcb"}
    done = subprocess.run([*command, str(FILM)], capture_output=True, text=True, env=surroundings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("xcb\n")  # a window, not the offscreen stand-in
    pictures = [QImage(str(tmp_path / f"walk-{n}-{name}.png")) for n, name in enumerate(STEPS, 1)]
    assert all(not picture.isNull() for picture in pictures)
    assert len({picture.width() for picture in pictures[:6]}) == 1
