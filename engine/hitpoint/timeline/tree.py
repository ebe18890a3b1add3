"""A timeline as the child process describes it: plain nodes with exact times, checked on the way in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from hitpoint.errors import TimelineError
from hitpoint.media.timecode import snap_rate

NodeKind = Literal["clip", "gap", "track", "stack", "transition", "other"]
_KINDS: tuple[NodeKind, ...] = ("clip", "gap", "track", "stack", "transition", "other")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in seconds, and the frame rate that it was written in."""

    start: Fraction
    duration: Fraction
    rate: Fraction


@dataclass(frozen=True, slots=True)
class Media:
    """What a clip refers to. `kind` is the OTIO class; `url` is empty unless it is an ExternalReference."""

    kind: str
    url: str
    available: Span | None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker of an item, in the item's own time. `ours` is what Hitpoint wrote in its metadata, as JSON."""

    name: str
    comment: str
    colour: str
    start: Fraction
    duration: Fraction
    ours: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """An item of a timeline. `speed` is the product of its linear time warps, 1 without any."""

    kind: NodeKind
    name: str
    source_range: Span | None = None
    enabled: bool = True
    speed: Fraction = Fraction(1)
    ramp: bool = False  # has a time effect that is no constant speed
    track_kind: str = ""
    media: Media | None = None
    children: tuple[Node, ...] = ()
    fade: tuple[Fraction, Fraction] | None = None  # of a transition: before and after its cut
    markers: tuple[Marker, ...] = ()
    ours: str = ""  # what Hitpoint wrote in its metadata, as JSON
    extras: tuple[str, ...] = ()  # what it has besides: see `hitpoint.timeline.formats.base.TRAITS`


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole timeline. `start` is its global start time in seconds with its rate, if it has one."""

    name: str
    start: tuple[Fraction, Fraction] | None
    premiere: bool  # written by Premiere, which means other lengths for retimed clips
    stack: Node
    ours: str = ""  # what Hitpoint wrote in its metadata, as JSON


def tree_from_json(value: Mapping[str, Any]) -> Tree:
    """Check and convert the child's answer. Raises TimelineError for anything that is not as agreed."""
    try:
        start = value["start"]
        return Tree(
            name=str(value["name"] or ""),
            start=None if start is None else (_seconds(start[0], start[1]), snap_rate(float(start[1]))),
            premiere=bool(value["premiere"]),
            stack=_node(value["stack"]),
            ours=str(value["ours"]),
        )
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        if isinstance(error, TimelineError):
            raise
        raise TimelineError(
            "The timeline cannot be understood.", "Export it again from your editor."
        ) from error


def _node(value: Mapping[str, Any]) -> Node:
    kind: NodeKind = _KINDS[_KINDS.index(value["kind"])]
    if kind == "transition":
        before, after = value["fade"][:2], value["fade"][2:]
        return Node(kind, str(value["name"] or ""), fade=(_seconds(*before), _seconds(*after)))
    speed = Fraction(1)
    for scalar in value["speeds"]:
        speed *= Fraction(float(scalar)).limit_denominator(1_000_000)
    media = value.get("media")
    return Node(
        kind=kind,
        name=str(value["name"] or ""),
        source_range=_span(value["range"]),
        enabled=bool(value["enabled"]),
        speed=speed,
        ramp=bool(value["ramp"]),
        track_kind=str(value["track_kind"]),
        media=None if media is None else _media(media),
        children=tuple(_node(child) for child in value.get("children", ())),
        markers=tuple(_marker(each) for each in value["marks"]),
        ours=str(value["ours"]),
        extras=tuple(_extras(value)),
    )


def _media(value: Mapping[str, Any]) -> Media:
    return Media(str(value["kind"]), str(value["url"]), _span(value["range"]), str(value["name"] or ""))


def _marker(value: Mapping[str, Any]) -> Marker:
    span = _span(value["range"]) or Span(Fraction(0), Fraction(0), Fraction(25))
    name, comment, colour = (str(value[key] or "") for key in ("name", "comment", "colour"))
    return Marker(name, comment, colour, span.start, span.duration, str(value["ours"]))


def _extras(value: Mapping[str, Any]) -> Iterator[str]:
    if value["effects"]:
        yield "effect"
    if value["ramp"]:
        yield "ramp"
    if value["foreign"]:
        yield "metadata"
    if value.get("other_media"):
        yield "other media"
    if value["kind"] == "other":
        yield "unknown part"


def _span(value: Any) -> Span | None:
    if value is None:
        return None
    start_value, start_rate, value_, rate = (float(each) for each in value)
    duration = _seconds(value_, rate)
    if duration < 0:
        raise TimelineError(
            "The timeline has an item of negative length.", "Export it again from your editor."
        )
    return Span(_seconds(start_value, start_rate), duration, snap_rate(rate))


def _seconds(value: float, rate: float) -> Fraction:
    """Exact: a value that is whole but for floating-point dust is that whole number of frames."""
    return Fraction(float(value)).limit_denominator(1_000_000) / snap_rate(float(rate))
