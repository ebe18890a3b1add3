"""Edits to the hit points and the tempo of the current clip, with undo."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from PyQt6.QtCore import QObject
from PyQt6.QtGui import QUndoCommand, QUndoStack

from hitpoint.cue.region import region_of
from hitpoint.errors import UsageError
from hitpoint.values import TempoMap
from hitpoint_plugin.lane import Lane
from hitpoint_plugin.model.state import NUDGE_STRENGTH, Sheet
from hitpoint_plugin.model.store import Store
from hitpoint_plugin.tasks import Failure, Fit
from hitpoint_plugin.timers import timer

LOWEST_BPM, HIGHEST_BPM = 40.0, 240.0
TAP_PAUSE_S = 2.0
"""A longer pause starts a new count of taps."""
_FIT_DELAY_MS = 120


class _Edit(QUndoCommand):
    """From one sheet to another. Edits of the same `key` in a row (a drag, nudges) are undone as one."""

    def __init__(self, editor: Editor, clip: int, before: Sheet, after: Sheet, text: str, key: int) -> None:
        super().__init__(text)
        self.editor, self.clip, self.before, self.after, self.key = editor, clip, before, after, key

    def id(self) -> int:
        return self.key

    def mergeWith(self, other: QUndoCommand | None) -> bool:  # noqa: N802 (Qt's name)
        if not isinstance(other, _Edit) or other.clip != self.clip or self.key < 0:
            return False
        self.after = other.after
        return True

    def redo(self) -> None:
        self.editor.apply(self.clip, self.after)

    def undo(self) -> None:
        self.editor.apply(self.clip, self.before)


class Editor(QObject):
    """Acts on the current clip. Times are kept inside the clip; nothing happens where there is no clip."""

    def __init__(self, store: Store, lane: Lane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stack = QUndoStack(self)
        self.selected = -1
        self._store, self._lane = store, lane
        self._taps: list[float] = []
        self._fit_timer = timer(self, _FIT_DELAY_MS, self._fit, once=True)
        store.timeline_changed.connect(self._forget)

    def add(self, time: float) -> None:
        """A new point, selected."""
        if self._duration() > 0:
            time = self._inside(time)
            sheet = self._sheet().adding(time)
            self.selected = next(
                i for i, hit in enumerate(sheet.hits) if hit.time == time and hit.kind == "user"
            )
            self._push(sheet, "Add hit point")

    def move(self, index: int, time: float, *, merge: bool = True) -> None:
        """A point to another time."""
        if self._has(index):
            time = self._inside(time)
            sheet = self._sheet().moving(index, time)
            self.selected = min(
                (i for i, hit in enumerate(sheet.hits) if hit.kind == "user"),
                key=lambda i: abs(sheet.hits[i].time - time),
            )
            self._push(sheet, "Move hit point", key=1 if merge else -1)

    def delete(self, index: int) -> None:
        """Away with a point; the one after it is selected."""
        if self._has(index):
            sheet = self._sheet().without(index)
            self.selected = min(index, len(sheet.hits) - 1)
            self._push(sheet, "Delete hit point")

    def lock(self, index: int) -> None:
        """Must be hit, or no longer must."""
        if self._has(index):
            self._push(self._sheet().locking(index), "Lock hit point")

    def weigh(self, index: int, strength: float) -> None:
        """How strongly a point is meant."""
        if self._has(index):
            self._push(self._sheet().weighing(index, strength), "Weigh hit point", key=2)

    def heavier(self, index: int, steps: int = 1) -> None:
        """Stronger by a tenth, or weaker for negative steps."""
        if self._has(index):
            self.weigh(index, self._sheet().hits[index].strength + steps * NUDGE_STRENGTH)

    def pin(self, bpm: float | None) -> None:
        """Fix the tempo, or let it follow the hit points again (None)."""
        if bpm is not None:
            bpm = min(HIGHEST_BPM, max(LOWEST_BPM, bpm))
        if self._store.current:
            self._push(replace(self._sheet(), bpm=bpm), "Change tempo")

    def bend(self, index: int, time: float, level: float) -> None:
        """Move a point of the intensity curve, or draw a new one for an `index` of -1."""
        if self._duration() > 0:
            self._push(self._sheet().bending(index, self._inside(time), level), "Draw intensity")

    def straighten(self, index: int) -> None:
        """Away with a point of the intensity curve."""
        if 0 <= index < len(self._sheet().curve):
            self._push(self._sheet().straightening(index), "Draw intensity")

    def bend_by(self, time: float, steps: int) -> None:
        """Stronger or weaker by tenths at a time, from what the curve or the slider says there."""
        moments, levels = zip(*(self._sheet().curve or ((0.0, self._store.controls.intensity),)), strict=True)
        now = float(np.interp(time, moments, levels))
        self.bend(-1, time, now + steps * NUDGE_STRENGTH)

    def mark(self, start: float, stop: float) -> None:
        """A region of the chosen take, from the bar line nearest to one moment to that of another."""
        take = self._store.work().take
        if take is None or not take.bars:
            todo = "Generate one and choose it; those of earlier versions have none."
            self._store.fail(Failure("There is no take whose bars could be marked.", todo))
            return
        try:
            region = region_of(take.bars, max(0.0, start), min(stop, take.bars[-1]))
        except UsageError as error:
            self._store.fail(Failure(error.what, error.todo))
            return
        self._push(replace(self._sheet(), region=(region.start, region.stop)), "Mark region")

    def mark_in(self, time: float) -> None:
        """The region from here on, to where it ended if that is later, else to the end."""
        region = self._sheet().region
        self.mark(time, region[1] if region is not None and region[1] > time else self._duration())

    def mark_out(self, time: float) -> None:
        """The region up to here, from where it began if that is earlier, else from the beginning."""
        region = self._sheet().region
        self.mark(region[0] if region is not None and region[0] < time else 0.0, time)

    def unmark(self) -> None:
        """No region."""
        self._push(replace(self._sheet(), region=None), "Mark region")

    def scale_tempo(self, factor: float) -> None:
        """Twice or half the tempo that is used now."""
        tempo = self._store.work().tempo
        if tempo is not None and LOWEST_BPM <= tempo.bpm * factor <= HIGHEST_BPM:
            self.pin(tempo.bpm * factor)

    def tap(self, now: float | None = None) -> float | None:
        """One tap of the beat; from the third on the tempo follows. Returns the tempo tapped so far."""
        now = time.monotonic() if now is None else now
        if self._taps and now - self._taps[-1] > TAP_PAUSE_S:
            self._taps = []
        self._taps.append(now)
        if len(self._taps) < 3:
            return None
        bpm = round(60 * (len(self._taps) - 1) / max(0.05, self._taps[-1] - self._taps[0]), 1)
        self.pin(bpm)
        return bpm

    def select(self, index: int) -> None:
        """Make a point the one that keys act on."""
        if index != self.selected:
            self.selected = index
            self.stack.setActive(True)
            self._store.work_changed.emit(self._store.current)

    def apply(self, clip: int, sheet: Sheet) -> None:
        """Put a sheet in its place; the beat grid follows in a moment. For the undo stack."""
        self._store.set_current(clip)  # undo may go back to another clip; that one is shown then
        work = self._store.work(clip)
        found = work.watched.rhythm.hit_points if work.watched is not None else ()
        self._store.put_work(replace(work, sheet=sheet, edited=sheet.hits != found))
        self._fit_timer.start()

    def _push(self, sheet: Sheet, text: str, key: int = -1) -> None:
        before = self._sheet()
        if sheet != before:
            self.stack.push(_Edit(self, self._store.current, before, sheet, text, key))

    def _fit(self) -> None:
        work = self._store.work()
        if work.watched is None:
            return
        sheet, index = work.sheet, work.index
        meter = work.watched.rhythm.tempo.beats_per_bar

        def fitted(tempo: TempoMap) -> None:
            now = self._store.work(index)
            if now.sheet == sheet:  # else another fit is on its way
                self._store.put_work(replace(now, tempo=tempo))

        self._lane.submit(Fit(sheet.hits, self._duration(), sheet.bpm, meter), fitted, self._store.fail)

    def _sheet(self) -> Sheet:
        return self._store.work().sheet

    def _duration(self) -> float:
        watched = self._store.work().watched
        return float(watched.selection.duration) if watched is not None else 0.0

    def _inside(self, time: float) -> float:
        return min(max(0.0, time), max(0.0, self._duration() - 1e-3))

    def _has(self, index: int) -> bool:
        return 0 <= index < len(self._sheet().hits)

    def _forget(self) -> None:
        self.stack.clear()
        self.selected = -1
