"""XML whose elements know where they stand in the file, so that a change leaves every other byte alone."""

from __future__ import annotations

import pyexpat
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

from hitpoint.errors import TimelineError
from hitpoint.timeline.formats.firstlook import SAFE_EXPAT, checked_xml

_OPEN = re.compile(rb"<[^<>\"'\s/]+(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")
_TAIL = re.compile(rb"\s*/>\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """Bytes of an element: all of it, and what is between its tags (none for `<a/>`)."""

    start: int
    inner: int
    inner_end: int
    end: int


@dataclass(frozen=True, slots=True)
class Change:
    """New bytes for those from `start` to `end`."""

    start: int
    end: int
    new: bytes = b""


@dataclass(slots=True)
class XmlText:
    """A parsed file: its elements, and for each its place and what it lies in."""

    data: bytes
    root: ET.Element
    places: dict[ET.Element, Place]
    parents: dict[ET.Element, ET.Element]

    def removed(self, element: ET.Element) -> Change:
        """Without the element."""
        place = self.places[element]
        return Change(place.start, place.end)

    def before(self, element: ET.Element, new: bytes) -> Change:
        """With `new` directly before the element."""
        start = self.places[element].start
        return Change(start, start, new)

    def after(self, element: ET.Element, new: bytes) -> Change:
        """With `new` directly after the element."""
        end = self.places[element].end
        return Change(end, end, new)

    def last_in(self, element: ET.Element, new: bytes) -> Change:
        """With `new` as the last thing in the element, which is opened if it was `<a/>`."""
        place = self.places[element]
        if tail := self.tail(element):
            return Change(place.end - len(tail), place.end, b">" + new + f"</{element.tag}>".encode())
        return Change(place.inner_end, place.inner_end, new)

    def text_of(self, element: ET.Element, new: bytes) -> Change:
        """With other text in the element."""
        place = self.places[element]
        return Change(place.inner, place.inner_end, new)

    def tail(self, element: ET.Element) -> bytes:
        """How the tag of an element without content ends, `/>` with its space; empty for `<a></a>`."""
        place = self.places[element]
        found = _TAIL.search(self.data[place.start : place.end]) if place.inner == place.end else None
        return found[0] if found else b""

    def closed(self, element: ET.Element, tail: bytes) -> Change:
        """As it was before it was opened."""
        place = self.places[element]
        return Change(place.inner - 1, place.end, tail)


def changed(data: bytes, changes: Sequence[Change]) -> bytes:
    """`data` with all changes, which do not overlap."""
    parts: list[bytes] = []
    at = 0
    for each in sorted(changes, key=lambda change: (change.start, change.end)):
        if each.start < at:
            raise TimelineError("Two changes of the file overlap.", "Export it again from your editor.")
        parts += [data[at : each.start], each.new]
        at = each.end
    return b"".join([*parts, data[at:]])


def fragment(elements: Sequence[ET.Element]) -> bytes:
    """Elements in one line: what has no space around it comes out again without a trace."""
    return b"".join(ET.tostring(each, encoding="utf-8") for each in elements)


@dataclass(slots=True)
class _Reader:
    data: bytes
    parser: expat.XMLParserType
    open: list[tuple[ET.Element, int, int]] = field(default_factory=list[tuple[ET.Element, int, int]])
    places: dict[ET.Element, Place] = field(default_factory=dict[ET.Element, Place])
    parents: dict[ET.Element, ET.Element] = field(default_factory=dict[ET.Element, ET.Element])
    root: ET.Element | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        at = self.parser.CurrentByteIndex
        match = _OPEN.match(self.data, at)
        if match is None:
            raise TimelineError("The file has a tag that cannot be found again.", "Export it again.")
        element = ET.Element(tag, attributes)
        if self.open:
            self.open[-1][0].append(element)
            self.parents[element] = self.open[-1][0]
        else:
            self.root = element
        self.open.append((element, at, match.end()))

    def end(self, tag: str) -> None:
        element, start, inner = self.open.pop()
        if self.data[inner - 2 : inner] == b"/>":
            self.places[element] = Place(start, inner, inner, inner)
            return
        close = self.parser.CurrentByteIndex
        self.places[element] = Place(start, inner, close, self.data.index(b">", close) + 1)

    def characters(self, text: str) -> None:
        element = self.open[-1][0]
        if len(element) == 0:  # no more than the text of properties is needed
            element.text = (element.text or "") + text


def xml_text(data: bytes, name: str) -> XmlText:
    """Parse a file that has passed the first look; it is looked at once more. Raises TimelineError."""
    if pyexpat.version_info < SAFE_EXPAT:
        raise TimelineError("The XML library here is too old to be given strangers' files.", "Update Python.")
    checked_xml(data, name)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    reader = _Reader(data, parser)
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise TimelineError(f"The {name} file is not valid XML: {error}.", "Export it again.") from error
    assert reader.root is not None
    return XmlText(data, reader.root, reader.places, reader.parents)
