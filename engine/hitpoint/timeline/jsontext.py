"""JSON as text with positions, for changing one place in a user's file and leaving every other byte alone.

Parsing and writing again would re-order keys, re-spell numbers and strings, and upgrade schemas. Here a
value is a stretch of text, and a change is a splice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_STRING_OR_INF = re.compile(r'"(?:[^"\\]|\\.)*+"|-?Inf(?!inity)', re.DOTALL)
_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class At:
    """Where a value stands in the text: from `start` up to, not including, `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Splice:
    """Replace what is `at` by `text`."""

    at: At
    text: str


class JsonText:
    """A JSON text and where its values are. The text must be valid JSON (OTIO's `Inf` is allowed)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._readable = readable(text)
        start = self._skip(0)
        self.root = At(start, self._end_of(start))

    def value(self, at: At) -> Any:
        """The decoded value."""
        return _DECODER.raw_decode(self._readable, at.start)[0]

    def raw(self, at: At) -> str:
        """The value as it is written."""
        return self.text[at.start : at.end]

    def is_object(self, at: At) -> bool:
        """Whether the value is an object."""
        return self.text[at.start] == "{"

    def is_array(self, at: At) -> bool:
        """Whether the value is an array."""
        return self.text[at.start] == "["

    def members(self, at: At) -> dict[str, At]:
        """The values of an object by key."""
        found: dict[str, At] = {}
        place = self._skip(at.start + 1)
        while self.text[place] != "}":
            key, place = _DECODER.raw_decode(self._readable, place)
            start = self._skip(self._skip(place) + 1)  # past the colon
            found[key] = At(start, self._end_of(start))
            place = self._next(found[key].end)
        return found

    def elements(self, at: At) -> list[At]:
        """The values of an array."""
        found: list[At] = []
        place = self._skip(at.start + 1)
        while self.text[place] != "]":
            found.append(At(place, self._end_of(place)))
            place = self._next(found[-1].end)
        return found

    def objects(self, at: At) -> Iterator[dict[str, At]]:
        """Every object in the value that has an OTIO schema; metadata is the user's own and not entered."""
        if self.is_array(at):
            for element in self.elements(at):
                yield from self.objects(element)
        elif self.is_object(at):
            members = self.members(at)
            if "OTIO_SCHEMA" in members:
                yield members
            for key, value in members.items():
                if key != "metadata":
                    yield from self.objects(value)

    def _skip(self, place: int) -> int:
        blank = _BLANK.match(self.text, place)
        return blank.end() if blank else place

    def _next(self, place: int) -> int:
        place = self._skip(place)
        return self._skip(place + 1) if self.text[place] == "," else place

    def _end_of(self, start: int) -> int:
        return _DECODER.raw_decode(self._readable, start)[1]


def spliced(text: str, splices: Sequence[Splice]) -> str:
    """`text` with all splices done; their places are those of `text` and must not overlap."""
    for splice in sorted(splices, key=lambda each: each.at.start, reverse=True):
        text = text[: splice.at.start] + splice.text + text[splice.at.end :]
    return text


def readable(text: str) -> str:
    """The same text, character for character, but for OTIO's `Inf`, which Python's reader does not know."""
    if "Inf" not in text:
        return text
    return _STRING_OR_INF.sub(lambda m: {"Inf": "NaN", "-Inf": "-1e9"}.get(m[0], m[0]), text)
