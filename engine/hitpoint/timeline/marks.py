"""The markers of a timeline in record time, and our own music on it with the markers that it has.

Our music is known by its metadata; where a program has dropped that, by the name of its track, by its own
name, or by the names of its markers (`hitpoint.timeline.edited` reads those).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from hitpoint.timeline.flatten import Layout, LengthOf, Window
from hitpoint.timeline.track import TRACK_NAME
from hitpoint.timeline.tree import Node, Tree
from hitpoint.values import EarlierCue, Mark

OUR_MARK = re.compile(r"(movement|cut|user) (\d+\.\d{3}) s")
_OUR_NAME = re.compile(r".* \([a-z_-]+, seed \d+\)")


def marks_of(tree: Tree, length_of: LengthOf) -> tuple[tuple[Mark, ...], tuple[EarlierCue, ...]]:
    """The markers of the timeline, its tracks and clips, and our music; each in order of time."""
    finder = _Finder(Layout(tree.premiere, length_of))
    view = finder.layout.whole(tree.stack)
    finder.note(tree.stack, view, "")
    for child, inner in finder.layout.inside(tree.stack, view):
        finder.visit(child, inner, child)
    return (
        tuple(sorted(finder.marks, key=lambda mark: mark.time)),
        tuple(sorted(finder.cues, key=lambda cue: cue.record_start)),
    )


@dataclass(slots=True)
class _Finder:
    layout: Layout
    marks: list[Mark] = field(default_factory=list[Mark])
    cues: list[EarlierCue] = field(default_factory=list[EarlierCue])

    def visit(self, node: Node, view: Window, track: Node) -> None:
        """Everything in `node`, of which `view` is seen, on one of the timeline's `track`s."""
        if view.speed <= 0 and node.kind != "clip":
            return  # a nest that stands still or runs backwards is one clip to us
        if node.kind == "clip" and _is_ours(node, track):
            marks = tuple(_seen(node, view, node.name))
            begins = view.local - _zero(node)
            self.cues.append(EarlierCue(node.name, view.record, view.length, begins, node.ours, marks))
            return
        self.note(node, view, node.name)
        if node.kind in ("track", "stack"):
            for child, inner in self.layout.inside(node, view):
                self.visit(child, inner, track)

    def note(self, node: Node, view: Window, holder: str) -> None:
        """The markers of one item."""
        self.marks += _seen(node, view, holder)


def _zero(node: Node) -> Fraction:
    """Where the time of an item's media begins: some programs count a sound in its time reference."""
    return node.media.available.start if node.media and node.media.available else Fraction(0)


def _seen(node: Node, view: Window, holder: str) -> Iterator[Mark]:
    """The markers that lie in what is seen of their item, in record time."""
    if not view.speed:
        return
    for each in node.markers:
        after = (each.start - view.local) / view.speed
        if 0 <= after < view.length or after == 0:
            lasts = min(each.duration / abs(view.speed), view.length - after)
            yield Mark(
                view.record + after,
                lasts,
                each.name,
                each.comment,
                each.colour,
                holder,
                each.start - _zero(node),
                each.ours,
            )


def _is_ours(clip: Node, track: Node) -> bool:
    if track.track_kind.casefold() != "audio":
        return False
    named = track.name == TRACK_NAME or bool(_OUR_NAME.fullmatch(clip.name))
    return bool(clip.ours) or named or any(is_our_name(mark.name, mark.comment) for mark in clip.markers)


def is_our_name(name: str, comment: str = "") -> re.Match[str] | None:
    """Whether a marker is called as ours are, by either of the texts that programs keep."""
    return OUR_MARK.fullmatch(name.strip()) or OUR_MARK.fullmatch(comment.strip())
