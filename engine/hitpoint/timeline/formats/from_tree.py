"""From a parsed OpenTimelineIO timeline to a sheet: what every other format is written from."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from hitpoint.errors import MediaError
from hitpoint.media.facts import MediaFacts, facts_of
from hitpoint.timeline import tree as parsed
from hitpoint.timeline.flatten import Layout, frame_rate_of
from hitpoint.timeline.formats.sheet import (
    Extra,
    Fade,
    Lane,
    LaneKind,
    Mark,
    Media,
    MediaKind,
    Piece,
    Sheet,
    gap,
)
from hitpoint.timeline.tree import Node, Span, Tree
from hitpoint.timeline.urls import locate


def sheet_of(tree: Tree, folder: Path) -> Sheet:
    """The sheet of `tree`, whose relative references start in `folder`.

    Opens media files only for what the timeline leaves open: the size of the picture, and where the
    time of a file begins when the reference does not say.
    """
    maker = _Maker(folder, tree.premiere)
    lanes = maker.lanes(tree.stack)
    span = tree.stack.source_range
    if span is not None:
        lanes = tuple(cut(lane, span.start, span.duration) for lane in lanes)
    offset = span.start if span is not None else Fraction(0)
    return Sheet(
        name=tree.name,
        rate=frame_rate_of(tree),
        lanes=lanes,
        start=tree.start[0] if tree.start else Fraction(0),
        drop_frame=_drop_frame(tree.ours),
        marks=_marks(tree.stack, offset),
        size=maker.size(),
        extras=tuple(maker.extras(tree.name)),
    )


def cut(lane: Lane, start: Fraction, duration: Fraction) -> Lane:
    """What is seen of `lane` from `start` for `duration`; transitions at the new edges go."""
    pieces: list[Piece | Fade] = []
    at = Fraction(0)
    for piece in lane.pieces:
        if isinstance(piece, Fade):
            if start < at < start + duration and pieces:
                pieces.append(piece)
            continue
        begin, end = max(at, start), min(at + piece.duration, start + duration)
        if begin < end:
            pieces.append(part(piece, begin - at, end - begin))
        at += piece.duration
    if pieces and isinstance(pieces[-1], Fade):
        pieces.pop()
    return Lane(lane.kind, tuple(pieces), lane.name, lane.enabled)


def part(piece: Piece, begin: Fraction, duration: Fraction) -> Piece:
    """`piece` from `begin` after its own beginning, for `duration`."""
    # Played backwards, what is cut off at the end is the beginning of the stretch.
    skipped = begin if piece.speed >= 0 else piece.duration - begin - duration
    return Piece(
        duration, piece.name, piece.media, piece.lanes, piece.start + skipped * abs(piece.speed),
        piece.speed, piece.enabled, piece.marks, piece.cue,
    )  # fmt: skip


@dataclass(slots=True)
class _Maker:
    folder: Path
    premiere: bool
    seen: Counter[str] = field(default_factory=Counter[str])
    facts: dict[str, MediaFacts | None] = field(default_factory=dict[str, MediaFacts | None])
    paths: list[str] = field(default_factory=list[str])

    def lanes(self, stack: Node) -> tuple[Lane, ...]:
        """The tracks of a stack, picture before sound; a clip that stands alone in it is a track."""
        self._note(stack)
        lanes = [self._lane(child) for child in stack.children if child.kind != "transition"]
        return tuple(sorted(lanes, key=lambda lane: lane.kind == "Audio"))

    def _lane(self, node: Node) -> Lane:
        if node.kind != "track":
            return Lane("Video", tuple(self._pieces(node)), "")
        self._note(node)
        kind: LaneKind = "Audio" if node.track_kind.casefold() == "audio" else "Video"
        pieces = [piece for child in node.children for piece in self._pieces(child)]
        lane = Lane(kind, tuple(pieces), node.name, node.enabled)
        span = node.source_range
        if span is None:
            return lane
        trimmed = self._layout().trimmed(node)
        return cut(lane, trimmed.start, trimmed.duration)

    def _pieces(self, node: Node) -> list[Piece | Fade]:
        if node.kind == "transition":
            before, after = node.fade or (Fraction(0), Fraction(0))
            return [Fade(before, after, node.name)]
        layout = self._layout()
        duration = layout.length(node)
        if duration <= 0:
            return []
        if node.kind in ("gap", "other"):
            self._note(node)
            return [gap(duration)]
        piece = Piece(
            duration, node.name, start=layout.trimmed(node).start, speed=node.speed, enabled=node.enabled,
            marks=_marks(node, Fraction(0)),
        )  # fmt: skip
        if node.kind == "clip":
            self._note(node)
            return [replace(piece, media=self._media(node), cue=node.ours)]
        lanes = (self._lane(node),) if node.kind == "track" else self.lanes(node)
        return [replace(piece, lanes=lanes)] if lanes else [gap(duration)]

    def _layout(self) -> Layout:
        return Layout(self.premiere, self._length)

    def _length(self, media: parsed.Media) -> Span | None:
        found = self._look(self._target(media.url)) if media.kind == "ExternalReference" else None
        if found is None or found.duration is None:
            return None
        return Span(found.start, found.duration, found.rate or Fraction(25))

    def _media(self, node: Node) -> Media:
        media = node.media or parsed.Media("none", "", None)
        span = media.available
        known = (span.start, span.duration) if span else (Fraction(0), None)
        if media.kind == "ExternalReference":
            target = self._target(media.url)
            self.paths.append(target)
            if span is None:
                known = (self._start(target, node), None)
            return Media("file", target, media.name, *known)
        kinds: dict[str, MediaKind] = {"GeneratorReference": "generator", "ImageSequenceReference": "images"}
        return Media(kinds.get(media.kind, "missing"), "", media.name, *known)

    def _start(self, target: str, node: Node) -> Fraction:
        """Without an available range a source range counts in the file's own timecode, or from 0."""
        start = self._layout().trimmed(node).start
        found = self._look(target) if start > 0 else None
        return found.start if found is not None and start >= found.start else Fraction(0)

    def _target(self, url: str) -> str:
        found = locate(url, self.folder).path
        return url if found is None else str(found)

    def _look(self, target: str) -> MediaFacts | None:
        if target not in self.facts:
            try:
                self.facts[target] = facts_of(Path(target))
            except MediaError:
                self.facts[target] = None
        return self.facts[target]

    def _note(self, node: Node) -> None:
        self.seen.update(node.extras)

    def size(self) -> tuple[int, int] | None:
        """Of the first picture that can be opened."""
        for target in self.paths[:50]:
            found = self._look(target)
            if found is not None and found.size is not None:
                return found.size
        return None

    def extras(self, name: str) -> list[Extra]:
        """What the sheet has no place for, counted."""
        return [
            Extra(trait, f"The timeline {name!r} ({count} parts)" if count > 1 else f"The timeline {name!r}")
            for trait, count in sorted(self.seen.items())
        ]


def _marks(node: Node, offset: Fraction) -> tuple[Mark, ...]:
    return tuple(
        Mark(m.start - offset, m.name, m.comment, m.colour, m.duration, m.ours) for m in node.markers
    )


def _drop_frame(ours: str) -> bool:
    return bool(json.loads(ours).get("drop_frame")) if ours else False
