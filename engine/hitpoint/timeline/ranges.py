"""Stretches of time as people write them: of a clip, of the timeline, or as a marked region."""

from __future__ import annotations

import re
from fractions import Fraction

from hitpoint.errors import UsageError
from hitpoint.media.timecode import format_timecode, parse_timecode
from hitpoint.values import Mark, TimelineInfo

Span = tuple[Fraction, Fraction]
"""From and to, in seconds."""

_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
_SECONDS = re.compile(r"(?:\d+(?:\.\d+)?|\.\d+)s?")
_FRAMES = re.compile(r"(\d+)f")
_PAIRS = (("in", "out"), ("start", "end"))


def parse_range(text: str, rate: Fraction | None = None) -> Span:
    """`IN-OUT` in seconds from the start of the clip; each in seconds, H:MM:SS.s or HH:MM:SS:FF.

    Frames need the `rate` that they are counted in. Raises UsageError.
    """
    parts = [part.strip() for part in re.split(r"[-–]", text)]
    if len(parts) != 2:
        raise UsageError(f"{text!r} is not a range.", "Write it as IN-OUT in seconds, for example 1.5-8.")
    start, end = (_parse_time(part, text, rate) for part in parts)
    return _ordered(start, end, text)


def parse_span(text: str, info: TimelineInfo) -> Span:
    """`IN..OUT` on the timeline, in seconds from its start; without one of them, its beginning or its end.

    Each in seconds or H:MM:SS.s from the start of the timeline, in frames from there (`250f`), or as the
    timecode that the editor shows, which counts from the timeline's start timecode. Raises UsageError.
    """
    parts = [part.strip() for part in text.split("..")]
    if len(parts) != 2 or not any(parts):
        raise UsageError(
            f"{text!r} is not a range of the timeline.", "Write it as IN..OUT, for example 10..25."
        )
    start = _parse_record(parts[0], text, info) if parts[0] else Fraction(0)
    end = _parse_record(parts[1], text, info) if parts[1] else info.duration
    return _ordered(start, end, text)


def checked_span(span: Span, info: TimelineInfo) -> Span:
    """`span` if it lies within the timeline; an end that is rounded up is the end. Raises UsageError."""
    start, end = span
    last = max([info.duration, *(clip.record_start + clip.duration for clip in info.clips)])
    if last < end <= last + 1 / (2 * info.rate):
        end = last
    if not 0 <= start < end <= last:
        what = f"The range {float(span[0]):g}..{float(span[1]):g} s"
        raise UsageError(f"{what} is not within the timeline.", f"It is {float(last):.3f} s long.")
    return start, end


def region_span(name: str, info: TimelineInfo) -> Span:
    """Where the region `name` lies: a marker that lasts, or two markers that are called NAME, or NAME in and
    NAME out (or start and end). Raises UsageError."""
    wanted = name.casefold().strip()
    named = [mark for mark in info.marks if mark.name.casefold().strip() == wanted]
    lasting = [mark for mark in named if mark.duration > 0]
    if len(lasting) == 1:
        return lasting[0].time, lasting[0].time + lasting[0].duration
    pairs = [_pair(info.marks, wanted, *ends) for ends in _PAIRS]
    if len(named) == 2 and not lasting:
        pairs.insert(0, (named[0].time, named[1].time))
    found = next((pair for pair in pairs if pair is not None), None)
    if found is not None and not lasting:
        return _ordered(*found, name)
    if lasting:
        raise UsageError(f"{len(lasting)} markers {name!r} last for a while.", "Give them different names.")
    if named:
        raise UsageError(
            f"The marker {name!r} has no length, and no second one of that name ends the region.",
            "Make it last, or add a marker of the same name where the region ends.",
        )
    raise UsageError(f"The timeline has no region {name!r}.", _choices(info))


def _pair(marks: tuple[Mark, ...], name: str, first: str, last: str) -> Span | None:
    times = [
        [mark.time for mark in marks if mark.name.casefold().split() == [*name.split(), end]]
        for end in (first, last)
    ]
    return (times[0][0], times[1][0]) if all(len(each) == 1 for each in times) else None


def _choices(info: TimelineInfo) -> str:
    names = list(dict.fromkeys(mark.name for mark in info.marks if mark.name))
    rest = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"It has markers named: {', '.join(names[:20])}{rest}." if names else "It has no named marker."


def _ordered(start: Fraction, end: Fraction, text: str) -> Span:
    if end <= start:
        raise UsageError(f"The range {text} is empty or backwards.", "OUT must be later than IN.")
    return start, end


def _parse_record(part: str, text: str, info: TimelineInfo) -> Fraction:
    if frames := _FRAMES.fullmatch(part):
        return int(frames[1]) / info.rate
    time = _parse_time(part, text, info.rate)
    if part.count(":") + part.count(";") < 3 or not info.start_timecode:
        return time
    if time < info.start_timecode:
        begins = format_timecode(round(info.start_timecode * info.rate), info.rate)
        raise UsageError(
            f"{part} in the range {text!r} is before the timeline begins.", f"It begins at {begins}."
        )
    return time - info.start_timecode


def _parse_time(part: str, text: str, rate: Fraction | None) -> Fraction:
    if _SECONDS.fullmatch(part):
        return Fraction(part.removesuffix("s"))
    if clock := _CLOCK.fullmatch(part):
        return (int(clock[1] or 0) * 60 + int(clock[2])) * 60 + Fraction(clock[3])
    if rate is not None:
        try:
            return parse_timecode(part, rate)
        except ValueError as error:
            raise UsageError(f"In the range {text!r}: {error}.", "Write HH:MM:SS:FF or seconds.") from error
    raise UsageError(f"{part!r} in the range {text!r} is not a time.", "Write seconds, for example 1.5-8.")
