"""From a sheet to the text of an `.otio` file; the inverse of `from_tree`."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

from hitpoint.timeline.formats.sheet import Fade, Lane, Mark, Media, Piece, Sheet
from hitpoint.timeline.track import KEY, Object, item_object, range_object, time_object
from hitpoint.timeline.urls import reference


def otio_text(sheet: Sheet, folder: Path | None = None) -> str:
    """The timeline as OpenTimelineIO, exact: a time of no whole number of frames keeps its fraction.

    Files are referred to from `folder`, relative beneath it; without a folder by what the sheet says.
    """
    ours: Object = {"drop_frame": True} if sheet.drop_frame else {}
    timeline: Object = {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {KEY: ours} if ours else {},
        "name": sheet.name,
        "global_start_time": time_object(sheet.start * sheet.rate, sheet.rate) if sheet.start else None,
        "tracks": _stack(sheet.lanes, _Writer(sheet.rate, folder), "tracks", sheet.marks),
    }
    return json.dumps(timeline, indent=4, allow_nan=False) + "\n"


class _Writer:
    """What every item needs to be written: the rate of its times, and the folder of references."""

    def __init__(self, rate: Fraction, folder: Path | None) -> None:
        self.rate = rate
        self.folder = folder

    def span(self, start: Fraction, duration: Fraction) -> Object:
        return range_object(start * self.rate, duration * self.rate, self.rate)

    def url(self, target: str) -> str:
        if self.folder is None or not Path(target).is_absolute() or re.match(r"[\\/]{2}", target):
            return target
        return reference(Path(target), self.folder)


def _stack(
    lanes: tuple[Lane, ...], writer: _Writer, name: str, marks: tuple[Mark, ...], **rest: Any
) -> Object:
    children = [
        item_object(
            "Track.1", lane.name, None, enabled=lane.enabled, kind=lane.kind,
            children=[_item(piece, writer) for piece in lane.pieces],
        )
        for lane in lanes
    ]  # fmt: skip
    rest = {"markers": [_marker(mark, writer) for mark in marks], "children": children} | rest
    return item_object("Stack.1", name, rest.pop("source_range", None), **rest)


def _item(piece: Piece | Fade, writer: _Writer) -> Object:
    if isinstance(piece, Fade):
        return {
            "OTIO_SCHEMA": "Transition.1",
            "metadata": {},
            "name": piece.name,
            "in_offset": time_object(piece.before * writer.rate, writer.rate),
            "out_offset": time_object(piece.after * writer.rate, writer.rate),
            "transition_type": "SMPTE_Dissolve",
        }
    source = writer.span(piece.start, piece.duration)
    if piece.is_gap:
        return item_object("Gap.1", "", writer.span(Fraction(0), piece.duration))
    shared: Object = {"effects": _speed(piece.speed), "enabled": piece.enabled}
    if piece.media is None:
        return _stack(piece.lanes, writer, piece.name, piece.marks, source_range=source, **shared)
    return item_object(
        "Clip.2",
        piece.name,
        source,
        **shared,
        metadata={KEY: json.loads(piece.cue)} if piece.cue else {},
        markers=[_marker(mark, writer) for mark in piece.marks],
        media_references={"DEFAULT_MEDIA": _media(piece.media, writer)},
        active_media_reference_key="DEFAULT_MEDIA",
    )


def _speed(speed: Fraction) -> list[Object]:
    if speed == 1:
        return []
    kind, name = ("FreezeFrame.1", "FreezeFrame") if speed == 0 else ("LinearTimeWarp.1", "LinearTimeWarp")
    return [
        {"OTIO_SCHEMA": kind, "metadata": {}, "name": "", "effect_name": name, "time_scalar": float(speed)}
    ]


def _media(media: Media, writer: _Writer) -> Object:
    known: Object = {
        "metadata": {},
        "name": media.name,
        "available_range": None if media.duration is None else writer.span(media.start, media.duration),
        "available_image_bounds": None,
    }
    if media.kind == "file":
        return {"OTIO_SCHEMA": "ExternalReference.1"} | known | {"target_url": writer.url(media.target)}
    if media.kind == "generator":
        made: Object = {"generator_kind": media.name or "unknown", "parameters": {}}
        return {"OTIO_SCHEMA": "GeneratorReference.1"} | known | made
    return {"OTIO_SCHEMA": "MissingReference.1"} | known


def _marker(mark: Mark, writer: _Writer) -> Object:
    return {
        "OTIO_SCHEMA": "Marker.2",
        "metadata": {KEY: json.loads(mark.data)} if mark.data else {},
        "name": mark.name,
        "color": mark.colour,
        "marked_range": writer.span(mark.start, mark.duration),
        "comment": mark.comment,
    }
