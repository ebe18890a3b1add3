"""The one track that is ours: built, found again, and taken out of the text as it was put in."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from hitpoint.errors import TimelineError
from hitpoint.media.timecode import snap_rate
from hitpoint.timeline.jsontext import At, JsonText, Splice, spliced

TRACK_NAME = "Hitpoint"
KEY = "hitpoint"
FORMAT = 1

Object = dict[str, Any]
"""A JSON object on its way into or out of the file."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One of our clips on our track: seconds from the start of the track, and the clip as JSON."""

    start: Fraction
    duration: Fraction
    clip: Object

    @property
    def end(self) -> Fraction:
        """Where it stops."""
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class Lifted:
    """A timeline's text without our track, the cues that were on it, and what the track remembered.

    `restore` maps a media reference as it is written now to how it was written before we moved the file.
    """

    text: str
    cues: tuple[Cue, ...] = ()
    restore: dict[str, str] = field(default_factory=dict)
    original_sha256: str = ""

    @property
    def original(self) -> str:
        """The text as the user had it."""
        return with_references(self.text, self.restore)


def lift(text: str) -> Lifted:
    """Take everything that is ours out of `text`. The exact inverse of `insert`."""
    document = JsonText(text)
    children = _top_children(document)
    splices: list[Splice] = []
    cues: list[Cue] = []
    note: Object = {}
    for number, at in enumerate(children):
        track = document.value(at)
        if not _may_be_ours(track):
            continue
        cues += _cues(track)
        note = note or _ours(track)
        if all(_is_cue(child) or _schema(child) == "Gap" for child in track["children"]):
            splices.append(Splice(_with_separator(document, children, number), ""))
        else:  # somebody put a clip of their own on it: that one stays, and where it is
            splices += _blanked(document, at)
    noted = note.get("references")
    pairs = [pair for pair in noted if _is_pair(pair)] if isinstance(noted, list) else []
    restore = {str(pair["now"]): str(pair["was"]) for pair in pairs}
    return Lifted(spliced(text, splices), tuple(cues), restore, str(note.get("original_sha256", "")))


def insert(base: Lifted, rate: Fraction) -> str:
    """The text of `base` with its cues on our track, which comes last (the lowest of the audio tracks)."""
    document = JsonText(base.text)
    children = _top_children(document)
    note: Object = {
        "format": FORMAT,
        "original_sha256": base.original_sha256,
        "references": [{"now": now, "was": was} for now, was in base.restore.items()],
    }
    track = _track(base.cues, rate, note)
    if not children:
        place = _tracks(document)["children"].start + 1
        return spliced(base.text, [Splice(At(place, place), json.dumps(track, allow_nan=False))])
    last = children[-1]
    before = children[-2].end + 1 if len(children) > 1 else _tracks(document)["children"].start + 1
    space = re.search(r"\r?\n[ \t]*$", base.text[before : last.start])
    # In a file with a line for each value ours has that too, indented as its neighbours are.
    written = json.dumps(track, allow_nan=False, indent=4 if space else None)
    lead = space[0] if space else ""
    body = "," + lead + (written.replace("\n", lead) if space else written)
    return spliced(base.text, [Splice(At(last.end, last.end), body)])


def merged(cues: Sequence[Cue], new: Cue, rate: Fraction) -> tuple[Cue, ...]:
    """`cues` with `new` among them, instead of those that lie under it.

    Sound is written in whole frames, so neighbours may share one; then the earlier gives it up.
    """
    frame = 1 / rate
    before = [cue for cue in cues if cue.start < new.start and cue.end <= new.start + frame]
    after = [cue for cue in cues if cue.start > new.start and cue.start >= new.end - frame]
    ordered = sorted([*before, new, *after], key=lambda cue: cue.start)
    for number, (left, right) in enumerate(pairwise(ordered)):
        if left.end > right.start:
            ordered[number] = _shortened(left, right.start - left.start)
    return tuple(ordered)


def with_references(text: str, change: dict[str, str]) -> str:
    """`text` with media references re-spelled; `change` maps JSON strings, quotes and all."""
    if not change:
        return text
    document = JsonText(text)
    return spliced(
        text,
        [Splice(at, change[document.raw(at)]) for at in references(document) if document.raw(at) in change],
    )


