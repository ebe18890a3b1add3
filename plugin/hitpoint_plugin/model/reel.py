"""One file of the preview: it loads, waits at a frame, plays."""

from __future__ import annotations

from PyQt6.QtCore import QObject, QUrl, pyqtSignal
from PyQt6.QtMultimedia import QAudioOutput, QMediaDevices, QMediaPlayer, QVideoFrame, QVideoSink

from hitpoint.values import MediaRange, Piece

_Status = QMediaPlayer.MediaStatus
_READY = (
    _Status.LoadedMedia,
    _Status.BufferedMedia,
    _Status.BufferingMedia,
    _Status.StalledMedia,
    _Status.EndOfMedia,
)


class Reel(QObject):
    """Times are seconds of the cue. What is frozen or reversed is shown and not played."""

    framed = pyqtSignal(QVideoFrame)
    failed = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.piece: Piece | None = None
        self._time, self._running, self._stale = 0.0, False, False
        self._player, self._sink = QMediaPlayer(self), QVideoSink(self)
        self._player.setVideoSink(self._sink)
        self._output = QAudioOutput(self) if QMediaDevices.audioOutputs() else None
        if self._output is not None:
            self._player.setAudioOutput(self._output)
        self._sink.videoFrameChanged.connect(self.framed)
        self._player.mediaStatusChanged.connect(self._status)
        self._player.errorOccurred.connect(lambda _error, text: self.failed.emit(text))

    @property
    def loading(self) -> bool:
        """Whether it cannot show anything yet."""
        return self._player.mediaStatus() == _Status.LoadingMedia

    @property
    def leads(self) -> bool:
        """Whether its frames run, so that `time` says where the cue is."""
        playing = self._player.playbackState() == QMediaPlayer.PlaybackState.PlayingState
        return self._running and playing and not self._stale

    def set_volume(self, volume: float) -> None:
        """Of the file's own sound, 0 to 1."""
        if self._output is not None:
            self._output.setVolume(volume)

    def frame(self) -> QVideoFrame:
        """The one that it shows now."""
        return self._sink.videoFrame()

    def time(self) -> float:
        """Where it is."""
        if self.piece is None or self.piece.media is None:
            return self._time
        media, start = self.piece.media, float(self.piece.start)
        shown = (self._player.position() / 1000 - float(media.start)) / (float(media.speed) or 1.0)
        return start + min(float(self.piece.duration), max(0.0, shown))

    def show(self, piece: Piece, time: float, *, run: bool) -> None:
        """Go to a time of a piece that has media, and on from there if `run`."""
        media = piece.media
        if media is None:
            return
        waits_there = self.piece is piece and self._time == time and not self._running
        if self.piece is None or self.piece.media is None or self.piece.media.path != media.path:
            self._player.setSource(QUrl.fromLocalFile(str(media.path)))
            self._stale = True
        self.piece, self._time, self._running = piece, time, run
        self._stale = self._stale or not waits_there
        if self._player.mediaStatus() in _READY:
            self._go(media)

    def run(self) -> None:
        """On from here."""
        if self.piece is not None and not self._running:
            self.show(self.piece, self._time, run=True)

    def rest(self) -> None:
        """Stay here."""
        if self._running and not self._stale:
            self._time = self.time()
        self._running = False
        self._player.pause()

    def drop(self) -> None:
        """Let go of the file."""
        self.piece, self._running = None, False
        self._player.setSource(QUrl())

    def _go(self, media: MediaRange) -> None:
        if self._stale and self.piece is not None:
            self._stale = False
            within = self._time - float(self.piece.start)
            self._player.setPlaybackRate(float(media.speed) if media.speed > 0 else 1.0)
            self._player.setPosition(round((float(media.start) + within * float(media.speed)) * 1000))
        if self._running and media.speed > 0:
            self._player.play()
        else:
            self._player.pause()  # a stopped player shows no frame

    def _status(self, status: QMediaPlayer.MediaStatus) -> None:
        loaded = status in (_Status.LoadedMedia, _Status.BufferedMedia)
        if loaded and self._stale and self.piece is not None and self.piece.media is not None:
            self._go(self.piece.media)
