"""A plan as JSON: what is known exactly about a piece, beside its sound."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from hitpoint.cue.plan import STYLES, Accent, Chord, CuePlan, Scene, Section, Tone
from hitpoint.errors import MediaError


def plan_to_json(plan: CuePlan) -> str:
    """The plan as JSON text, every number in full."""
    return json.dumps(dataclasses.asdict(plan), indent=1) + "\n"


def plan_from_json(text: str) -> CuePlan:
    """The plan that `plan_to_json` wrote; `MediaError` if the text is not one.

    Older ones know neither tune nor looks; then the plan has none.
    """
    try:
        data: dict[str, Any] = json.loads(text)
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
    except (KeyError, TypeError, ValueError) as error:
        raise MediaError(
            f"This is not the annotation of a piece: {error}.", "Render the corpus again."
        ) from error
    if plan.style not in STYLES:
        raise MediaError(
            f"The annotation names an unknown style, {plan.style!r}.", "Render the corpus again."
        )
    return plan


def _chord(data: dict[str, Any]) -> Chord:
    return Chord(float(data["start"]), int(data["root"]), tuple(data["pitch_classes"]), int(data["bass"]))
