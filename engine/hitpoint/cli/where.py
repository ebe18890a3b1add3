"""From the options of a command to what is to be scored, and how."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import get_args

from hitpoint.errors import UsageError
from hitpoint.values import Ducking, DucksInto, Scope


@dataclass(frozen=True, slots=True)
class Where:
    """The three fields of a `ScoreRequest` that say it: a clip with a range in it, or a scope."""

    clip: str | None
    range: tuple[Fraction, Fraction] | None
    scope: Scope | None


def where(
    source: Path,
    clips: list[str] | None,
    range_: str | None,
    track: str | None,
    region: str | None,
    whole: bool,
    handles: bool,
) -> Where:
    """Read the options. Opens the timeline for what is written in its timecode. Raises UsageError."""
    from hitpoint.timeline.ranges import parse_range, parse_span
    from hitpoint.timeline.read import read_timeline

    clips = clips or []
    span = parse_span(range_, read_timeline(source)) if range_ and ".." in range_ else None
    if span or track or region or whole or handles or len(clips) > 1 or _are_several(source, clips):
        if range_ and not span:
            raise UsageError("A range IN-OUT is of one clip.", "Write IN..OUT for a range of the timeline.")
        return Where(None, None, Scope(tuple(clips), span, region, track, whole, handles))
    if range_ is None:
        return Where(clips[0] if clips else None, None, None)
    rate = read_timeline(source).rate if range_.count(":") > 2 else None
    return Where(clips[0] if clips else None, parse_range(range_, rate), None)


def _are_several(source: Path, clips: list[str]) -> bool:
    """Whether one `--clip` means more than one: FIRST..LAST, unless a clip is called that."""
    from hitpoint.timeline.read import read_timeline

    return any(".." in clip for clip in clips) and not any(
        clip.name == clips[0] for clip in read_timeline(source).clips
    )


def ducking(duck: str, level: float, attack: float, release: float, into: str) -> Ducking | None:
    """How the music makes room for speech, or None. Raises UsageError."""
    if duck not in ("off", "auto"):
        raise UsageError(f"There is no way to duck called {duck!r}.", "Use off or auto.")
    way = _ducks_into(into)
    return Ducking(level, attack, release, way) if duck == "auto" else None


def _ducks_into(name: str) -> DucksInto:
    ways: tuple[DucksInto, ...] = get_args(DucksInto)
    for way in ways:
        if way == name:
            return way
    raise UsageError(f"Dips cannot go into {name!r}.", f"Use one of: {', '.join(ways)}.")


def intensity_curve(text: str | None) -> tuple[tuple[float, float], ...]:
    """Seconds and levels (0 to 1) out of "0:0.3,10:0.9", or of a file of such points; empty for None.

    In a file, lines part points as commas do. Raises UsageError.
    """
    if text is None:
        return ()
    points: dict[float, float] = {}
    for point in filter(None, (each.strip() for each in _written(text).replace("\n", ",").split(","))):
        seconds, level = _point(point)
        if points and seconds <= max(points):
            raise UsageError(f"The point {point!r} is not later than the one before.", "Give them in order.")
        points[seconds] = level
    if not points:
        raise UsageError("The intensity curve has no points.", _CURVE)
    return tuple(points.items())


_CURVE = "Write SECONDS:LEVEL with levels from 0 to 1, such as 0:0.3,10:0.9, or name a file of such points."


def _written(text: str) -> str:
    """The text itself, or what the file of that name holds."""
    if not os.path.isfile(text):  # noqa: PTH113 - unlike that of Path it bears a text too long for a name
        return text
    try:
        return Path(text).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{text} cannot be read: {error}.", _CURVE) from error


def _point(text: str) -> tuple[float, float]:
    seconds, _, level = text.partition(":")
    try:
        point = float(seconds), float(level)
    except ValueError as error:
        raise UsageError(f"{text!r} is no point of an intensity curve.", _CURVE) from error
    if not (0 <= point[0] < math.inf and 0 <= point[1] <= 1):
        raise UsageError(f"{text!r} is no point of an intensity curve.", _CURVE)
    return point
