"""Our music put into the text of somebody's FCPXML as connected clips, and taken out of it again.

Nothing of ours has a space around it, so that taking it out leaves what was there. Clips of ours are known
by their metadata or their role; assets by their id, or by being used by nothing but clips of ours.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

from hitpoint.errors import TimelineError
from hitpoint.files import sha256_of
from hitpoint.timeline.formats.fcpxml_read import Primary, cue_of, primary_items
from hitpoint.timeline.formats.fcpxml_write import connected_sounds
from hitpoint.timeline.formats.sheet import Sheet
from hitpoint.timeline.formats.xmltext import Change, XmlText, changed, fragment, xml_text

PREFIX = "hitpoint-"
_NOTE = "app.hitpoint.original"
_TAIL = "app.hitpoint.tail"
_AFTER = ("marker", "chapter-marker", "rating", "keyword", "analysis-marker", "hidden-clip-marker",
          "sync-source", "mc-source", "audio-channel-source", "audio-role-source", "filter-video",
          "filter-video-mask", "filter-audio", "object-tracker", "metadata")  # fmt: skip
"""What the DTD puts after connected clips."""


def graft_fcpxml(data: bytes, sheet: Sheet, folder: Path, out: Path) -> bytes:
    """The project `data` of `folder` with the lanes of `sheet` that are ours, to be written as `out`."""
    text = xml_text(data, "FCPXML")
    project = next(text.root.iter("project"), None)
    resources = text.root.find("resources")
    sequence = None if project is None else project.find("sequence")
    spine = None if sequence is None else sequence.find("spine")
    if resources is None or sequence is None or spine is None:
        raise TimelineError("The file has no project.", "Export the project again from Final Cut.")
    if out.parent != folder:
        _check_absolute(text.root)
    items = primary_items(text.root, sequence)
    lanes = [each.get("lane", "0") for each in spine.iter()]
    lowest = min((int(lane) for lane in lanes if lane.lstrip("-").isdecimal()), default=0)
    ours = [lane for lane in sheet.lanes if lane.is_ours]
    placed = [(at, piece, min(lowest, 0) - number) for number, lane in enumerate(ours, 1)
              for at, piece in lane.placed() if piece.cue]  # fmt: skip
    anchors = [_anchor(items, at) for at, _, _ in placed]
    sounds = [(piece, offset, lane) for (_, piece, lane), (_, offset) in zip(placed, anchors, strict=True)]
    made, needed = connected_sounds(replace(sheet, lanes=()), sounds, PREFIX)
    inside: dict[ET.Element, list[ET.Element]] = {}
    for (anchor, _), item in zip(anchors, made, strict=True):
        box = item.find("metadata")
        assert box is not None
        ET.SubElement(box, "md", key=_NOTE, value=sha256_of(data), type="string")
        if tail := text.tail(anchor):
            ET.SubElement(box, "md", key=_TAIL, value=tail.decode(), type="string")
        inside.setdefault(anchor, []).append(item)
    changes = [_connected(text, anchor, fragment(new)) for anchor, new in inside.items()]
    changes.append(text.last_in(resources, fragment(needed)))
    return changed(data, changes)


def ungraft_fcpxml(data: bytes) -> tuple[bytes, str]:
    """The project without what is ours, and the checksum that it had before, if that was noted."""
    text = xml_text(data, "FCPXML")
    ours = [each for each in text.root.iter() if each.tag in ("asset-clip", "audio") and cue_of(each)]
    notes = [_noted(each) for each in ours]
    changes: list[Change] = []
    done: set[ET.Element] = set()
    for each, note in zip(ours, notes, strict=True):
        parent = text.parents[each]
        mine = [child for child in parent if child in ours]
        tail = note.get(_TAIL, "").encode()
        if tail and len(mine) == len(parent) and _is_tight(text, parent):
            changes += [text.closed(parent, tail)] if parent not in done else []
        else:
            changes.append(text.removed(each))
        done.add(parent)
    used = {each.get("ref", "") for each in text.root.iter() if each not in ours}
    names = {each.get("ref", "") for each in ours} - used
    resources = text.root.find("resources")
    for each in resources if resources is not None else ():
        name = each.get("id", "")
        if each.tag == "asset" and (name in names or (name.startswith(PREFIX) and name not in used)):
            changes.append(text.removed(each))
    return changed(data, changes), next((note[_NOTE] for note in notes if _NOTE in note), "")


def _anchor(items: list[Primary], at: Fraction) -> tuple[ET.Element, Fraction]:
    """What lies on the primary storyline at a time, and that time on its own clock."""
    for each in items:
        if each.at <= at < each.at + each.duration:
            return each.element, each.clock + at - each.at
    raise TimelineError(
        "The music would lie where the primary storyline has nothing.", "Put a gap there in Final Cut."
    )


def _connected(text: XmlText, anchor: ET.Element, new: bytes) -> Change:
    following = next((each for each in anchor if each.tag in _AFTER), None)
    return text.last_in(anchor, new) if following is None else text.before(following, new)


def _noted(element: ET.Element) -> dict[str, str]:
    return {each.get("key", ""): each.get("value", "") for each in element.findall("metadata/md")}


def _is_tight(text: XmlText, parent: ET.Element) -> bool:
    """Whether there is nothing in an element but its children."""
    place = text.places[parent]
    return place.inner_end - place.inner == sum(text.places[c].end - text.places[c].start for c in parent)


def _check_absolute(root: ET.Element) -> None:
    for each in root.iter():
        source = each.get("src", "") if each.tag in ("asset", "media-rep") else ""
        if source and not urlsplit(source).scheme and not source.startswith("/"):
            raise TimelineError(
                f"The project refers to {source!r} from its own folder.",
                "Write the result beside the project.",
            )
