"""The first look at an untrusted project file of another program, before any parser sees it."""

from __future__ import annotations

import pyexpat
import re
import xml.etree.ElementTree as ET

from hitpoint.errors import TimelineError
from hitpoint.timeline.prescan import MAX_BYTES, MAX_DEPTH, MAX_ITEMS

SAFE_EXPAT = (2, 4, 1)
"""The first version that stops entity bombs by itself."""
_TODO = "Export it again from your editor."
_DECLARATION = re.compile(r"<!ENTITY|<!DOCTYPE[^>]*\[", re.IGNORECASE)
_TAG = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<(/?)[^<>]*?(/?)>", re.DOTALL)


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
    if _DECLARATION.search(text):
        raise TimelineError(f"The {name} file declares entities of its own.", _TODO)
    depth = items = 0
    for tag in _TAG.finditer(text):
        if tag[1] is None or tag[2]:
            continue
        items += 1
        depth += -1 if tag[1] else 1
        if depth > MAX_DEPTH:
            raise TimelineError(f"The {name} file is nested more than {MAX_DEPTH} deep.", _TODO)
        if items > MAX_ITEMS * 20:
            raise TimelineError(f"The {name} file has too many parts.", "Split the timeline.")


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
