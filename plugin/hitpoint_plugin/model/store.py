"""The state of the panel, and a signal for every part of it that changes."""

from __future__ import annotations

from dataclasses import replace

from PyQt6.QtCore import QObject, pyqtSignal

from hitpoint.values import ClipInfo, TimelineInfo
from hitpoint_plugin.model.lines import FIRST_LINE, line_clip
from hitpoint_plugin.model.state import PRESETS, ClipWork, Controls, Preset, Session
from hitpoint_plugin.tasks import Failure


class Store(QObject):
    """Holds values; only the classes beside this one change them."""

    timeline_changed = pyqtSignal()
    lines_changed = pyqtSignal()  # another line of clips that are one cue
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
        self.lines: tuple[tuple[int, ...], ...] = ()  # numbers of the clips of each
        self.controls = Controls()
        self.presets: tuple[Preset, ...] = ()
        self._works: dict[int, ClipWork] = {}

    def clip(self, index: int) -> ClipInfo | None:
        """A clip by its number."""
        return next((clip for clip in self.clips() if clip.index == index), None)

    def clips(self) -> tuple[ClipInfo, ...]:
        """Those of the timeline, then the lines of several that are one cue."""
        if self.timeline is None:
            return ()
        known = {clip.index: clip for clip in self.timeline.clips}
        lines = (
            line_clip(FIRST_LINE + number, [known[index] for index in line])
            for number, line in enumerate(self.lines)
        )
        return (*self.timeline.clips, *lines)

    def line(self, index: int) -> tuple[int, ...]:
        """The clips of a line; none for what is a clip itself."""
        return self.lines[index - FIRST_LINE] if index >= FIRST_LINE else ()

    def add_line(self, clips: tuple[int, ...]) -> int:
        """Make several clips one cue, and show it; the same ones again are the same line."""
        if clips not in self.lines:
            self.lines = (*self.lines, clips)
            self.lines_changed.emit()
        index = FIRST_LINE + self.lines.index(clips)
        self.set_current(index)
        return index

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
            self._works, self.lines = {}, ()
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
        return Session(path, self.current, self.controls, tuple(self._works.values()), self.lines)

    def restore(self, session: Session) -> None:
        """Put back what belonged to the timeline that is open now."""
        if self.timeline is None or self.timeline.path != session.source:
            return
        numbers = {clip.index for clip in self.timeline.clips}
        if all(line and numbers.issuperset(line) for line in session.lines):
            self.lines = session.lines
        for work in session.works:
            if self.clip(work.index) is None:
                continue
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
