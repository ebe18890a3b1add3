"""The whole model: two workers, the store, and what acts on it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from hitpoint.values import MediaRange, Piece, TimelineInfo
from hitpoint_plugin.connect.bridge import Bridge
from hitpoint_plugin.lane import Lane
from hitpoint_plugin.log import LOG, start_log
from hitpoint_plugin.model.editor import Editor
from hitpoint_plugin.model.placing import Placing
from hitpoint_plugin.model.presets import load_presets, save_presets
from hitpoint_plugin.model.session import SessionFile
from hitpoint_plugin.model.state import Session
from hitpoint_plugin.model.store import Store
from hitpoint_plugin.model.studio import Studio
from hitpoint_plugin.tasks import Line, LineOf, Open, Pictures, PictureSet, Waveform, WaveformOf

STRIP = 12  # pictures over the score view


class PanelModel(QObject):
    """One lane for moments, one for minutes, so that a clip list never waits for a render."""

    clip_pictured = pyqtSignal(int, str)  # clip, JPEG as base64
    strip_changed = pyqtSignal(object)  # PictureSet
    pieces_changed = pyqtSignal(object)  # what the current clip or line shows: Pieces, end to end
    waveform_changed = pyqtSignal(object)  # Waveform or None

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store = Store(self)
        self.quick, self.heavy = Lane(self), Lane(self)
        self.studio = Studio(self.store, self.heavy, folder / "takes", self)
        self.editor = Editor(self.store, self.quick, self)
        self.placing = Placing(self.store, self.quick, folder / "attic", self)
        self.bridge = Bridge(folder, self.store, self.placing, self)
        self.bridge.opened.connect(self.open)
        self._file = SessionFile(folder, self)
        self._file.failed.connect(self.store.fail)
        self._presets = folder / "presets.json"
        self.log = start_log(folder)
        self.store.failed.connect(lambda why: LOG.error("%s %s\n%s", why.what, why.todo, why.details))
        self.store.said.connect(LOG.info)
        for lane in (self.quick, self.heavy):
            lane.said.connect(lambda text: LOG.warning("engine: %s", text.rstrip()))
        self._strips: dict[int, PictureSet] = {}
        self._lines: dict[int, Line] = {}
        self._restoring: Session | None = None
        for signal in (self.store.work_changed, self.store.takes_changed):
            signal.connect(lambda _clip: self._keep())
        for changed in (self.store.controls_changed, self.store.lines_changed, self.store.current_changed):
            changed.connect(self._keep)
        self.store.presets_changed.connect(self._keep_presets)
        self.store.current_changed.connect(self._show_current)
        self.store.takes_changed.connect(self._takes_changed)

    def open(self, path: Path) -> None:
        """Open a timeline or a video."""
        self.quick.submit(Open(path, self.store.controls.media_root), self._opened, self.store.fail)

    def find_media(self, folder: Path) -> None:
        """Look for media that has moved in `folder`, and open the timeline again with what is found."""
        self.store.set_controls(replace(self.store.controls, media_root=folder))
        if self.store.timeline is not None:
            self.open(self.store.timeline.path)

    def resume(self) -> None:
        """Bring back the last session."""
        presets, failure = load_presets(self._presets)
        self.store.set_presets(presets)
        if failure is not None:
            self.store.fail(failure)
        session = self._file.load()
        self.store.set_controls(session.controls)
        if session.source is not None and session.source.exists():
            self._restoring = session
            self.open(session.source)

    def close(self) -> None:
        """Keep the session and end the workers."""
        self._file.save_soon(self.store.session())
        self._file.flush()
        self.bridge.close()
        self.quick.close()
        self.heavy.close()

    @property
    def busy(self) -> bool:
        """Whether any work is under way."""
        return self.quick.busy or self.heavy.busy

    def _opened(self, timeline: TimelineInfo) -> None:
        self._strips, self._lines = {}, {}
        self.store.set_timeline(timeline)
        session, self._restoring = self._restoring, None
        if session is not None:
            self.store.restore(session)
        for clip in timeline.clips:
            if clip.media is not None:
                self._picture(clip.index, clip.media)
        if not self.store.current:
            everyone = [clip.index for clip in timeline.clips]
            online = [clip.index for clip in timeline.clips if clip.media is not None]
            self.store.set_current(next(iter(online or everyone), 0))

    def _picture(self, index: int, media: MediaRange) -> None:
        def pictured(pictures: PictureSet) -> None:
            if pictures.jpegs[0]:
                self.clip_pictured.emit(index, pictures.jpegs[0])

        self.quick.submit(Pictures(media), pictured)

    def _show_current(self) -> None:
        self._takes_changed(self.store.current)
        index, clip = self.store.current, self.store.clip(self.store.current)
        if self.store.line(index):
            self._show_line(index)
            return
        known = self._strips.get(index, PictureSet(()))
        self.strip_changed.emit(known)
        self.pieces_changed.emit(
            () if clip is None else (Piece(Fraction(0), clip.duration, clip, clip.media),)
        )
        if clip is None or clip.media is None or known.jpegs:
            return

        def fetched(pictures: PictureSet) -> None:
            self._strips[index] = pictures
            if self.store.current == index:
                self.strip_changed.emit(pictures)

        self.quick.submit(Pictures(clip.media, STRIP), fetched)

    def _show_line(self, index: int) -> None:
        known = self._lines.get(index)
        if known is not None:
            self.strip_changed.emit(known.pictures)
            self.pieces_changed.emit(known.pieces)
            return
        self.strip_changed.emit(PictureSet(()))
        self.pieces_changed.emit(())

        def seen(line: Line) -> None:
            self._lines[index] = line
            self.clip_pictured.emit(index, next(filter(None, line.pictures.jpegs), ""))
            if self.store.current == index:
                self._show_line(index)

        if self.store.timeline is not None:
            task = LineOf(self.store.timeline, self.store.line(index), STRIP)
            self.quick.submit(task, seen, self.store.fail)

    def _takes_changed(self, index: int) -> None:
        if index != self.store.current:
            return
        take = self.store.work().take
        if take is None:
            self.waveform_changed.emit(None)
            return

        def measured(waveform: Waveform) -> None:
            if self.store.work().take is take:
                self.waveform_changed.emit(waveform)

        self.quick.submit(WaveformOf(take.asset.path, Fraction(take.lead)), measured, self.store.fail)

    def _keep_presets(self) -> None:
        failure = save_presets(self._presets, self.store.presets)
        if failure is not None:
            self.store.fail(failure)

    def _keep(self) -> None:
        if self.store.timeline is not None:
            self._file.save_soon(self.store.session())
