"""What the parts of a batch tell each other: a job, its state, and its request as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

from hitpoint.errors import HitpointError
from hitpoint.provenance import request_json
from hitpoint.values import ScoreRequest

State = Literal["waiting", "running", "done", "failed", "aside", "skipped"]
"""`failed`: Hitpoint said why it cannot be done. `aside`: it took three workers with it."""

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | int | bool | None"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no music: the error's name, what happened, what to do."""

    name: str
    what: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One clip to score. `key` is the digest of all that decides the result, so the same work has one key.

    `fault` says why it will not even be tried; `skipped` that this is no failure.
    """

    key: str
    request: ScoreRequest
    output: Path
    clip: str = ""  # its name in the timeline, for people
    seconds: Fraction = Fraction(0)  # its length
    fault: Fault | None = None
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a finished job."""

    asset: Path
    sha256: str  # of the sound file
    style: str
    hit_rate: float
    chance_rate: float
    wall_s: float
    warnings: tuple[str, ...] = ()
    hits: tuple[tuple[float, bool], ...] = ()  # each hit point: seconds of the clip, and whether it is hit


@dataclass(frozen=True, slots=True)
class Row:
    """A job as it stands in the queue. `fraction` from 0 to 1 within `stage`."""

    job: Job
    state: State
    deaths: int
    owner: str
    beat: int
    stage: str
    fraction: float
    outcome: Outcome | None
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class Tally:
    """How a batch stands: how many jobs are in each state, and those that are being worked on."""

    counts: Mapping[State, int]
    running: tuple[Row, ...]

    @property
    def left(self) -> int:
        """Jobs that are not finished."""
        return self.counts["waiting"] + self.counts["running"]

    @property
    def finished(self) -> int:
        """Jobs that somebody worked on, whatever came of it."""
        return self.counts["done"] + self.counts["failed"] + self.counts["aside"]


def fault_of(error: HitpointError) -> Fault:
    """An error of ours as the queue keeps it."""
    return Fault(type(error).__name__, error.what, error.todo)


def request_text(request: ScoreRequest) -> str:
    """The request as JSON, with the whole path: `request_of` makes the same request of it."""
    record = request_json(request, request.style) | {
        "timeline": str(request.timeline),
        "bundle": None if request.bundle is None else str(request.bundle),
    }
    return json.dumps(record, sort_keys=True)


def request_of(text: str) -> ScoreRequest:
    """The request in `text`. A batch scores whole clips and knows no hit points of the user's."""
    record = json.loads(text)
    record.pop("user_hits")
    bundle = record.pop("bundle")
    request = ScoreRequest(**record | {"timeline": Path(record["timeline"]), "range": None})
    return replace(request, bundle=None if bundle is None else Path(bundle))


def outcome_text(outcome: Outcome) -> str:
    """As JSON."""
    return json.dumps(
        {
            "asset": str(outcome.asset),
            "sha256": outcome.sha256,
            "style": outcome.style,
            "hit_rate": outcome.hit_rate,
            "chance_rate": outcome.chance_rate,
            "wall_s": outcome.wall_s,
            "warnings": list(outcome.warnings),
            "hits": outcome.hits,
        }
    )


def outcome_of(text: str) -> Outcome:
    """The outcome in `text`."""
    record = json.loads(text)
    return Outcome(
        **record
        | {
            "asset": Path(record["asset"]),
            "warnings": tuple(record["warnings"]),
            "hits": tuple((float(time), bool(hit)) for time, hit in record.get("hits", ())),
        },
    )
