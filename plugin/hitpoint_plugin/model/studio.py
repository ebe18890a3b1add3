"""Watching clips and making takes of music for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import QObject

from hitpoint.values import ClipInfo, ScoreRequest
from hitpoint_plugin.lane import Lane
from hitpoint_plugin.model.jobs import Jobs
from hitpoint_plugin.model.state import ClipWork, Sheet, TakeCard, anew_for, request_for
from hitpoint_plugin.model.store import Store
from hitpoint_plugin.tasks import Compose, Failure, Remake, Take, Watch, Watched


class Studio(QObject):
    """Everything that takes the engine more than a moment."""

    def __init__(self, store: Store, lane: Lane, takes: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs = Jobs(lane, self)
        self.as_one = False  # several selected clips are one cue
        self._store, self._takes = store, takes
        self._then: dict[int, int] = {}  # clips that are watched now, and the takes that are wanted then
        self._watching: dict[int, int] = {}  # the jobs that do it, and their clips
        self.jobs.changed.connect(self._job_changed)

    def watch(self, index: int, takes: int = 0) -> None:
        """Find the hit points of a clip, and make so many takes afterwards."""
        store = self._store
        clip = store.clip(index)
        if clip is None or store.timeline is None or self._is_offline(clip):
            return
        watching = index in self._then
        self._then[index] = max(takes, self._then.get(index, 0))
        if not watching:
            sheet = Sheet(bpm=store.work(index).sheet.bpm)
            line = store.line(index)
            request = request_for(store.timeline.path, index, store.controls, sheet, edited=False, line=line)
            job = self.jobs.start(
                f"Watch {clip.name}", Watch(request), lambda seen: self._watched(index, seen)
            )
            self._watching[job] = index

    def generate(self) -> None:
        """Make takes for every selected clip, or for all of them as one cue."""
        store = self._store
        if self.as_one and len(store.selected) > 1 and not any(map(store.line, store.selected)):
            store.selected = (store.add_line(store.selected),)
        indices = store.selected or ((store.current,) if store.current else ())
        if not indices:
            store.fail(Failure("No clip is selected.", "Open a timeline or a video and select a clip."))
        for index in indices:
            if store.work(index).watched is None:
                self.watch(index, store.controls.takes)
            else:
                self._compose(index, store.controls.takes)

    def remake(self) -> None:
        """Make the marked region of the chosen take anew, with controls and hit points as they are now."""
        store = self._store
        work = store.work()
        take, region, watched = work.take, work.sheet.region, work.as_edited()
        if take is None or region is None or watched is None:
            todo = "Choose a take and mark some of its bars: drag with Shift, or I and O at the playhead."
            store.fail(Failure("No region is marked.", todo))
            return
        anew = anew_for(take, region, store.controls, work.sheet)
        title = f"Anew {region[0]:.1f} to {region[1]:.1f} s, seed {anew.seed} · {watched.selection.name}"
        task = Remake(watched, take, anew, self._takes)
        self.jobs.start(title, task, lambda made: self._remade(work.index, made))

    def choose(self, number: int) -> None:
        """Make a take of the current clip the one that is heard and placed."""
        work = self._store.work()
        if 0 <= number < len(work.takes):
            self._store.put_work(replace(work, chosen=number))

    def star(self, number: int) -> None:
        """Mark a take as good, or no longer."""
        work = self._store.work()
        card = work.takes[number]
        cards = (*work.takes[:number], replace(card, starred=not card.starred), *work.takes[number + 1 :])
        self._store.put_work(replace(work, takes=cards))

    def discard(self, number: int) -> None:
        """Throw a take away; its sound stays on the disk until another session."""
        work = self._store.work()
        cards = work.takes[:number] + work.takes[number + 1 :]
        chosen = work.chosen - 1 if number < work.chosen else work.chosen
        self._store.put_work(replace(work, takes=cards, chosen=min(chosen, len(cards) - 1)))

    def _is_offline(self, clip: ClipInfo) -> bool:
        if clip.media is None:
            todo = "Put the file back or relink the clip in your editor, then open the timeline again."
            self._store.fail(Failure(f"{clip.name} is offline: {clip.offline}.", todo))
        return clip.media is None

    def _watched(self, index: int, seen: Watched) -> None:
        takes = self._then.pop(index, 0)
        work = self._store.work(index)
        sheet = Sheet(seen.rhythm.hit_points, work.sheet.bpm, work.sheet.curve)
        self._store.put_work(replace(work, watched=seen, sheet=sheet, edited=False, tempo=seen.rhythm.tempo))
        if takes:
            self._compose(index, takes)

    def _compose(self, index: int, takes: int) -> None:
        for number in range(takes):
            self._compose_one(index, number)

    def _compose_one(self, index: int, number: int) -> None:
        store = self._store
        work = store.work(index)
        watched = work.as_edited()
        if watched is None or store.timeline is None:
            return
        line = store.line(index)
        request = request_for(store.timeline.path, index, store.controls, work.sheet, work.edited, line)
        request = replace(request, seed=request.seed + number)
        title = f"Seed {request.seed} · {watched.selection.name}"
        task = Compose(watched, request, self._takes)
        self.jobs.start(title, task, lambda take: self._composed(index, request, take))

    def _composed(self, index: int, request: ScoreRequest, take: Take) -> None:
        """A take of the same request takes the place of the earlier one."""
        work = self._store.work(index)
        others = tuple(card for card in work.takes if card.take.asset.path != take.asset.path)
        first = not any(card.take.request.style == request.style for card in others)
        cards = (*others, TakeCard(take))
        chosen = len(cards) - 1 if first or work.chosen < 0 else min(work.chosen, len(cards) - 1)
        self._store.put_work(replace(work, takes=cards, chosen=chosen))

    def _remade(self, index: int, take: Take) -> None:
        """Beside the one that it comes from; it is the one to be heard."""
        work = self._store.work(index)
        others = tuple(card for card in work.takes if card.take.asset.path != take.asset.path)
        self._store.put_work(replace(work, takes=(*others, TakeCard(take)), chosen=len(others)))

    def _job_changed(self, number: int) -> None:
        job = self.jobs.job(number)
        if job is not None and job.over:
            clip = self._watching.pop(number, 0)
            if job.state != "done":
                self._then.pop(clip, None)
        if job is not None and job.state == "failed" and job.failure is not None:
            self._store.fail(job.failure)


def best(work: ClipWork) -> int:
    """The number of the take with the most hits, -1 if there is none."""
    rates = [card.take.hit_rate for card in work.takes]
    return rates.index(max(rates)) if rates else -1
