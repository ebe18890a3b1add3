"""Volume automation of our music: points that its metadata keeps and that editors show as keyframes.

Points are joined by straight lines in dB; before the first and after the last the level stays.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

KEY = "levels"  # in the metadata of a cue
LOWEST_DB, HIGHEST_DB = -100.0, 12.0
_MOST = 100_000  # points; of a stranger's file no more are read
_LONGEST_S = 1e6
_DUST = Fraction(1, 1000)  # frames that a time may be off by having been a float


@dataclass(frozen=True, slots=True)
class Level:
    """The level at a time: seconds from the first sample of the sound file, and dB."""

    time: Fraction
    gain: float


def levels_json(levels: Sequence[Level]) -> list[dict[str, float]]:
    """As the metadata of a cue keeps them."""
    return [{"time": float(level.time), "gain_db": level.gain} for level in levels]


def levels_of(cue: str) -> tuple[Level, ...]:
    """The automation that a cue's metadata (JSON that somebody else may have written) asks for, ascending."""
    try:
        found = json.loads(cue) if cue else {}
    except ValueError:
        return ()
    rows = found.get(KEY) if isinstance(found, dict) else None
    levels = [_level(row) for row in rows[:_MOST]] if isinstance(rows, list) else []
    return tuple(sorted((each for each in levels if each is not None), key=lambda level: level.time))


def with_levels(cue: str, levels: Sequence[Level]) -> str:
    """A cue's metadata with the automation that lies on it now, where a program may have changed it."""
    said: dict[str, Any] = json.loads(cue)
    if not levels and KEY not in said:
        return cue
    said.pop(KEY, None)
    return json.dumps(said | ({KEY: levels_json(levels)} if levels else {}))


def framed(levels: Sequence[Level], rate: Fraction) -> tuple[tuple[int, float], ...]:
    """(frame of the sound file, dB) on whole frames, each only once: what is low is never so too briefly.

    A fall is over by its time and a rise does not begin before it. What falls within a frame takes one.
    """
    gains = [level.gain for level in levels]
    frames = [
        math.ceil(level.time * rate - _DUST) if _rises(gains, n) else math.floor(level.time * rate + _DUST)
        for n, level in enumerate(levels)
    ]
    for n in range(1, len(frames)):
        if frames[n] <= frames[n - 1] and gains[n] > gains[n - 1]:
            frames[n] = frames[n - 1] + 1
    for n in reversed(range(len(frames) - 1)):
        if frames[n] >= frames[n + 1] and gains[n] > gains[n + 1]:
            frames[n] = frames[n + 1] - 1
    lowest: dict[int, float] = {}
    for frame, gain in zip(frames, gains, strict=True):
        if frame >= 0:
            lowest[frame] = min(gain, lowest.get(frame, gain))
    return tuple(sorted(lowest.items()))


def linear(gain: float) -> float:
    """dB as a factor."""
    return float(10 ** (gain / 20))


def decibels(factor: float) -> float:
    """A factor as dB, to a thousandth; no factor is less than the lowest level."""
    return round(20 * math.log10(max(factor, linear(LOWEST_DB))), 3)


def plain(gain: float) -> str:
    """A level in dB as files say it: to a thousandth."""
    return f"{round(gain, 3) + 0.0:g}"  # the sum makes -0 a 0


def _rises(gains: Sequence[float], number: int) -> bool:
    """Whether a point is one end of a way up (and not, at its other side, the end of a way down)."""
    before = gains[number - 1] if number else gains[number]
    after = gains[number + 1] if number + 1 < len(gains) else gains[number]
    return before <= gains[number] and after >= gains[number] and before != after


def _level(row: object) -> Level | None:
    try:
        time, gain = float(row["time"]), float(row["gain_db"])  # type: ignore[index]
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if not (0 <= time <= _LONGEST_S and math.isfinite(gain)):
        return None
    return Level(Fraction(time), min(HIGHEST_DB, max(LOWEST_DB, gain)))
