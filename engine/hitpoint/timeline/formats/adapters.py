"""OpenTimelineIO's adapters for other formats, and from their timelines to our sheets. In the child only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hitpoint.errors import TimelineError
from hitpoint.timeline.child import read
from hitpoint.timeline.formats.from_tree import sheet_of
from hitpoint.timeline.formats.sheet import Extra, Sheet
from hitpoint.timeline.tree import tree_from_json


def adapted(text: str, adapter: str, correct: Callable[[Any], Any] | None = None, **options: Any) -> Sheet:
    """The sheet of a file that one of OpenTimelineIO's adapters reads. Raises TimelineError."""
    import opentimelineio as otio

    return first_timeline(otio.adapters.read_from_string(text, adapter_name=adapter, **options), correct)


def first_timeline(found: Any, correct: Callable[[Any], Any] | None = None) -> Sheet:
    """The first of what an adapter has read; others are said to be left out. Raises TimelineError."""
    import opentimelineio as otio

    timelines = [found] if isinstance(found, otio.schema.Timeline) else list(found)
    timelines = [each for each in timelines if isinstance(each, otio.schema.Timeline)]
    if not timelines:
        raise TimelineError("The file holds no timeline.", "Export the sequence itself.")
    first = correct(timelines[0]) if correct is not None else timelines[0]
    others = (Extra("other sequence", f"The timeline {each.name!r}") for each in timelines[1:])
    sheet = sheet_from_otio(first)
    return replace(sheet, extras=(*sheet.extras, *others))


def sheet_from_otio(timeline: Any) -> Sheet:
    """The sheet of a timeline that an adapter has made. Raises TimelineError."""
    answer = read(timeline.to_json_string(indent=-1))
    if "timeline" not in answer:
        raise TimelineError(f"The file cannot be read: {answer.get('detail')}.", "Export it again.")
    return sheet_of(tree_from_json(answer["timeline"]), Path("/nowhere"))
