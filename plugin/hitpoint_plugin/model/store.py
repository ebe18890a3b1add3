"""The state of the panel, and a signal for every part of it that changes."""

from __future__ import annotations

from dataclasses import replace

from PyQt6.QtCore import QObject, pyqtSignal

from hitpoint.values import ClipInfo, TimelineInfo
from hitpoint_plugin.model.state import PRESETS, ClipWork, Controls, Preset, Session
from hitpoint_plugin.tasks import Failure


class Store(QObject):
    """Holds values; only the classes beside this one change them."""

    timeline_changed = pyqtSignal()
    current_changed = pyqtSignal()
    work_changed = pyqtSignal(int)  # hit points, tempo or what was seen of that clip
    takes_changed = pyqtSignal(int)
    controls_changed = pyqtSignal()
    presets_changed = pyqtSignal()
    failed = pyqtSignal(object)  # Failure
    said = pyqtSignal(str)  # something went well

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.timeline: TimelineInfo | None = None
        self.current = 0  # number of the clip that is shown, 0: none
        self.selected: tuple[int, ...] = ()
        self.controls = Controls()
        self.presets: tuple[Preset, ...] = ()
        self._works: dict[int, ClipWork] = {}

    def clip(self, index: int) -> ClipInfo | None:
        """A clip by its number."""
        clips = self.timeline.clips if self.timeline is not None else ()
        return next((clip for clip in clips if clip.index == index), None)

    def work(self, index: int | None = None) -> ClipWork:
        """What was done on a clip, the current one if none is named."""
        index = self.current if index is None else index
        return self._works.get(index, ClipWork(index))

    def put_work(self, work: ClipWork) -> None:
        """Replace what is known of a clip and tell who listens."""
        before = self.work(work.index)
        self._works[work.index] = work
        if (before.takes, before.chosen) != (work.takes, work.chosen):
            self.takes_changed.emit(work.index)
        if not _same_sheet(before, work):
            self.work_changed.emit(work.index)

    def set_timeline(self, timeline: TimelineInfo | None) -> None:
        """Another timeline; everything that belonged to the old one is put away."""
        before, self.timeline = self.timeline, timeline
        if (
            before is None
            or timeline is None
            or (before.path, before.clips) != (timeline.path, timeline.clips)
        ):
            self._works = {}
            self.current, self.selected = 0, ()
        self.timeline_changed.emit()
        self.current_changed.emit()

    def set_current(self, index: int) -> None:
        """Show another clip."""
        if index != self.current:
            self.current = index
            self.current_changed.emit()

    def set_controls(self, controls: Controls) -> None:
        """Other wishes."""
        if controls != self.controls:
            self.controls = controls
            self.controls_changed.emit()

    def all_presets(self) -> tuple[Preset, ...]:
        """Those that come with the panel, then the user's."""
        return (*PRESETS, *self.presets)

    def set_presets(self, presets: tuple[Preset, ...]) -> None:
        """Other presets of the user's."""
        self.presets = presets
        self.presets_changed.emit()

    def fail(self, failure: Failure) -> None:
        """Show a failure, unless the user wanted it."""
        if not failure.cancelled:
            self.failed.emit(failure)

    def session(self) -> Session:
        """Everything worth keeping."""
        path = self.timeline.path if self.timeline is not None else None
        return Session(path, self.current, self.controls, self.presets, tuple(self._works.values()))

    def restore(self, session: Session) -> None:
        """Put back what belonged to the timeline that is open now."""
        if self.timeline is None or self.timeline.path != session.source:
            return
        for work in session.works:
            if work.watched is not None and work.watched.selection.clip in self.timeline.clips:
                self._works[work.index] = _with_sounds(work)
        if self.clip(session.current) is not None:
            self.current = session.current
        self.timeline_changed.emit()
        self.current_changed.emit()


def _same_sheet(one: ClipWork, other: ClipWork) -> bool:
    return (
        one.watched is other.watched
        and one.sheet == other.sheet
        and one.tempo == other.tempo
        and one.edited == other.edited
    )


def _with_sounds(work: ClipWork) -> ClipWork:
    """Without the takes whose sound is gone."""
    takes = tuple(card for card in work.takes if card.take.asset.path.exists())
    chosen = work.chosen if len(takes) == len(work.takes) else (0 if takes else -1)
    return replace(work, takes=takes, chosen=chosen)
