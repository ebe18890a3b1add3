"""The first look at an untrusted timeline: bytes and plain JSON, before the timeline library sees it.

Every rule here stands for input that was seen to crash, hang or mislead OpenTimelineIO 0.18.1. The list
cannot be complete, which is why the library itself runs in a child process (`hitpoint.timeline.guard`).
"""

from __future__ import annotations

import json
import re
from typing import TypeAlias, cast

from hitpoint.errors import TimelineError
from hitpoint.timeline.jsontext import readable

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

MAX_BYTES = 64 << 20
MAX_DEPTH = 200
MAX_ITEMS = 100_000
MAX_NUMBER = 1e12

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)
_LABEL = re.compile(r"[A-Za-z_]\w*\.([1-9]\d{0,3})")
_PLAIN = frozenset({"RationalTime", "TimeRange", "TimeTransform", "V2d", "Box2d"})
_EXPORT_AGAIN = "Export it again from your editor as OpenTimelineIO (.otio)."


def prescan(data: bytes) -> str:
    """The text of a timeline file that is safe to hand on. Raises TimelineError with the first fault."""
    if not data.strip():
        raise TimelineError("The timeline file is empty.", _EXPORT_AGAIN)
    if len(data) > MAX_BYTES:
        raise TimelineError(f"The timeline file is larger than {MAX_BYTES >> 20} MB.", "Split the timeline.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TimelineError("The timeline file is not UTF-8 text.", _EXPORT_AGAIN) from error
    _check_depth(text)
    _check_root(_parse(text))
    return text


def _check_depth(text: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise TimelineError(f"The timeline is nested more than {MAX_DEPTH} deep.", _EXPORT_AGAIN)
        elif first != '"':
            depth -= 1


def _parse(text: str) -> Json:
    try:
        return cast("Json", json.loads(readable(text), object_pairs_hook=_unique_keys))
    except json.JSONDecodeError as error:
        what = f"The timeline file is not valid JSON: {error.msg} in line {error.lineno}."
        raise TimelineError(what, _EXPORT_AGAIN) from error
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits is a ValueError
        raise TimelineError(f"The timeline file cannot be read: {error}.", _EXPORT_AGAIN) from error


def _unique_keys(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise TimelineError("The timeline file has an object with the same key twice.", _EXPORT_AGAIN)
    return found


def _check_root(root: Json) -> None:
    schema = root.get("OTIO_SCHEMA") if isinstance(root, dict) else None
    if not isinstance(root, dict) or not isinstance(schema, str):
        raise TimelineError("The file is JSON, but not an OpenTimelineIO timeline.", _EXPORT_AGAIN)
    if schema.split(".")[0] != "Timeline":
        raise TimelineError(
            f"The file holds a {schema.split('.')[0]}, not a timeline.",
            "Export the sequence itself as .otio.",
        )
    tracks = root.get("tracks")
    if not isinstance(tracks, dict) or not str(tracks.get("OTIO_SCHEMA")).startswith("Stack."):
        raise TimelineError("The timeline has no stack of tracks.", _EXPORT_AGAIN)
    _check_values(root)


def _check_values(root: Json) -> None:
    """Walk everything: schema labels, references, numbers, and how many items there are."""
    items = 0
    todo: list[tuple[Json, bool, bool]] = [(root, False, False)]
    while todo:
        value, free, plain = todo.pop()
        if isinstance(value, dict):
            items += "OTIO_SCHEMA" in value
            _check_object(value)
            plain = _within_plain(value, plain)
            # Numbers in metadata are never computed with: a host may keep 64-bit ids there.
            todo += [(child, free or key == "metadata", plain) for key, child in value.items()]
        elif isinstance(value, list):
            todo += [(child, free, plain) for child in value]
        elif not free and isinstance(value, float | int) and not abs(value) <= MAX_NUMBER:  # or not a number
            raise TimelineError(f"The timeline has a time of {value}, which makes no sense.", _EXPORT_AGAIN)
    if items > MAX_ITEMS * 12:  # a clip with its ranges and references is about a dozen objects
        raise TimelineError(f"The timeline has more than {MAX_ITEMS} items.", "Split the timeline.")


def _within_plain(value: dict[str, Json], plain: bool) -> bool:
    """Whether what lies in this part lies in a plain one.

    The library copies those, and forgets what else they hold before it is done with it.
    """
    schema = str(value.get("OTIO_SCHEMA", "")).split(".")[0]
    if plain and schema and schema not in _PLAIN:
        raise TimelineError(f"The timeline has a {schema} inside of a time or a measure.", _EXPORT_AGAIN)
    return plain or schema in _PLAIN


def _check_object(value: dict[str, Json]) -> None:
    if "OTIO_REF_ID" in value:
        raise TimelineError("The timeline refers to its own parts (OTIO_REF_ID).", _EXPORT_AGAIN)
    if "OTIO_SCHEMA" not in value:
        return
    label = value["OTIO_SCHEMA"]
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        raise TimelineError(f"The timeline has an unknown kind of part, {label!r}.", _EXPORT_AGAIN)
    if label.startswith("SerializableObjectRef."):
        raise TimelineError("The timeline refers to its own parts (SerializableObjectRef).", _EXPORT_AGAIN)
    if label.startswith("UnknownSchema."):
        raise TimelineError(f"The timeline has an unknown kind of part, {label!r}.", _EXPORT_AGAIN)
    if label == "Clip.1":
        _check_old_clip(value)


def _check_old_clip(value: dict[str, Json]) -> None:
    """The library rewrites these while it reads them, and trusts that they are what they should be."""
    if "media_references" in value:
        raise TimelineError("The timeline has a clip that is of two versions at once.", _EXPORT_AGAIN)
    media = value.get("media_reference")
    if media is not None and not (isinstance(media, dict) and "OTIO_SCHEMA" in media):
        raise TimelineError("The timeline has a clip whose media is no media reference.", _EXPORT_AGAIN)
