"""What a take was made from, kept in its own file, so that a part of it can be made anew and the rest stays.

The chunk `hitp` after the sound: a digest, a JSON object with the lead sheet, and the latents with their time
map. It is 4 % of the file. Programs that do not know it skip it; a file without it plays as well.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from hitpoint.cue.ducking import Ducked
from hitpoint.cue.plan import STYLES, Accent, Chord, CuePlan, Scene, Section, Tone
from hitpoint.cue.verify import chunk_of
from hitpoint.cue.wav import SKETCH
from hitpoint.errors import MediaError
from hitpoint.values import BundleId, Duck, Ducking, Floats, HitKind, HitPoint

VERSION = 1
MAX_BYTES = 1 << 28
_MAX_CHANNELS, _MAX_FRAMES = 1024, 1 << 17
_HEAD = struct.Struct("<32sI")  # sha256 of all that follows, length of the JSON


@dataclass(frozen=True, slots=True)
class Sketch:
    """Everything that a take is but its sound. `latents` (Z, frames); `shifts` (2 * frames,): by how many
    100 Hz frames each output frame is read later than its own; `level` in dB is the gain before the limiter.

    `frame_rate` of the picture; `lead_samples` of silence come first in the file.
    """

    plan: CuePlan
    hits: tuple[HitPoint, ...]
    bundle: BundleId
    title: str
    steps: int
    guidance: float
    frame_rate: float
    lead_samples: int
    level: float
    dip: Ducked | None
    latents: Floats
    shifts: Floats


def sketch_parts(sketch: Sketch) -> tuple[bytes | memoryview, ...]:
    """The body of the chunk in pieces, the latents not copied; the same bytes for the same sketch."""
    said = {
        field.name: value if not dataclasses.is_dataclass(value) else dataclasses.asdict(value)  # type: ignore[arg-type]
        for field in dataclasses.fields(sketch)
        if not isinstance(value := getattr(sketch, field.name), np.ndarray)
    }
    said["hits"] = [dataclasses.asdict(hit) for hit in sketch.hits]
    said["version"], said["channels"] = VERSION, len(sketch.latents)
    text = json.dumps(said, allow_nan=False).encode()
    arrays = [np.ascontiguousarray(z, "<f4").data.cast("B") for z in (sketch.latents, sketch.shifts)]
    body: tuple[bytes | memoryview, ...] = (struct.pack("<I", len(text)), text, *arrays)
    digest = hashlib.sha256()
    for part in body:
        digest.update(part)
    return (digest.digest(), *body)


def read_sketch(path: Path) -> Sketch:
    """The sketch in a WAV file of ours.

    Raises MissingMediaError, and MediaError where there is none, or a damaged or an unknown one.
    """
    body = chunk_of(path, SKETCH, MAX_BYTES)
    if body is None:
        raise MediaError(
            f"{path} does not hold what it was made from.", "Only a take of ours can be made anew in part."
        )
    try:
        return _sketch_from(body)
    except (KeyError, TypeError, ValueError, AttributeError, struct.error) as error:
        raise MediaError(f"What {path} was made from cannot be read: {error}.", "Make it again.") from error


def plan_from(data: Mapping[str, Any]) -> CuePlan:
    """The plan of which `data` is `dataclasses.asdict`. Raises KeyError, TypeError, ValueError.

    Older ones know neither tune nor looks; then the plan has none.
    """
    plan = CuePlan(
        duration=float(data["duration"]),
        end=float(data["end"]),
        style=str(data["style"]),
        bpm=float(data["bpm"]),
        beats_per_bar=int(data["beats_per_bar"]),
        beats=tuple(float(time) for time in data["beats"]),
        downbeats=tuple(float(time) for time in data["downbeats"]),
        accents=tuple(Accent(**accent) for accent in data["accents"]),
        chords=tuple(_chord(chord) for chord in data["chords"]),
        sections=tuple(Section(**section) for section in data["sections"]),
        tonic=int(data["tonic"]),
        minor=bool(data["minor"]),
        tune=tuple(Tone(**tone) for tone in data.get("tune", ())),
        scenes=tuple(Scene(float(s["start"]), tuple(s["look"])) for s in data.get("scenes", ())),
        looks=tuple(tuple(float(value) for value in look) for look in data.get("looks", ())),
    )
    if plan.style not in STYLES:
        raise ValueError(f"unknown style {plan.style!r}")
    if not (plan.beats and plan.downbeats and plan.chords and plan.sections):
        raise ValueError("beats, chords or sections are missing")
    return plan


def _chord(data: Mapping[str, Any]) -> Chord:
    return Chord(float(data["start"]), int(data["root"]), tuple(data["pitch_classes"]), int(data["bass"]))


def _sketch_from(body: bytes) -> Sketch:
    digest, size = _HEAD.unpack_from(body)
    if hashlib.sha256(body[len(digest) :]).digest() != digest:
        raise ValueError("it was changed since")
    data = json.loads(body[_HEAD.size : _HEAD.size + size], parse_float=_finite, parse_constant=_finite)
    if data["version"] != VERSION:
        raise ValueError(f"it has version {data['version']}, and only {VERSION} is known")
    values = np.frombuffer(body, "<f4", offset=_HEAD.size + size).astype(np.float32)
    channels = int(data["channels"])
    frames, odd = divmod(len(values), channels + 2)
    if odd or not 0 < channels <= _MAX_CHANNELS or not 0 < frames <= _MAX_FRAMES:
        raise ValueError("its latents have no shape")
    if not np.isfinite(values).all():
        raise ValueError("its latents are no numbers")
    return Sketch(
        plan=plan_from(data["plan"]),
        hits=tuple(_hit(hit) for hit in data["hits"]),
        bundle=BundleId(**data["bundle"]),
        title=str(data["title"]),
        steps=int(data["steps"]),
        guidance=float(data["guidance"]),
        frame_rate=float(data["frame_rate"]),
        lead_samples=int(data["lead_samples"]),
        level=float(data["level"]),
        dip=None if data["dip"] is None else _ducked(data["dip"]),
        latents=values[: channels * frames].reshape(channels, frames),
        shifts=values[channels * frames :],
    )


def _hit(data: Mapping[str, Any]) -> HitPoint:
    if data["kind"] not in get_args(HitKind):
        raise ValueError(f"unknown kind {data['kind']!r}")
    return HitPoint(float(data["time"]), float(data["strength"]), data["kind"], bool(data["locked"]))


def _ducked(data: Mapping[str, Any]) -> Ducked:
    return Ducked(tuple(Duck(**duck) for duck in data["ducks"]), Ducking(**data["how"]))


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is no number")
    return number
