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
from hitpoint.cue.plan import SECTION_KINDS, STYLES, Accent, Chord, CuePlan, Scene, Section, Tone
from hitpoint.cue.verify import chunk_of
from hitpoint.cue.wav import SKETCH
from hitpoint.errors import MediaError
from hitpoint.values import BundleId, Duck, Ducking, Floats, HitKind, HitPoint

VERSION = 1
MAX_BYTES = 1 << 28
_MAX_CHANNELS, _MAX_FRAMES = 1024, 1 << 17
_LONGEST_S, _MOST_STEPS = 1800.0, 128
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
        accents=tuple(Accent(float(a["time"]), float(a["strength"])) for a in data["accents"]),
        chords=tuple(_chord(chord) for chord in data["chords"]),
        sections=tuple(_section(section) for section in data["sections"]),
        tonic=int(data["tonic"]),
        minor=bool(data["minor"]),
        tune=tuple(_tone(tone) for tone in data.get("tune", ())),
        scenes=tuple(Scene(float(s["start"]), tuple(s["look"])) for s in data.get("scenes", ())),
        looks=tuple(tuple(float(value) for value in look) for look in data.get("looks", ())),
    )
    if plan.style not in STYLES:
        raise ValueError(f"unknown style {plan.style!r}")
    if not (plan.beats and plan.downbeats and plan.chords and plan.sections):
        raise ValueError("beats, chords or sections are missing")
    return plan


def _chord(data: Mapping[str, Any]) -> Chord:
    pitches = tuple(int(pitch) for pitch in data["pitch_classes"])
    chord = Chord(float(data["start"]), int(data["root"]), pitches, int(data["bass"]))
    if not all(0 <= pitch < 12 for pitch in (*pitches, chord.root, chord.bass)):
        raise ValueError("a chord has no such pitch")
    return chord


def _section(data: Mapping[str, Any]) -> Section:
    if data["kind"] not in SECTION_KINDS:
        raise ValueError(f"unknown section {data['kind']!r}")
    return Section(float(data["start"]), data["kind"], float(data["intensity"]))


def _tone(data: Mapping[str, Any]) -> Tone:
    return Tone(float(data["start"]), float(data["duration"]), int(data["pitch"]))


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
    sketch = Sketch(
        plan=plan_from(data["plan"]),
        hits=tuple(_hit(hit) for hit in data["hits"]),
        bundle=BundleId(str(data["bundle"]["name"]), str(data["bundle"]["sha256"])),
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
    if not (0 < sketch.plan.duration <= _LONGEST_S and sketch.frame_rate > 0 and sketch.lead_samples >= 0):
        raise ValueError("it has an impossible length or rate")
    if not 1 <= sketch.steps <= _MOST_STEPS:
        raise ValueError("it has an impossible number of steps")
    return sketch


def _hit(data: Mapping[str, Any]) -> HitPoint:
    if data["kind"] not in get_args(HitKind):
        raise ValueError(f"unknown kind {data['kind']!r}")
    return HitPoint(float(data["time"]), float(data["strength"]), data["kind"], bool(data["locked"]))


def _ducked(data: Mapping[str, Any]) -> Ducked:
    ducks = (Duck(float(d["start"]), float(d["end"]), float(d["gain"])) for d in data["ducks"])
    how = data["how"]
    return Ducked(tuple(ducks), Ducking(float(how["level"]), float(how["attack"]), float(how["release"])))


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is no number")
    return number
