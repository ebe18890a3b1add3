"""From a tree of tracks, nests and speed changes to a flat list of clips in record time, exactly.

Every item maps its parent's time to its own by a straight line, so a nest of them is a straight line too;
no time is rounded on the way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from hitpoint.timeline.tree import Media, Node, Span, Tree
from hitpoint.values import Fade

LengthOf = Callable[[Media], Span | None]
"""Looks up how long a file is, for a clip that does not say; None if that cannot be known."""

_NOTHING = Span(Fraction(0), Fraction(0), Fraction(25))


@dataclass(frozen=True, slots=True)
class Placed:
    """A clip in record time. At record time r it shows its own time `start + (r - record_start) * speed`.

    `backwards` marks a whole nested sequence that is frozen or reversed; its clips are not listed. Of two
    clips at the same time the one with the higher `layer` is seen.
    """

    node: Node
    track: str
    record_start: Fraction
    duration: Fraction
    start: Fraction
    speed: Fraction
    enabled: bool
    backwards: bool = False
    layer: tuple[int, ...] = ()
    fade_in: Fade | None = None
    fade_out: Fade | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The part of an item that is seen: from its own time `local`, for `length` seconds of record time."""

    record: Fraction
    local: Fraction
    length: Fraction
    speed: Fraction = Fraction(1)
    enabled: bool = True
    fade_in: Fade | None = None  # transitions at its ends, in record time
    fade_out: Fade | None = None


def flatten(tree: Tree, length_of: LengthOf) -> list[Placed]:
    """All clips of all video tracks, tracks from the lowest up, each in order of time."""
    layout = Layout(tree.premiere, length_of)
    view = layout.whole(tree.stack)
    found: list[Placed] = []
    for number, child in enumerate((c for c in tree.stack.children if _has_picture(c)), 1):
        inner = layout.window(child, Fraction(0), view)
        if inner is not None:
            found += sorted(
                layout.visit(child, inner, child.name or f"Video {number}", (number,)),
                key=lambda clip: clip.record_start,
            )
    return found


def extent_of(tree: Tree, length_of: LengthOf) -> Span:
    """What the timeline shows of its own stack of tracks: from where, and for how long."""
    return Layout(tree.premiere, length_of).trimmed(tree.stack)


def frame_rate_of(tree: Tree) -> Fraction:
    """The timeline's own rate: that of its start timecode, or the most common among its video items.

    Rates of sound (48000) never count: a host that takes them for the project's is a known fault.
    """
    rates = Counter(
        span.rate
        for child in tree.stack.children
        if _has_picture(child)
        for span in _spans(child)
        if span.rate <= 1000
    )
    common = rates.most_common(1)[0][0] if rates else None
    stated = tree.start[1] if tree.start is not None and tree.start[1] <= 1000 else None
    if stated is None or (common is not None and round(common) == round(stated)):
        return common or Fraction(25)  # hosts write 24 in the timecode of a timeline at 23.976
    return stated


