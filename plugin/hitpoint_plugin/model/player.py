"""Plays what a cue shows, piece after piece, and a take with it. The picture leads, the music follows it.

Two reels take turns: while one plays, the other has loaded what comes next and waits at its first frame, so
that a cut costs no time. Where there is no picture (a gap, a clip that is offline) a clock leads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PyQt6.QtCore import QElapsedTimer, QObject, QUrl, pyqtSignal
from PyQt6.QtMultimedia import QAudioOutput, QMediaDevices, QMediaPlayer, QVideoFrame

from hitpoint.values import Piece
from hitpoint_plugin.model.reel import Reel
from hitpoint_plugin.tasks import Take
from hitpoint_plugin.timers import timer

SLACK_MS = 60
"""The players report their positions in steps; music further off than this is set right."""
_TICK_MS = 33
_REVERSED_FPS = 8  # of a clip that runs backwards; each frame is sought
Sound = Literal["music", "original", "both"]


class Player(QObject):
    """Times are seconds of the cue. Without an audio device the picture plays all the same."""

    moved = pyqtSignal(float)
    playing_changed = pyqtSignal(bool)
    framed = pyqtSignal(QVideoFrame)
    blanked = pyqtSignal(str)  # nothing to be seen from here on, and why if there is a reason
    failed = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.loop = False
        self.sound: Sound = "music"
        self._pieces: tuple[Piece, ...] = ()
        self._number = -1  # of the piece that is shown
        self._at = 0.0  # where it is, or was when the clock was started
        self._clock = QElapsedTimer()
        self._lead, self._has_music = 0.0, False
        self._screen, self._spare = Reel(self), Reel(self)
        for reel in (self._screen, self._spare):
            reel.framed.connect(lambda frame, reel=reel: self._came(reel, frame))
            reel.failed.connect(self.failed)
        self._music = QMediaPlayer(self)
        self._output = QAudioOutput(self) if QMediaDevices.audioOutputs() else None
        if self._output is not None:
            self._music.setAudioOutput(self._output)
        self._timer = timer(self, _TICK_MS, self._tick)
        self.set_sound(self.sound)

    @property
    def has_device(self) -> bool:
        """Whether anything can be heard."""
        return self._output is not None

    @property
    def playing(self) -> bool:
        """Whether time runs."""
        return self._timer.isActive()

    @property
    def duration(self) -> float:
        """Of the cue."""
        return float(self._pieces[-1].start + self._pieces[-1].duration) if self._pieces else 0.0

    def set_pieces(self, pieces: Sequence[Piece]) -> None:
        """Another cue, at its beginning; its pieces lie end to end from 0."""
        self.pause()
        self._pieces, self._number, self._at = tuple(pieces), -1, 0.0
        if not pieces:
            self._screen.drop()
        if len(pieces) < 2:
            self._spare.drop()
        self.seek(0.0)

    def set_take(self, take: Take | None) -> None:
        """Another music, from where the picture is."""
        self._has_music = take is not None
        self._lead = float(take.lead) if take is not None else 0.0
        self._music.setSource(QUrl.fromLocalFile(str(take.asset.path)) if take is not None else QUrl())
        self._set_music(self.position())

    def set_sound(self, sound: Sound) -> None:
        """What is heard: the music, the clip's own sound, or both."""
        self.sound = sound
        for reel in (self._screen, self._spare):
            reel.set_volume({"music": 0.0, "original": 1.0, "both": 0.6}[sound])
        if self._output is not None:
            self._output.setVolume(0.0 if sound == "original" else 1.0)

    def position(self) -> float:
        """Where it is."""
        if not self.playing or self._waits():
            return self._at
        if self._piece_has_media() and self._screen.leads:
            return self._screen.time()
        return min(self.duration, self._at + self._clock.elapsed() / 1000)

    def seek(self, time: float) -> None:
        """Go to a time of the cue."""
        if not self._pieces:
            return
        self._set_clock(min(max(0.0, time), max(0.0, self.duration - 0.001)))
        starts = [number for number, piece in enumerate(self._pieces) if piece.start <= self._at + 1e-9]
        self._enter(starts[-1] if starts else 0)
        self._set_music(self._at)
        self.moved.emit(self._at)

    def play(self) -> None:
        """From here on; from the beginning if the end is reached."""
        if not self._pieces:
            return
        if self._at >= self.duration - 0.06:
            self.seek(0.0)
        self._set_clock(self._at)
        self._timer.start()
        if self._piece_has_media():
            self._screen.run()
        self._set_music(self._at)
        self.playing_changed.emit(True)

    def pause(self) -> None:
        """Stay here."""
        was, self._at = self.playing, self.position()
        self._timer.stop()
        self._screen.rest()
        self._music.pause()
        if was:
            self.playing_changed.emit(False)

    def toggle(self) -> None:
        """Play or pause."""
        if self.playing:
            self.pause()
        else:
            self.play()

    def stop(self) -> None:
        """Let go of the files."""
        self.pause()
        for reel in (self._screen, self._spare):
            reel.drop()
        self._music.setSource(QUrl())

    def _enter(self, number: int) -> None:
        """Show the piece of that number from where the clock is; the spare reel gets the one after it."""
        piece, self._number = self._pieces[number], number
        if piece.media is None:
            self._screen.rest()
            self.blanked.emit(piece.clip.offline if piece.clip is not None else "")
            return
        if self._spare.piece is piece and self._screen.piece is not piece:
            self._screen, self._spare = self._spare, self._screen
            self._spare.rest()
            self._came(self._screen, self._screen.frame())
        self._screen.show(piece, self._at, run=self.playing)
        following = next((p for p in self._pieces[number + 1 :] if p.media is not None), None)
        if following is not None and self._spare.piece is not following:
            self._spare.show(following, float(following.start), run=False)

    def _came(self, reel: Reel, frame: QVideoFrame) -> None:
        shown = self._pieces[self._number] if self._number >= 0 else None
        if reel is self._screen and reel.piece is shown and frame.isValid():
            self.framed.emit(frame)

    def _tick(self) -> None:
        time, before = self.position(), self._at
        self._set_clock(time)
        self.moved.emit(time)
        piece = self._pieces[self._number]
        if time >= self.duration - 0.03:
            if self.loop:
                self.seek(0.0)
            else:
                self.pause()
        elif time >= piece.start + piece.duration - _TICK_MS / 2000 and piece is not self._pieces[-1]:
            self._set_clock(float(piece.start + piece.duration))
            self._enter(self._number + 1)
        elif _reversed(piece) and int(time * _REVERSED_FPS) != int(before * _REVERSED_FPS):
            self._screen.show(piece, time, run=False)
        self._follow()

    def _follow(self) -> None:
        """The music where the picture is, and still while that is not there yet."""
        if not self._has_music or not self.playing:
            return
        if self._waits():
            self._music.pause()
        elif self._music.playbackState() != QMediaPlayer.PlaybackState.PlayingState:
            self._set_music(self._at)
        elif abs(self._music.position() - (self._at + self._lead) * 1000) > SLACK_MS:
            self._music.setPosition(round((self._at + self._lead) * 1000))

    def _set_music(self, time: float) -> None:
        if self._has_music:
            self._music.setPosition(round((time + self._lead) * 1000))
            if self.playing and not self._waits():
                self._music.play()

    def _set_clock(self, time: float) -> None:
        self._at = time
        self._clock.start()

    def _piece_has_media(self) -> bool:
        return self._number >= 0 and self._pieces[self._number].media is not None

    def _waits(self) -> bool:
        return self._piece_has_media() and self._screen.loading


def _reversed(piece: Piece) -> bool:
    return piece.media is not None and piece.media.speed < 0
