"""Plays a stretch of video and a take together. Two players: the picture leads, the music follows it."""

from __future__ import annotations

from typing import Literal

from PyQt6.QtCore import QObject, QUrl, pyqtSignal
from PyQt6.QtMultimedia import QAudioOutput, QMediaDevices, QMediaPlayer, QVideoSink

from hitpoint.values import MediaRange
from hitpoint_plugin.tasks import Take
from hitpoint_plugin.timers import timer

SLACK_MS = 60
"""The players report their positions in steps; music further off than this is set right."""
_TICK_MS = 33
Sound = Literal["music", "original", "both"]


class Player(QObject):
    """Times are seconds of the clip. Without an audio device the picture plays all the same."""

    moved = pyqtSignal(float)
    playing_changed = pyqtSignal(bool)
    failed = pyqtSignal(str)

    def __init__(self, sink: QVideoSink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.loop = False
        self.sound: Sound = "music"
        self._media: MediaRange | None = None
        self._lead = 0.0
        self._has_music = False
        self._wanted: float | None = None  # a time to go to once the file is loaded
        self._video, self._music = QMediaPlayer(self), QMediaPlayer(self)
        self._video.setVideoSink(sink)
        self._outputs: tuple[QAudioOutput, ...] = ()
        if QMediaDevices.audioOutputs():
            self._outputs = (QAudioOutput(self), QAudioOutput(self))
            self._video.setAudioOutput(self._outputs[0])
            self._music.setAudioOutput(self._outputs[1])
        self._timer = timer(self, _TICK_MS, self._tick)
        self._video.mediaStatusChanged.connect(self._status)
        self._video.errorOccurred.connect(lambda _error, text: self.failed.emit(text))
        self.set_sound(self.sound)

    @property
    def has_device(self) -> bool:
        """Whether anything can be heard."""
        return bool(self._outputs)

    @property
    def playing(self) -> bool:
        """Whether the picture runs."""
        return self._timer.isActive()

    @property
    def duration(self) -> float:
        """Of the clip."""
        return float(self._media.duration) if self._media is not None else 0.0

    def set_media(self, media: MediaRange | None) -> None:
        """Another clip, at its beginning."""
        self.pause()
        self._media = media
        self._wanted = 0.0
        self._video.setSource(QUrl.fromLocalFile(str(media.path)) if media is not None else QUrl())
        if media is not None:
            self._video.setPlaybackRate(max(0.1, abs(float(media.speed))))

    def set_take(self, take: Take | None) -> None:
        """Another music, from where the picture is."""
        self._has_music = take is not None
        self._lead = float(take.lead) if take is not None else 0.0
        at = self.position()
        self._music.setSource(QUrl.fromLocalFile(str(take.asset.path)) if take is not None else QUrl())
        if take is not None:
            self._music.setPosition(round((at + self._lead) * 1000))
            if self.playing:
                self._music.play()

    def set_sound(self, sound: Sound) -> None:
        """What is heard: the music, the clip's own sound, or both."""
        self.sound = sound
        if self._outputs:
            self._outputs[0].setVolume({"music": 0.0, "original": 1.0, "both": 0.6}[sound])
            self._outputs[1].setVolume(0.0 if sound == "original" else 1.0)

    def position(self) -> float:
        """Where the picture is."""
        if self._media is None:
            return 0.0
        if self._wanted is not None:
            return self._wanted
        speed = float(self._media.speed) or 1.0
        return min(
            self.duration, max(0.0, (self._video.position() / 1000 - float(self._media.start)) / speed)
        )

    def seek(self, time: float) -> None:
        """Go to a time of the clip."""
        if self._media is None:
            return
        time = min(max(0.0, time), max(0.0, self.duration - 0.001))
        self._wanted = time
        if self._video.mediaStatus() not in (
            QMediaPlayer.MediaStatus.LoadingMedia,
            QMediaPlayer.MediaStatus.NoMedia,
        ):
            self._go()
        self.moved.emit(time)

    def play(self) -> None:
        """From here on; from the beginning if the end is reached."""
        if self._media is None:
            return
        if self.position() >= self.duration - 0.06:
            self.seek(0.0)
        self._video.play()
        if self._has_music:
            self._music.setPosition(round((self.position() + self._lead) * 1000))
            self._music.play()
        self._timer.start()
        self.playing_changed.emit(True)

    def pause(self) -> None:
        """Stay here."""
        was = self.playing
        self._timer.stop()
        self._video.pause()
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
        self._video.setSource(QUrl())
        self._music.setSource(QUrl())

    def _go(self) -> None:
        if self._media is None or self._wanted is None:
            return
        time, self._wanted = self._wanted, None
        file_time = float(self._media.start) + time * float(self._media.speed)
        self._video.setPosition(round(file_time * 1000))
        if self._video.playbackState() == QMediaPlayer.PlaybackState.StoppedState:
            self._video.pause()  # a stopped player shows no frame
        if self._has_music:
            self._music.setPosition(round((time + self._lead) * 1000))

    def _status(self, status: QMediaPlayer.MediaStatus) -> None:
        loaded = QMediaPlayer.MediaStatus.LoadedMedia
        if status in (loaded, QMediaPlayer.MediaStatus.BufferedMedia) and self._wanted is not None:
            self._go()

    def _tick(self) -> None:
        time = self.position()
        self.moved.emit(time)
        ended = self._video.mediaStatus() == QMediaPlayer.MediaStatus.EndOfMedia
        if time >= self.duration - 0.03 or ended:
            if self.loop:
                self.seek(0.0)
                self.play()
            else:
                self.pause()
        elif self._has_music:
            wanted = (time + self._lead) * 1000
            if abs(self._music.position() - wanted) > SLACK_MS:
                self._music.setPosition(round(wanted))
