"""Hit points as an editor left them: our markers, moved, added, deleted or recoloured in another program.

A marker of ours carries its exact time in its metadata; where a program has dropped that, in its name, to the
millisecond. It stood on a frame, and the frame that it stands on now says by how much it was moved. What
was not moved keeps its exact time.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from hitpoint.errors import UsageError
from hitpoint.timeline.marks import is_our_name
from hitpoint.timeline.place import COLOURS
from hitpoint.timeline.prescan import Json
from hitpoint.timeline.track import TRACK_NAME
from hitpoint.values import EarlierCue, HitKind, HitPoint, Mark, MarkedHits, Selection, TimelineInfo

FROM_MARKERS = "hits_from_markers"
"""In the metadata of a cue: its hit points were edited, so the next scoring keeps them."""
_KINDS: dict[str, HitKind] = {"movement": "movement", "cut": "cut", "user": "user"}
_KIND_OF: dict[str, HitKind] = {colour: _KINDS[kind] for kind, colour in COLOURS.items()}
_DUST = Fraction(1, 1000)  # frames; as `place` rounds
_ROUNDED_S = Fraction(1, 2000)  # what a time in a name may be off


def hits_json(hits: Sequence[HitPoint]) -> list[Json]:
    """What a cue's metadata says of its hit points, so that a deleted marker is missed."""
    return [
        {"time": hit.time, "strength": hit.strength, "kind": hit.kind, "locked": hit.locked} for hit in hits
    ]


def marked_hits(info: TimelineInfo, selection: Selection, wanted: bool | None) -> MarkedHits | None:
    """The hit points that the timeline's markers ask for, or None where the movement alone is to say.

    `wanted` None: only if the markers of our earlier music here were changed, or once were. With True the
    markers of the scored clips and of the timeline itself are hit points too; then raises UsageError where
    there are no markers at all.
    """
    if wanted is False:
        return None
    start, end = selection.record_start, selection.record_start + selection.duration
    cues = [cue for cue in info.cues if cue.record_start < end and cue.record_start + cue.duration > start]
    tally = _Tally()
    hits: list[HitPoint] = []
    for cue in cues:
        hits += _Reader(info, selection, cue, tally).hits()
    if wanted is None and not (cues and (tally.changed or any(_note(cue).get(FROM_MARKERS) for cue in cues))):
        return None
    if wanted:
        hits += _others(info, selection, tally)
    if not hits and not cues:
        if wanted:
            raise UsageError("There are no markers to take hit points from.", "Score without them.")
        return None
    spans = [(cue.record_start - start, cue.record_start + cue.duration - start) for cue in cues]
    return MarkedHits(
        hits=tuple(sorted(set(hits), key=lambda hit: (hit.time, hit.kind))),
        spans=tuple((float(max(low, Fraction(0))), float(high)) for low, high in spans),
        note=f"Hit points come from markers: {tally.sentence}.",
    )


@dataclass(slots=True)
class _Tally:
    """What was done to our markers."""

    kept: int = 0
    moved: int = 0
    added: int = 0
    recoloured: int = 0
    deleted: int = 0

    @property
    def changed(self) -> bool:
        return bool(self.moved or self.added or self.recoloured or self.deleted)

    @property
    def sentence(self) -> str:
        """In plain words."""
        return (
            f"{self.kept} kept, {self.moved} moved, {self.added} added, "
            f"{self.recoloured} recoloured, {self.deleted} deleted"
        )


@dataclass(frozen=True, slots=True)
class _Written:
    """A marker as we wrote it. `slack` is how far its time may be rounded."""

    time: Fraction
    strength: float
    kind: HitKind
    locked: bool
    slack: Fraction


