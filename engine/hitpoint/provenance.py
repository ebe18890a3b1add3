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
from hitpoint.cue.ducking import fader
from hitpoint.cue.wav import Provenance
from hitpoint.values import Anew, Duck, Ducking, HitPoint, Rhythm, Scope, ScoreRequest, Selection

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | int | bool | None"

_NAME_LENGTH = 48


def request_json(request: ScoreRequest, style: str) -> dict[str, Json]:
    """Everything that affects the sound, with the timeline by its name only: a moved project is the same
    request. `style` is the one that was used, also where the request says "auto". What is not asked for is
    left out, so that a plain request reads as it always did."""
    said: dict[str, Json] = {
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
    if request.stream is not None:  # it begins with a short window
        said["stream"] = True
    if request.scope is not None:
        said["scope"] = _scope(request.scope)
    if request.markers is not None:
        said["markers"] = request.markers
    if request.ducking is not None:
        said["ducking"] = _ducking(request.ducking)
    if request.tail is not None:
        said["tail"] = request.tail
    if request.intensity_curve:
        said["intensity_curve"] = [list(point) for point in request.intensity_curve]
    if request.remade:
        said["remade"] = [_anew(part) for part in request.remade]
    return said


def ducking_json(ducks: tuple[Duck, ...], how: Ducking, duration: float, lead: Fraction) -> dict[str, Json]:
    """Where the music is turned down: seconds of the scored range, and dB; `baked` says that the sound
    itself is, so that a fader must not follow it as well. If it is not, `levels` are the keyframes of one:
    seconds of the sound file, which begins with `lead` seconds of silence."""
    ranges: list[Json] = [{"start": duck.start, "end": duck.end, "gain_db": duck.gain} for duck in ducks]
    said: Json = {"baked": how.baked, "ranges": ranges}
    if how.baked:
        return {"ducking": said}
    points = [(float(lead) + time if time else 0.0, gain) for time, gain in fader(ducks, how, duration)]
    return {"ducking": said, "levels": [{"time": time, "gain_db": gain} for time, gain in points]}


def _scope(scope: Scope) -> Json:
    return {
        "clips": list(scope.clips),
        "span": None if scope.span is None else [str(edge) for edge in scope.span],
        "region": scope.region,
        "track": scope.track,
        "whole": scope.whole,
        "handles": scope.handles,
    }


def _ducking(how: Ducking) -> Json:
    said: dict[str, Json] = {"level": how.level, "attack": how.attack, "release": how.release}
    return said if how.baked else said | {"into": how.into}


def _anew(part: Anew) -> Json:
    hits: Json = None if part.hits is None else [_hit(hit) for hit in part.hits]
    return {"start": part.start, "stop": part.stop, "seed": part.seed, "style": part.style,
            "intensity": part.intensity, "hits": hits}  # fmt: skip


def _hit(hit: HitPoint) -> Json:
    return {"time": hit.time, "strength": hit.strength, "locked": hit.locked}


def provenance(
    request: ScoreRequest, style: str, selection: Selection, bundle: Bundle, rhythm: Rhythm
) -> Provenance:
    """What is written into the sound file. Hit points that came from markers are part of what was asked."""
    said: list[Json] = [request_json(request, style), bundle.id.sha256]
    if rhythm.from_markers:
        said.append([_hit(hit) for hit in rhythm.hit_points])
    asked = json.dumps(said, sort_keys=True)
    return Provenance(
        engine=f"Hitpoint {__version__}",
        bundle=bundle.id,
        request_sha256=hashlib.sha256(asked.encode()).hexdigest(),
        seed=request.seed,
        style=style,
        title=selection.name,
    )


def asset_path(output: Path, selection: Selection, origin: Provenance) -> Path:
    """Where the sound goes: beside the timeline, under a name that every file system accepts."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", selection.name).strip("-.")[:_NAME_LENGTH] or "clip"
    whole = bool(selection.pieces) or selection.duration == selection.clip.duration
    where = "" if whole else f"-{_milliseconds(selection)}"
    return output.parent / f"{name}{where}-{origin.style}-{origin.seed}-{origin.request_sha256[:8]}.wav"


def _milliseconds(selection: Selection) -> int:
    inside: Fraction = selection.record_start - selection.clip.record_start
    return round(inside * 1000)
