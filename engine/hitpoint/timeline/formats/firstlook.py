"""The first look at an untrusted project file of another program, before any parser sees it."""

from __future__ import annotations

import pyexpat
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import islice

from hitpoint.errors import TimelineError
from hitpoint.timeline.prescan import MAX_BYTES, MAX_DEPTH, MAX_ITEMS

SAFE_EXPAT = (2, 4, 1)
"""The first version that stops entity bombs by itself."""
_TODO = "Export it again from your editor."
_DECLARATION = re.compile("<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_SKIPPED = (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">"))
"""What is no tag, and how it ends; the first that fits counts."""


def checked_text(data: bytes, name: str) -> str:
    """The text of an XML project or an EDL, if it is worth parsing. Raises TimelineError."""
    if len(data) > MAX_BYTES:
        raise TimelineError(f"The {name} file is larger than {MAX_BYTES >> 20} MB.", "Split the timeline.")
    if not data.strip():
        raise TimelineError(f"The {name} file is empty.", _TODO)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TimelineError(f"The {name} file is not UTF-8 text.", _TODO) from error
    if "\0" in text:
        raise TimelineError(f"The {name} file is not UTF-8 text.", _TODO)
    return text


def checked_xml(data: bytes, name: str) -> None:
    """The same for XML: no declarations of entities, and no deeper than a project ever is."""
    text = checked_text(data, name)
    if _declares(text):
        raise TimelineError(f"The {name} file declares entities of its own.", _TODO)
    depth = items = 0
    for tag in _tags(text):
        if tag.endswith("/"):
            continue
        items += 1
        depth += -1 if tag.startswith("/") else 1
        if depth > MAX_DEPTH:
            raise TimelineError(f"The {name} file is nested more than {MAX_DEPTH} deep.", _TODO)
        if items > MAX_ITEMS * 20:
            raise TimelineError(f"The {name} file has too many parts.", "Split the timeline.")


def _declares(text: str) -> bool:
    """Whether there is more in the document type than its name."""
    found = [match.start() for match in islice(_DECLARATION.finditer(text), 2)]
    if not found:
        return False
    at = found[0]
    return len(found) > 1 or text[at + 2] in "eE" or "[" in text[at : text.find(">", at) + 1 or len(text)]


def _tags(text: str) -> Iterator[str]:
    """What stands between `<` and `>`, in one pass: no pattern can be made to search twice."""
    at = text.find("<")
    while at >= 0:
        end = next((end for start, end in _SKIPPED if text.startswith(start, at)), None)
        stop = text.find(end or ">", at + 1)
        if stop < 0:
            return
        if end is None:
            yield text[at + 1 : stop]
        at = text.find("<", stop)


def parsed_xml(data: bytes, name: str, root: str) -> ET.Element:
    """The root element, which must be called `root`. In the guarded child only."""
    if pyexpat.version_info < SAFE_EXPAT:
        raise TimelineError(
            f"The XML library here ({pyexpat.EXPAT_VERSION}) is too old to be given strangers' files.",
            "Update Python or the system's expat.",
        )
    checked_xml(data, name)
    try:
        found = ET.fromstring(data)  # checked above
    except ET.ParseError as error:
        raise TimelineError(f"The {name} file is not valid XML: {error}.", _TODO) from error
    if found.tag != root:
        raise TimelineError(f"The file holds <{found.tag}>, not {name}.", _TODO)
    return found
