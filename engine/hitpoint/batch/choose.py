"""`--select`: which clips of a timeline are scored, in words that fit on a command line.

An expression is a row of conditions that must all hold: `name:shot* min:2 !track:V2`. Quotes hold a value
with spaces together, `|` stands between alternatives, `!` turns a condition round.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction

from hitpoint.errors import UsageError
from hitpoint.values import ClipInfo, Mark, TimelineInfo

_RANGE = re.compile(r"(\d*)(-?)(\d*)")
_HELP = "Write conditions like name:shot* track:V2 clip:1-5|9 marker:music* colour:red min:2 max:60."

Test = Callable[[ClipInfo, Sequence[Mark]], bool]


@dataclass(frozen=True, slots=True)
class Choice:
    """A parsed expression."""

    text: str
    tests: tuple[Test, ...]

    def of(self, info: TimelineInfo) -> tuple[ClipInfo, ...]:
        """The clips of `info` that it means, in their order."""
        return tuple(clip for clip in info.clips if self._means(clip, _within(clip, info.marks)))

    def _means(self, clip: ClipInfo, marks: Sequence[Mark]) -> bool:
        return all(test(clip, marks) for test in self.tests)


def parse_choice(text: str) -> Choice:
    """Raises UsageError for what is no expression."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{text!r} has a quotation mark without its partner.", _HELP) from error
    if not words:
        raise UsageError("--select says nothing.", _HELP)
    return Choice(text, tuple(_test(word) for word in words))


def _test(word: str) -> Test:
    field, colon, value = word.removeprefix("!").partition(":")
    if not colon or not value or field not in _FIELDS:
        raise UsageError(f"{word!r} is no condition for clips.", _HELP)
    tests = [_FIELDS[field](part) for part in value.split("|")]
    turned = word.startswith("!")
    return lambda clip, marks: any(test(clip, marks) for test in tests) != turned


def _within(clip: ClipInfo, marks: Sequence[Mark]) -> list[Mark]:
    """Markers that begin while the clip is on, or that last into it."""
    end = clip.record_start + clip.duration
    return [
        mark
        for mark in marks
        if clip.record_start <= mark.time < end or mark.time < clip.record_start < mark.time + mark.duration
    ]


def _name(glob: str) -> Test:
    return lambda clip, _: _like(clip.name, glob)


def _track(glob: str) -> Test:
    """Its name, or V1, V2, ... as editors count."""
    return lambda clip, _: _like(clip.track, glob) or (bool(clip.layer) and _like(f"V{clip.layer[0]}", glob))


def _clip(text: str) -> Test:
    found = _RANGE.fullmatch(text)
    if found is None or not (found[1] or found[3]):
        raise UsageError(f"{text!r} is no number of a clip, and no range.", "Write clip:3, 1-5, -5 or 5-.")
    first = int(found[1] or 1)
    last = first if not found[2] else int(found[3]) if found[3] else None
    return lambda clip, _: first <= clip.index and (last is None or clip.index <= last)


def _marker(glob: str) -> Test:
    return lambda _, marks: any(_like(mark.name, glob) for mark in marks)


def _colour(name: str) -> Test:
    return lambda _, marks: any(mark.colour.casefold() == name.casefold() for mark in marks)


def _min(text: str) -> Test:
    seconds = _seconds(text)
    return lambda clip, _: clip.duration >= seconds


def _max(text: str) -> Test:
    seconds = _seconds(text)
    return lambda clip, _: clip.duration <= seconds


def _seconds(text: str) -> Fraction:
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise UsageError(f"{text!r} is no length in seconds.", "Write min:2 or max:7.5.")
    return Fraction(text)


def _like(text: str, glob: str) -> bool:
    return fnmatchcase(text.casefold(), glob.casefold())


_FIELDS: dict[str, Callable[[str], Test]] = {
    "name": _name, "track": _track, "clip": _clip, "marker": _marker,
    "colour": _colour, "color": _colour, "min": _min, "max": _max,
}  # fmt: skip
