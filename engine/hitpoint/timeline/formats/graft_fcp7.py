"""Our music put into the text of somebody's Final Cut Pro 7 XML, and taken out of it again.

Two tracks are added, one for each channel. Nothing of ours has a space around it, so that taking it out
leaves what was there. Clips of ours are known by their comment.
"""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

from hitpoint.errors import TimelineError
from hitpoint.files import sha256_of
from hitpoint.timeline.formats.fcp7_write import track_of
from hitpoint.timeline.formats.sheet import Sheet
from hitpoint.timeline.formats.xmltext import Change, XmlText, changed, fragment, xml_text

PREFIX = "hitpoint-"
_COMMENT = "hitpoint:"
_NOTE, _TAIL = "hitpoint.original", "hitpoint.tail"


def graft_fcp7(data: bytes, sheet: Sheet, folder: Path, out: Path) -> bytes:
    """The sequence `data` with the lanes of `sheet` that are ours; its references are absolute."""
    text = xml_text(data, "Final Cut Pro 7 XML")
    media = text.root.find(".//sequence/media")
    if media is None:
        raise TimelineError("The sequence has no tracks.", "Export it again from your editor.")
    tracks = b"".join(
        _pair(replace(sheet, lanes=(lane,)), number, data, text, media)
        for number, lane in enumerate(sheet.lanes)
        if lane.is_ours
    )
    audio = media.find("audio")
    if audio is None:
        return changed(data, [text.last_in(media, b'<audio hitpoint="1">' + tracks + b"</audio>")])
    last = audio.findall("track")[-1:]
    change = text.after(last[0], tracks) if last else text.last_in(audio, tracks)
    return changed(data, [change])


def ungraft_fcp7(data: bytes) -> tuple[bytes, str]:
    """The sequence without what is ours, and the checksum that it had before, if that was noted."""
    text = xml_text(data, "Final Cut Pro 7 XML")
    changes: list[Change] = []
    noted = ""
    for audio in text.root.iter("audio"):
        tracks = audio.findall("track")
        mine = [track for track in tracks if any(_is_ours(each) for each in track)]
        alone = [track for track in mine if not _others(track)]
        noted = next((found for track in mine if (found := track.get(_NOTE))), noted)
        if alone and audio.get("hitpoint") == "1" and len(alone) == len(audio):
            changes.append(text.removed(audio))
            continue
        tail = next((found for track in alone if (found := track.get(_TAIL))), "")
        if tail and len(alone) == len(audio):
            changes.append(text.closed(audio, tail.encode()))
            continue
        changes += [text.removed(track) for track in alone]
        changes += [text.removed(e) for track in mine if track not in alone for e in track if _is_ours(e)]
    return changed(data, changes), noted


def _pair(sheet: Sheet, number: int, data: bytes, text: XmlText, media: ET.Element) -> bytes:
    """A track for the left channel and one for the right."""
    left = track_of(sheet, sheet.lanes[0], f"{PREFIX}{number}-")
    left.set(_NOTE, sha256_of(data))
    audio = media.find("audio")
    if audio is not None and (tail := text.tail(audio)):
        left.set(_TAIL, tail.decode())
    right = copy.deepcopy(left)
    right.set("hitpoint", "mirror")
    for one, other in zip(left.findall("clipitem"), right.findall("clipitem"), strict=True):
        _as_right(one, other)
    for number, track in enumerate((left, right), 1):
        ET.SubElement(track, "outputchannelindex").text = str(number)
    return fragment([left, right])


def _as_right(left: ET.Element, right: ET.Element) -> None:
    """The second channel of the same file, linked to the first; markers are on the first only."""
    name = left.get("id", "")
    right.set("id", f"{name}-right")
    for old in [each for each in right if each.tag == "marker"]:
        right.remove(old)
    file = right.find("file")
    index = right.find("sourcetrack/trackindex")
    assert file is not None
    assert index is not None
    file[:] = []
    file.text = None
    index.text = "2"
    for owner in (left, right):
        for each in (name, f"{name}-right"):
            link = ET.SubElement(owner, "link")
            ET.SubElement(link, "linkclipref").text = each
            ET.SubElement(link, "mediatype").text = "audio"


def _is_ours(item: ET.Element) -> bool:
    return item.tag == "clipitem" and (item.findtext("comments/mastercomment1") or "").startswith(_COMMENT)


def _others(track: ET.Element) -> bool:
    """Whether somebody put something of their own on the track."""
    return any(each.tag in ("clipitem", "generatoritem") and not _is_ours(each) for each in track)
