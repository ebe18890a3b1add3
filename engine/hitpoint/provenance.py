"""What a render says of itself: its request and that request's digest, and the name of its file."""

from __future__ import annotations

import hashlib
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

from hitpoint import __version__
from hitpoint.cue.bundle import Bundle
from hitpoint.cue.wav import Provenance
from hitpoint.values import HitPoint, ScoreRequest, Selection

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | int | bool | None"

_NAME_LENGTH = 48


def request_json(request: ScoreRequest, style: str) -> dict[str, Json]:
    """Everything that affects the sound, with the timeline by its name only: a moved project is the same
    request. `style` is the one that was used, also where the request says "auto"."""
    return {
        "timeline": request.timeline.name,
        "clip": request.clip,
        "range": None if request.range is None else [str(edge) for edge in request.range],
        "style": style,
        "intensity": request.intensity,
        "seed": request.seed,
        "steps": request.steps,
        "guidance": request.guidance,
        "takes": request.takes,
        "accents": request.accents,
        "loudness": request.loudness,
        "bpm": request.bpm,
        "user_hits": [_hit(hit) for hit in request.user_hits],
    }


def _hit(hit: HitPoint) -> Json:
    return {"time": hit.time, "strength": hit.strength, "locked": hit.locked}


def provenance(request: ScoreRequest, style: str, selection: Selection, bundle: Bundle) -> Provenance:
    """What is written into the sound file."""
    asked = json.dumps([request_json(request, style), bundle.id.sha256], sort_keys=True)
    return Provenance(
        engine=f"Hitpoint {__version__}",
        bundle=bundle.id,
        request_sha256=hashlib.sha256(asked.encode()).hexdigest(),
        seed=request.seed,
        style=style,
        title=selection.clip.name,
    )


def asset_path(output: Path, selection: Selection, origin: Provenance) -> Path:
    """Where the sound goes: beside the timeline, under a name that every file system accepts."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", selection.clip.name).strip("-.")[:_NAME_LENGTH] or "clip"
    where = "" if selection.duration == selection.clip.duration else f"-{_milliseconds(selection)}"
    return output.parent / f"{name}{where}-{origin.style}-{origin.seed}-{origin.request_sha256[:8]}.wav"


def _milliseconds(selection: Selection) -> int:
    inside: Fraction = selection.record_start - selection.clip.record_start
    return round(inside * 1000)