@dataclass(frozen=True, slots=True)
class _Reader:
    info: TimelineInfo
    selection: Selection
    cue: EarlierCue
    tally: _Tally

    def hits(self) -> list[HitPoint]:
        """The hit points of one cue, in seconds of the selection; those outside it are left out."""
        recorded = _recorded(_note(self.cue))
        found: list[HitPoint] = []
        seen: set[Fraction] = set()
        read = [(mark, self._written(mark, recorded)) for mark in self._marks()]
        # A copy of a marker is a second one with the same time: the one that was moved less is the first.
        read.sort(key=lambda pair: abs(self._moved(*pair)) if pair[1] else 0)
        for mark, written in read:
            if written is None or written.time in seen:
                self.tally.added += 1
                found += self._at(mark.time, HitPoint(0.0, 1.0, "user", locked=True))
                continue
            seen.add(written.time)
            found += self._returned(mark, written)
        self.tally.deleted += sum(1 for hit in recorded if hit.time not in seen and self._is_shown(hit.time))
        return found

    def _marks(self) -> list[Mark]:
        """Those on the cue, those on our track over it, and ours that a program has put on the timeline."""
        cue, end = self.cue, self.cue.record_start + self.cue.duration
        over = [mark for mark in self.info.marks if cue.record_start <= mark.time < end and not mark.duration]
        lifted = [
            replace(mark, own=cue.start + mark.time - cue.record_start)
            for mark in over
            if mark.holder == TRACK_NAME or (not mark.holder and is_our_name(mark.name, mark.comment))
        ]
        return [*cue.marks, *lifted]

    def _written(self, mark: Mark, recorded: Sequence[_Written]) -> _Written | None:
        data = _object(mark.ours)
        name = is_our_name(mark.name, mark.comment)
        if _is_time(data.get("time")) and data.get("kind") in _KINDS:
            time, slack = Fraction(data["time"]), Fraction(0)
            found = _Written(time, _share(data.get("strength")), _KINDS[data["kind"]], False, slack)
        elif name is not None:
            found = _Written(Fraction(name[2]), 1.0, _KINDS[name[1]], name[1] == "user", _ROUNDED_S)
        else:
            return None
        near = [hit for hit in recorded if abs(hit.time - found.time) <= found.slack]
        return min(near, key=lambda hit: abs(hit.time - found.time), default=found)

    def _returned(self, mark: Mark, written: _Written) -> list[HitPoint]:
        kind = _KIND_OF.get(mark.colour.upper(), written.kind)
        locked = written.locked
        if kind != written.kind:
            self.tally.recoloured += 1
            locked = kind == "user"
        moved = self._moved(mark, written)
        if moved:
            self.tally.moved += 1
            kind, locked = "user", True
        elif kind == written.kind:
            self.tally.kept += 1
        file_time = self._lead() + written.time + moved / self.info.rate
        record = self.cue.record_start + file_time - self.cue.start
        return self._at(record, HitPoint(0.0, written.strength, kind, locked))

    def _moved(self, mark: Mark, written: _Written | None) -> int:
        """Frames between where the marker was put and where it is."""
        if written is None:
            return 0
        now = math.floor(mark.own * self.info.rate + Fraction(1, 2))
        at = self._lead() + written.time
        frames = [math.floor(t * self.info.rate + _DUST) for t in (at - written.slack, at + written.slack)]
        return 0 if frames[0] <= now <= frames[1] else now - frames[1]

    def _lead(self) -> Fraction:
        """The silence at the head of the cue's file."""
        try:
            start = Fraction(str(_note(self.cue).get("record_start")))
        except (ValueError, ZeroDivisionError):
            start = self.selection.record_start
        return start - math.floor(start * self.info.rate) / self.info.rate

    def _is_shown(self, time: Fraction) -> bool:
        at = self._lead() + time
        return self.cue.start <= at < self.cue.start + self.cue.duration

    def _at(self, record: Fraction, hit: HitPoint) -> list[HitPoint]:
        time = record - self.selection.record_start
        return [replace(hit, time=float(time))] if 0 <= time < self.selection.duration else []


def _others(info: TimelineInfo, selection: Selection, tally: _Tally) -> list[HitPoint]:
    """The markers of the scored clips and of the timeline itself; those that last mark a region."""
    start, end = selection.record_start, selection.record_start + selection.duration
    clips = [selection.clip, *(piece.clip for piece in selection.pieces if piece.clip)]
    holders = {"", *(clip.name for clip in clips)}
    found = [
        mark
        for mark in info.marks
        if start <= mark.time < end and not mark.duration and mark.holder in holders
        and not is_our_name(mark.name, mark.comment)
    ]  # fmt: skip
    tally.added += len(found)
    return [HitPoint(float(mark.time - start), 1.0, "user", locked=True) for mark in found]


def _note(cue: EarlierCue) -> dict[str, Any]:
    return _object(cue.note)


def _recorded(note: dict[str, Any]) -> list[_Written]:
    found: list[_Written] = []
    listed = note.get("hit_points")
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict) and _is_time(each.get("time")) and each.get("kind") in _KINDS:
            kind, locked = _KINDS[each["kind"]], each.get("locked") is True
            found.append(
                _Written(Fraction(each["time"]), _share(each.get("strength")), kind, locked, Fraction(0))
            )
    return found


def _is_time(value: object) -> bool:
    return isinstance(value, float | int) and math.isfinite(value)


def _share(value: object) -> float:
    return min(1.0, max(0.0, float(value))) if isinstance(value, float | int) and value == value else 1.0


def _object(text: str) -> dict[str, Any]:
    """A JSON object that somebody else may have written; empty for anything else."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