def references(document: JsonText) -> list[At]:
    """Where the file names of media references stand."""
    keys = {"ExternalReference": "target_url", "ImageSequenceReference": "target_url_base"}
    found: list[At] = []
    for members in document.objects(document.root):
        key = keys.get(str(document.value(members["OTIO_SCHEMA"])).split(".")[0])
        if key in members and document.raw(members[key]).startswith('"'):
            found.append(members[key])
    return found


def time_object(frames: Fraction, rate: Fraction) -> Object:
    """A RationalTime."""
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(frames)}


def range_object(start: Fraction, duration: Fraction, rate: Fraction) -> Object:
    """A TimeRange; start and duration in frames."""
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "duration": time_object(duration, rate),
        "start_time": time_object(start, rate),
    }


def item_object(schema: str, name: str, source_range: Object | None, **rest: Any) -> Object:
    """What every item of a timeline has, in the order in which OTIO writes it."""
    return {
        "OTIO_SCHEMA": schema,
        "metadata": {},
        "name": name,
        "source_range": source_range,
        "effects": [],
        "markers": [],
        "enabled": True,
    } | rest


def _track(cues: Sequence[Cue], rate: Fraction, note: Object) -> Object:
    children: list[Object] = []
    place = Fraction(0)
    for cue in cues:
        if cue.start > place:
            gap = range_object(Fraction(0), (cue.start - place) * rate, rate)
            children.append(item_object("Gap.1", "", gap))
        children.append(cue.clip)
        place = cue.end
    return item_object("Track.1", TRACK_NAME, None, metadata={KEY: note}, children=children, kind="Audio")


def _tracks(document: JsonText) -> dict[str, At]:
    return document.members(document.members(document.root)["tracks"])


def _top_children(document: JsonText) -> list[At]:
    children = _tracks(document).get("children")
    if children is None or not document.is_array(children):
        raise TimelineError("The timeline has no list of tracks.", "Export it again.")
    return document.elements(children)


def _may_be_ours(track: Object) -> bool:
    return (
        _schema(track) == "Track"
        and isinstance(track.get("children"), list)
        and (bool(_ours(track)) or any(_is_cue(child) for child in track["children"]))
    )


def _is_cue(child: Any) -> bool:
    return _schema(child) == "Clip" and bool(_ours(child))


def _ours(item: Object) -> Object:
    """What we wrote into an item's metadata; empty for an item that is not ours."""
    metadata = item.get("metadata")
    found = metadata.get(KEY) if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def _is_pair(value: Any) -> bool:
    return isinstance(value, dict) and {"now", "was"} <= value.keys()


def _schema(value: Any) -> str:
    return str(value.get("OTIO_SCHEMA")).split(".")[0] if isinstance(value, dict) else ""


def _cues(track: Object) -> list[Cue]:
    found: list[Cue] = []
    place = Fraction(0)
    for child in track["children"]:
        try:
            duration = Fraction(0) if _schema(child) == "Transition" else _seconds(child["source_range"])
        except (KeyError, TypeError, ValueError) as error:
            raise TimelineError(
                f"The track {TRACK_NAME} has an item without a length.", "Remove that item in your editor."
            ) from error
        if _is_cue(child):
            found.append(Cue(place, duration, child))
        place += duration
    return found


def _seconds(source_range: Object) -> Fraction:
    time = source_range["duration"]
    return Fraction(float(time["value"])).limit_denominator(1_000_000) / snap_rate(float(time["rate"]))


def _with_separator(document: JsonText, children: list[At], number: int) -> At:
    """An element with the one comma that came with it."""
    if number > 0:
        return At(children[number - 1].end, children[number].end)
    if len(children) > 1:
        return At(children[0].start, children[1].start)
    return At(_tracks(document)["children"].start + 1, children[0].end)


def _blanked(document: JsonText, track: At) -> list[Splice]:
    """Put a gap of the same length in the place of each of our clips on a track that is shared."""
    splices: list[Splice] = []
    for at in document.elements(document.members(track)["children"]):
        child = document.value(at)
        if _is_cue(child):
            splices.append(Splice(at, json.dumps(item_object("Gap.1", "", child["source_range"]))))
    return splices


def _shortened(cue: Cue, duration: Fraction) -> Cue:
    time = cue.clip["source_range"]["duration"]
    shorter = time | {"value": float(duration * snap_rate(float(time["rate"])))}
    clip = cue.clip | {"source_range": cue.clip["source_range"] | {"duration": shorter}}
    return replace(cue, duration=duration, clip=clip)
