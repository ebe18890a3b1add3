"""From the options of a command to what is to be scored."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from hitpoint.errors import UsageError
from hitpoint.values import Ducking, Scope


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


def ducking(duck: str, level: float, attack: float, release: float) -> Ducking | None:
    """How the music makes room for speech, or None. Raises UsageError."""
    if duck not in ("off", "auto"):
        raise UsageError(f"There is no way to duck called {duck!r}.", "Use off or auto.")
    return Ducking(level, attack, release) if duck == "auto" else None
