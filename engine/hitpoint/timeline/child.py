"""The guarded child: timeline text on stdin, a plain tree as JSON on stdout. Run as a script, never imported.

It knows nothing of the rest of Hitpoint, so that `python -I` can run it by its path with no environment.
A crash of the timeline library ends this process and not the user's editor.
"""

from __future__ import annotations

import json
import sys
from typing import Any

MEMORY_BYTES = 3 << 30
CPU_S = 30
OUTPUT_BYTES = 128 << 20


def limit_resources() -> None:
    """Less memory, time and output, no core dump; not on Windows, where the parent's clock must do."""
    try:
        import resource
    except ImportError:
        return
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most, most) if hard == resource.RLIM_INFINITY else (min(most, hard), hard))


def read(text: str) -> dict[str, Any]:
    """Parse `text`; either {"timeline": ...} or {"fault": kind, "detail": sentence}."""
    import opentimelineio as otio

    try:
        found = otio.core.deserialize_json_from_string(text)
    except otio.exceptions.UnsupportedSchemaError as error:
        return {"fault": "newer", "detail": _newer_parts(otio, text) or str(error)}
    except (otio.exceptions.OTIOError, ValueError, KeyError, TypeError, RuntimeError) as error:
        return {"fault": "damaged", "detail": str(error)}
    if not isinstance(found, otio.schema.Timeline):
        return {"fault": "damaged", "detail": f"it holds a {type(found).__name__}"}
    try:
        return {"timeline": _timeline(otio, found)}
    except ValueError as error:
        return {"fault": "damaged", "detail": str(error)}


def _timeline(otio: Any, found: Any) -> dict[str, Any]:
    start = found.global_start_time
    return {
        "name": found.name,
        "start": None if start is None else [start.value, start.rate],
        "ours": _ours(otio, found),
        "premiere": "PremierePro_OTIO" in found.metadata or "PremierePro_OTIO" in found.tracks.metadata,
        "stack": _node(otio, found.tracks),
    }


def _newer_parts(otio: Any, text: str) -> str:
    known = otio.core.type_version_map()
    newer: set[str] = set()

    def look(value: dict[str, Any]) -> dict[str, Any]:
        name, _, version = str(value.get("OTIO_SCHEMA", "")).partition(".")
        if name in known and version.isdecimal() and int(version) > known[name]:
            newer.add(f"{name}.{version} (this version reads up to {name}.{known[name]})")
        return value

    json.loads(text, object_hook=look)
    return ", ".join(sorted(newer))


def _node(otio: Any, item: Any) -> dict[str, Any]:
    schema = otio.schema
    kinds = (
        (schema.Clip, "clip"), (schema.Gap, "gap"), (schema.Track, "track"),
        (schema.Stack, "stack"), (schema.Transition, "transition"),
    )  # fmt: skip
    kind = next((name for cls, name in kinds if isinstance(item, cls)), "other")
    node: dict[str, Any] = {"kind": kind, "name": item.name}
    if kind == "transition":
        before, after = item.in_offset, item.out_offset
        return node | {"fade": [before.value, before.rate, after.value, after.rate]}
    if not isinstance(item, otio.core.Item):  # a bare Composable is none of the things that a timeline shows
        raise ValueError(f"it has a {type(item).__name__} on a track")
    effects = [e for e in item.effects if isinstance(e, schema.TimeEffect)]
    node |= {
        "range": _range(item.source_range),
        "enabled": bool(item.enabled),
        "speeds": [e.time_scalar for e in effects if isinstance(e, schema.LinearTimeWarp)],
        "ramp": any(not isinstance(e, schema.LinearTimeWarp) for e in effects),
        "track_kind": item.kind if kind == "track" else "",
        "marks": [_mark(otio, marker) for marker in item.markers],
        "ours": _ours(otio, item),
        "effects": len(item.effects) - len(effects),
        "foreign": any(key != "hitpoint" for key in item.metadata),
    }
    if kind == "clip":
        node["media"] = _media(otio, item.media_reference)
        node["other_media"] = len(item.media_references()) > 1
    if kind in ("track", "stack"):
        node["children"] = [_node(otio, child) for child in item]
    return node


def _mark(otio: Any, marker: Any) -> dict[str, Any]:
    return {
        "name": marker.name,
        "comment": marker.comment,
        "colour": marker.color,
        "range": _range(marker.marked_range),
        "ours": _ours(otio, marker),
    }


def _ours(otio: Any, item: Any) -> str:
    """What Hitpoint itself wrote there, as JSON; empty for nothing."""
    found = item.metadata.get("hitpoint")
    return str(otio.core.serialize_json_to_string(found, indent=-1)) if hasattr(found, "keys") else ""


def _media(otio: Any, reference: Any) -> dict[str, Any]:
    url = reference.target_url if isinstance(reference, otio.schema.ExternalReference) else ""
    kind = "none" if reference is None else type(reference).__name__
    available = None if reference is None else reference.available_range
    name = "" if reference is None else reference.name
    return {"kind": kind, "url": url, "name": name, "range": _range(available)}


def _range(found: Any) -> list[float] | None:
    if found is None:
        return None
    return [found.start_time.value, found.start_time.rate, found.duration.value, found.duration.rate]


def main() -> None:
    """Read stdin, write stdout."""
    limit_resources()
    result = read(sys.stdin.buffer.read().decode("utf-8"))
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main()
