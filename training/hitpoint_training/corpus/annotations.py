"""A plan as JSON: what is known exactly about a piece, beside its sound."""

from __future__ import annotations

import dataclasses
import json

from hitpoint.cue.plan import CuePlan
from hitpoint.cue.sketch import plan_from
from hitpoint.errors import MediaError


def plan_to_json(plan: CuePlan) -> str:
    """The plan as JSON text, every number in full."""
    return json.dumps(dataclasses.asdict(plan), indent=1) + "\n"


def plan_from_json(text: str) -> CuePlan:
    """The plan that `plan_to_json` wrote; `MediaError` if the text is not one.

    Older ones know neither tune nor looks; then the plan has none.
    """
    try:
        return plan_from(json.loads(text))
    except (KeyError, TypeError, ValueError) as error:
        raise MediaError(
            f"This is not the annotation of a piece: {error}.", "Render the corpus again."
        ) from error
