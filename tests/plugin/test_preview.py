"""The preview follows a cue over its clips, gaps and odd speeds, and shows the right picture for each."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from PyQt6.QtMultimedia import QVideoFrame
from qt_patience import PATIENCE_MS
from timelines import clip, gap, make_video, span, timeline, write

from hitpoint.values import ClipInfo, MediaRange, Piece
from hitpoint_plugin.model.lines import FIRST_LINE
from hitpoint_plugin.model.panel import STRIP, PanelModel
from hitpoint_plugin.model.player import Player
from hitpoint_plugin.tasks import PictureSet

RATE = Fraction(10)
"""Of the films: frame n has the brightness 16 + 8 n, so 0 to 0.8 s is dark and 1.4 to 2.2 s is bright."""


class Seen:
    """What a player has shown: brightness by brightness, -1 for nothing."""

    def __init__(self, player: Player) -> None:
        self.all: list[int] = []
        player.framed.connect(self._framed)
        player.blanked.connect(lambda _why: self.all.append(-1))

    def _framed(self, frame: QVideoFrame) -> None:
        self.all.append(frame.toImage().pixelColor(10, 10).red())

    def changes(self) -> list[str]:
        """Dark, bright or nothing, each change once."""
        words = ["nothing" if level < 0 else "dark" if level < 100 else "bright" for level in self.all]
        return [word for before, word in zip(["", *words], words, strict=False) if word != before]


@pytest.fixture
def player(qapp: object) -> Iterator[Player]:
    made = Player()
    yield made
    made.stop()


def film(path: Path) -> Path:
    return make_video(path, 26, RATE)


def pieces(*wanted: tuple[Path | None, float, float, int]) -> tuple[Piece, ...]:
    """(file or nothing, second of the file, length, speed), end to end."""
    made: list[Piece] = []
    for path, start, length, speed in wanted:
        at = made[-1].start + made[-1].duration if made else Fraction(0)
        lasts = Fraction(length).limit_denominator(100)
        begins = Fraction(start).limit_denominator(100)
        media = MediaRange(path, begins, lasts, Fraction(speed)) if path is not None else None
        made.append(Piece(at, lasts, media=media))
    return tuple(made)


def test_every_piece_is_shown_in_turn(player: Player, qtbot, tmp_path: Path) -> None:
    """A jump within a file, a gap, another file, a freeze frame."""
    one, other, seen = film(tmp_path / "a.mp4"), film(tmp_path / "b.mp4"), Seen(player)
    player.set_pieces(
        pieces(
            (one, 0, 0.8, 1), (one, 1.4, 0.8, 1), (None, 0, 0.5, 1), (other, 0, 0.8, 1), (one, 2.0, 0.5, 0)
        )
    )
    assert player.duration == pytest.approx(3.4)
    qtbot.waitUntil(lambda: bool(seen.all), timeout=PATIENCE_MS)
    player.play()
    qtbot.waitUntil(lambda: not player.playing, timeout=PATIENCE_MS)
    assert seen.changes() == ["dark", "bright", "nothing", "dark", "bright"]
    assert player.position() == pytest.approx(3.4, abs=0.1)
    player.play()  # again, from the beginning
    qtbot.waitUntil(lambda: not player.playing, timeout=PATIENCE_MS)
    assert seen.changes() == ["dark", "bright", "nothing", "dark", "bright"] * 2


def test_what_runs_backwards_is_shown_backwards(player: Player, qtbot, tmp_path: Path) -> None:
    seen = Seen(player)
    player.set_pieces(pieces((film(tmp_path / "a.mp4"), 2.2, 1.8, -1)))
    qtbot.waitUntil(lambda: bool(seen.all), timeout=PATIENCE_MS)
    player.play()
    qtbot.waitUntil(lambda: not player.playing, timeout=PATIENCE_MS)
    assert seen.all == sorted(seen.all, reverse=True)
    assert seen.all[0] > 160
    assert seen.all[-1] < 100


def test_a_seek_shows_the_frame_of_that_time(player: Player, qtbot, tmp_path: Path) -> None:
    one, other, seen = film(tmp_path / "a.mp4"), film(tmp_path / "b.mp4"), Seen(player)
    player.set_pieces(pieces((one, 0, 0.8, 1), (None, 0, 0.5, 1), (other, 1.4, 0.8, 1)))
    for time, level in ((1.65, 16 + 8 * 17), (0.45, 16 + 8 * 4), (1.0, -1), (2.05, 16 + 8 * 21), (0.05, 16)):
        player.seek(time)
        assert player.position() == time
        qtbot.waitUntil(
            lambda level=level: bool(seen.all) and abs(seen.all[-1] - level) <= 3, timeout=PATIENCE_MS
        )
    assert not player.playing


def test_a_line_of_clips_shows_all_of_them(qapp: object, model: PanelModel, qtbot, tmp_path: Path) -> None:
    one, other = film(tmp_path / "a.mp4"), film(tmp_path / "b.mp4")
    dark = clip("Dark", str(one), span(0, 8, 10), span(0, 26, 10))
    bright = clip("Bright", str(other), span(14, 8, 10), span(0, 26, 10))
    path = write(timeline([[dark, gap(4, 10), bright]]), tmp_path / "edit.otio")
    found: list[tuple[Piece, ...]] = []
    strips: list[PictureSet] = []
    model.pieces_changed.connect(found.append)
    model.strip_changed.connect(strips.append)
    model.open(path)
    qtbot.waitUntil(lambda: model.store.current == 1 and not model.busy, timeout=PATIENCE_MS)
    assert [piece.media.path for piece in found[-1]] == [one]
    assert model.store.add_line((1, 2)) == FIRST_LINE
    qtbot.waitUntil(lambda: not model.busy, timeout=PATIENCE_MS)
    assert [(float(piece.start), piece.clip and _name(piece.clip)) for piece in found[-1]] == [
        (0.0, "Dark"), (0.8, None), (1.2, "Bright"),
    ]  # fmt: skip
    levels = [_level(jpeg) for jpeg in strips[-1].jpegs]
    assert len(levels) == STRIP
    assert [level < 100 for level in levels[:4]] == [True] * 4
    assert levels[5:6] == [-1]
    assert [level > 100 for level in levels[-4:]] == [True] * 4
    model.store.set_current(1)
    model.store.set_current(FIRST_LINE)  # known now
    assert len(found[-1]) == 3
    assert strips[-1].jpegs[-1]


def _name(clip: ClipInfo) -> str:
    return clip.name


def _level(jpeg: str) -> int:
    if not jpeg:
        return -1
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(jpeg), np.uint8), cv2.IMREAD_GRAYSCALE)
    return int(picture.mean())