@dataclass(frozen=True, slots=True)
class Layout:
    """How long items are and where they lie in their parents, by OTIO's rules or by Premiere's."""

    premiere: bool
    length_of: LengthOf

    def whole(self, stack: Node) -> Window:
        """All of a timeline's stack of tracks."""
        span = self.trimmed(stack)
        return Window(Fraction(0), span.start, span.duration, enabled=stack.enabled)

    def trimmed(self, node: Node) -> Span:
        """The part of its own time that an item shows: its source range, or all that it has."""
        if node.kind in ("track", "stack"):
            return self._trimmed_composition(node)
        if node.source_range is None and node.media is not None:
            return node.media.available or self.length_of(node.media) or _NOTHING
        return node.source_range or _NOTHING

    def _trimmed_composition(self, node: Node) -> Span:
        lengths = [self.length(child) for child in node.children]
        total = sum(lengths, Fraction(0)) if node.kind == "track" else max(lengths, default=Fraction(0))
        span = node.source_range
        if span is None:
            return Span(Fraction(0), total, _NOTHING.rate)
        if span.start >= total or span.start + span.duration <= 0:
            # Some EDL conversions write a track's range in start timecode; then all of it is meant.
            return Span(Fraction(0), span.duration, span.rate)
        return span

    def length(self, node: Node) -> Fraction:
        """Seconds that an item takes in its parent. A transition overlaps its neighbours and takes none."""
        if node.kind == "transition":
            return Fraction(0)
        duration = self.trimmed(node).duration
        # OTIO's source range is as long as the clip is on the timeline; Premiere writes how much it uses.
        return duration / abs(node.speed) if self.premiere and node.speed else duration

    def window(self, child: Node, offset: Fraction, view: Window) -> Window | None:
        """What of `child`, which begins at `offset` in its parent's time, is seen through `view`."""
        span, length = self.trimmed(child), self.length(child)
        begin = max(view.local, offset)
        end = min(view.local + view.length * view.speed, offset + length)
        if end < begin or (end == begin and length > 0):
            return None
        if child.speed >= 0:
            local = span.start + child.speed * (begin - offset)
        else:  # reversed: the stretch is played from its end
            local = span.start - child.speed * (length - (begin - offset))
        return Window(
            record=view.record + (begin - view.local) / view.speed,
            local=local,
            length=(end - begin) / view.speed,
            speed=view.speed * child.speed,
            enabled=view.enabled and child.enabled,
        )

    def visit(self, node: Node, view: Window, track: str, layer: tuple[int, ...]) -> Iterator[Placed]:
        """The clips in `node`, of which `view` is seen."""
        backwards = node.kind in ("track", "stack") and view.speed <= 0
        if node.kind == "clip" or backwards:
            yield Placed(
                node, track, view.record, view.length, view.local, view.speed, view.enabled, backwards,
                layer, view.fade_in, view.fade_out,
            )  # fmt: skip
            return
        for number, (child, inner) in enumerate(self.inside(node, view), 1):
            if _has_picture(child):
                above = (*layer, number) if node.kind == "stack" else layer
                yield from self.visit(child, inner, track, above)

    def inside(self, node: Node, view: Window) -> Iterator[tuple[Node, Window]]:
        """What of the items directly in a track or stack is seen, none of them transitions."""
        offset = Fraction(0)
        for number, child in enumerate(node.children):
            length = self.length(child)
            inner = self.window(child, offset, view) if child.kind != "transition" else None
            if inner is not None:
                begins = offset >= view.local
                ends = offset + length <= view.local + view.length * view.speed
                yield (
                    child,
                    replace(
                        inner,
                        fade_in=(begins and _fade(node, number - 1, view.speed))
                        or _at_edge(inner, view, False),
                        fade_out=(ends and _fade(node, number + 1, view.speed))
                        or _at_edge(inner, view, True),
                    ),
                )
            if node.kind == "track":
                offset += length


def _fade(parent: Node, number: int, speed: Fraction) -> Fade | None:
    """The transition that is child `number` of a track, in record time."""
    inside = parent.kind == "track" and 0 <= number < len(parent.children)
    found = parent.children[number].fade if inside else None
    return None if found is None else Fade(found[0] / speed, found[1] / speed)


def _at_edge(inner: Window, view: Window, end: bool) -> Fade | None:
    """The transition of the whole nest, for what it begins or ends with."""
    if end:
        return view.fade_out if inner.record + inner.length == view.record + view.length else None
    return view.fade_in if inner.record == view.record else None


def _has_picture(node: Node) -> bool:
    if node.kind == "track":
        return node.track_kind.casefold() == "video"
    return node.kind in ("clip", "stack")


def _spans(node: Node) -> Iterator[Span]:
    if node.source_range is not None:
        yield node.source_range
    elif node.media is not None and node.media.available is not None:
        yield node.media.available
    for child in node.children:
        yield from _spans(child)
