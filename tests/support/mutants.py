"""Mutants of timelines: parts replaced, dropped, swapped and nested as no editor would, and damaged bytes."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import opentimelineio as otio
from timelines import MEDIA, clip, gap, span, timeline

SCHEMAS = [
    "Clip", "Gap", "Track", "Stack", "Timeline", "Transition", "Effect", "TimeEffect", "LinearTimeWarp",
    "FreezeFrame", "Marker", "ExternalReference", "MissingReference", "GeneratorReference", "Item",
    "ImageSequenceReference", "RationalTime", "TimeRange", "TimeTransform", "SerializableCollection",
    "SerializableObject", "SerializableObjectRef", "SerializableObjectWithMetadata", "Composition",
    "Composable", "MediaReference", "SchemaDef", "UnknownSchema", "V2d", "Box2d", "Color", "Gizmo",
]  # fmt: skip
VALUES: list[Any] = [
    None, [], {}, "", "x", -1, 0, 1, 0.5, 1e13, -1e300, 1e308, 2**63, -(2**63), 2**64, True, [None], [[]],
    "\ud800", "../../x", {"OTIO_SCHEMA": "Clip.1"}, {"OTIO_REF_ID": "a"}, float("nan"), float("inf"),
    {"OTIO_SCHEMA": "SerializableObjectRef.1", "id": "Stack-1"}, {"a": {"b": [1, "c"]}},
]  # fmt: skip
BYTES = [
    b"\x00",
    b"\xff",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b"Inf",
    b"-Inf",
    b"NaN",
    b"\\u0000",
    b",",
    b"1e999",
    b"\xf0",
]


def seeds() -> list[bytes]:
    """One timeline with everything that there is, and the real samples."""
    made = [_everything().to_json_string(indent=-1).encode()]
    if MEDIA.is_dir():
        found = sorted((MEDIA / "timeline").glob("*.otio"))
        made += [path.read_bytes() for path in found if path.stat().st_size < 20_000]
    return made


def _everything() -> otio.schema.Timeline:
    shot = clip("a", "a.mov", span(3, 50), span(0, 100))
    shot.effects.append(otio.schema.LinearTimeWarp(time_scalar=0.5))
    shot.markers.append(otio.schema.Marker("m", span(1, 2), "RED"))
    still = clip("b", None, span(0, 20), None)
    still.effects.append(otio.schema.FreezeFrame())
    images = otio.schema.Clip(
        "c", otio.schema.ImageSequenceReference("/x", "i", ".png", 1, 1, 25), span(0, 9)
    )
    bars = otio.schema.Clip("d", otio.schema.GeneratorReference("bars", "SMPTE", span(0, 10)), span(0, 10))
    nest = otio.schema.Stack(
        "n", [otio.schema.Track("i", [gap(7), clip("e", "e.mov", span(0, 9), None)])], span(2, 9)
    )
    half = otio.opentime.RationalTime(3, 25)
    fade = otio.schema.Transition("f", "SMPTE_Dissolve", half, half)
    made = timeline(
        [[shot, fade, still, gap(10), nest], [images, bars]], otio.opentime.RationalTime(90000, 25)
    )
    music = clip("cue", "cue.wav", span(0, 25), span(0, 25))
    music.metadata["hitpoint"] = {"seed": 1}
    ours = otio.schema.Track("Hitpoint", [gap(5), music], kind="Audio")
    ours.metadata["hitpoint"] = {
        "format": 1,
        "original_sha256": "0",
        "references": [{"now": '"a"', "was": '"b"'}],
    }
    made.tracks.append(ours)
    return made


def mutant(seed: bytes, parsed: Any, dice: random.Random) -> bytes:
    """One to four changes to the structure, or to the bytes, of a seed; sometimes to both."""
    kind = dice.random()
    if kind < 0.8:
        root = copy.deepcopy(parsed)
        for _ in range(dice.randint(1, 4)):
            root = _changed(root, dice)
        seed = _text(root)
    return _damaged(seed, dice) if kind > 0.75 else seed


def _text(root: Any) -> bytes:
    return json.dumps(root).encode()


def _places(root: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    todo = [root]
    while todo:
        value = todo.pop()
        children = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, child in children:
            found.append((value, key))
            todo.append(child)
    return found


def _changed(root: Any, dice: random.Random) -> Any:
    places = _places(root)
    if not places:
        return root
    parent, key = dice.choice(places)
    other, other_key = dice.choice(places)
    act = dice.randrange(9)
    if act == 0:
        parent[key] = copy.deepcopy(dice.choice(VALUES))
    elif act == 1:
        del parent[key]
    elif act == 2:
        parent[key] = copy.deepcopy(other[other_key])
    elif act == 3:
        parent[key], other[other_key] = copy.deepcopy(other[other_key]), copy.deepcopy(parent[key])
    elif act == 4 and isinstance(parent[key], dict):
        version = dice.choice([1, 1, 2, 2, 3, 0, 99])
        parent[key]["OTIO_SCHEMA"] = f"{dice.choice(SCHEMAS)}.{version}"
    elif act == 5 and isinstance(parent[key], list):
        parent[key] += [copy.deepcopy(other[other_key])] * dice.choice([1, 2, 30])
    elif act == 6:
        for _ in range(dice.choice([1, 5, 50, 150])):
            parent[key] = [parent[key]] if dice.random() < 0.5 else _nest(parent[key])
    elif act == 7 and isinstance(parent, dict):
        parent[dice.choice(list(other) if isinstance(other, dict) else ["children"])] = parent[key]
    elif isinstance(parent[key], int | float):
        parent[key] = parent[key] * dice.choice([-1, 0, 1e-9, 1e6, 1e12]) + dice.choice([0, 0.5, 1])
    return root


def _nest(value: Any) -> Any:
    return {"OTIO_SCHEMA": "Stack.1", "children": [value]}


def _damaged(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randint(1, 5)):
        place = dice.randrange(len(changed) + 1)
        changed[place : place + dice.choice([0, 0, 1, 4, 40])] = dice.choice(BYTES)
    return bytes(changed)
