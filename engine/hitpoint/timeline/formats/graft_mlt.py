"""Our track put into the text of somebody's MLT or Kdenlive project, and taken out of it again.

Everything of ours is written without a space around it, so that taking it out leaves what was there. It is
known by the property `hitpoint:cue` of its producers, which MLT keeps when an editor saves the file.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import quoteattr

from hitpoint.errors import TimelineError
from hitpoint.files import sha256_of
from hitpoint.timeline.formats.kdenlive_write import Bin, audio_mix, kdenlive_track
from hitpoint.timeline.formats.mlt_read import main_tractor, properties_of
from hitpoint.timeline.formats.mlt_write import Document, marker_rows, playlist_of, shotcut_mix
from hitpoint.timeline.formats.sheet import Sheet
from hitpoint.timeline.formats.xmltext import Change, XmlText, changed, fragment, xml_text

PREFIX = "hitpoint_"
NOTE = "hitpoint:original_sha256"
_CUE = "hitpoint:cue"
_MOVED = re.compile(rb' root="[^"<>]*" hitpoint_root="1"')
_RELATIVE = re.compile(r"(?![/\\]|[A-Za-z][A-Za-z0-9+.-]*:|\d+$|$).+")


def graft_mlt(data: bytes, sheet: Sheet, folder: Path, out: Path) -> bytes:
    """The project `data` of `folder` with the lanes of `sheet` that are ours, to be written as `out`."""
    text = xml_text(data, "MLT")
    profile = text.root.find("profile")
    main = main_tractor(text.root)
    tracks = main.findall("track")
    if profile is None or not tracks:
        raise TimelineError("The project has no tracks.", "Put clips on its timeline.")
    kdenlive = text.root.find("playlist[@id='main_bin']") is not None and any(
        (each.get("name") or "").startswith("kdenlive:") for each in text.root.iter("property")
    )
    ours = replace(sheet, lanes=tuple(lane for lane in sheet.lanes if lane.is_ours), marks=())
    document = Document(ours, ET.Element("mlt"), prefix=PREFIX)
    changes: list[Change] = []
    if kdenlive:
        bins = Bin(document, _next_number(text.root))
        names = [kdenlive_track(document, bins, lane) for lane in ours.lanes]
        changes += _in_bin(text, bins.references())
    else:
        names = [playlist_of(document, lane) for lane in ours.lanes]
    if document.root.find("producer") is not None:
        note = ET.SubElement(document.root.findall("producer")[0], "property", name=NOTE)
        note.text = sha256_of(data)
    made = list(document.root)
    files = [each for each in made if each.tag in ("producer", "chain")]
    # Each after what it refers to, and no play list before Kdenlive's bin, which it takes the first one for.
    changes.append(text.after(profile, fragment(files)))
    changes.append(text.before(main, fragment([each for each in made if each not in files])))
    lines, mixes = b"", b""
    for number, name in enumerate(names, len(tracks)):
        hide = {} if kdenlive else {"hide": "video"}
        lines += fragment([ET.Element("track", {"producer": name} | hide)])
        mixes += fragment([_mix(number, kdenlive)])
    last = [each for each in main if each.tag == "transition"][-1:]
    if last:
        changes += [text.after(tracks[-1], lines), text.after(last[0], mixes)]
    else:
        changes.append(text.after(tracks[-1], lines + mixes))
    if not kdenlive:
        changes += _markers(text, main, document)
    return _rooted(changed(data, changes), text, folder, out)


def ungraft_mlt(data: bytes) -> tuple[bytes, str]:
    """The project without what is ours, and the checksum that it had before, if that was noted."""
    text = xml_text(data, "MLT")
    root = text.root
    ours = [each for each in root if each.tag in ("producer", "chain") and _CUE in properties_of(each)]
    noted = next((found for each in ours if (found := properties_of(each).get(NOTE))), "")
    names = {each.get("id", "") for each in ours}
    gone: list[ET.Element] = [*ours]
    empty: set[str] = set()
    changes: list[Change] = []
    for each in root.findall("playlist"):
        entries = each.findall("entry")
        mine = [entry for entry in entries if entry.get("producer") in names]
        name = each.get("id", "")
        whole = len(mine) == len(entries) and name != "main_bin"
        if whole and (mine or name.startswith(PREFIX)):
            names.add(name)
            gone.append(each)
        else:
            changes += [_blank(text, entry, name) for entry in mine]
            empty |= set() if entries or each.findall("blank") else {name}
    main = main_tractor(root)
    for each in root.findall("tractor"):
        inside = {track.get("producer", "") for track in each.findall("track")}
        if each is not main and inside & names and inside <= names | empty:
            names.add(each.get("id", ""))
            gone.append(each)
            gone += [found for found in root.findall("playlist") if found.get("id") in inside & empty]
    changes += [text.removed(each) for each in gone]
    changes += _without_tracks(text, main, names) + _without_markers(text, main)
    return _MOVED.sub(b"", changed(data, changes), count=1), noted


def _next_number(root: ET.Element) -> int:
    """A number that no clip in Kdenlive's bin has."""
    texts = [each.text or "" for each in root.iter("property") if each.get("name") == "kdenlive:id"]
    return max((int(text) for text in texts if text.isdecimal()), default=1) + 1


def _in_bin(text: XmlText, entries: list[ET.Element]) -> list[Change]:
    box = text.root.find("playlist[@id='main_bin']")
    assert box is not None
    return [text.last_in(box, fragment(entries))]


def _mix(number: int, kdenlive: bool) -> ET.Element:
    properties = audio_mix(number) if kdenlive else shotcut_mix(number)
    made = ET.Element("transition", id=f"{PREFIX}mix{number}")
    for key, value in properties.items():
        ET.SubElement(made, "property", name=key).text = value
    return made


def _markers(text: XmlText, main: ET.Element, document: Document) -> list[Change]:
    box = main.find("properties[@name='shotcut:markers']")
    used = [each.get("name", "") for each in box] if box is not None else []
    first = max((int(name) for name in used if name.isdecimal()), default=-1) + 1
    rows = marker_rows(document, first)
    if not rows:
        return []
    if box is not None and len(box):
        return [text.after(box[-1], fragment(rows))]
    made = ET.Element("properties", name="shotcut:markers")
    made.extend(rows)
    return [text.before(main.findall("track")[0], fragment([made]))]


def _without_markers(text: XmlText, main: ET.Element) -> list[Change]:
    found: list[Change] = []
    for box in main.findall("properties[@name='shotcut:markers']"):
        mine = [each for each in box if properties_of(each).get(_CUE) == "1"]
        if mine and len(mine) == len(box):
            found.append(text.removed(box))
        else:
            found += [text.removed(each) for each in mine]
    return found


def _without_tracks(text: XmlText, main: ET.Element, names: set[str]) -> list[Change]:
    """Without our tracks and their mixes; the numbers of the tracks after them go down."""
    tracks = main.findall("track")
    numbers = [number for number, each in enumerate(tracks) if each.get("producer") in names]
    found = [text.removed(tracks[number]) for number in numbers]
    for each in main:
        if each.tag not in ("transition", "filter"):
            continue
        properties = properties_of(each)
        if each.tag == "transition" and properties.get("b_track", "") in [str(each) for each in numbers]:
            found.append(text.removed(each))
            continue
        for child in each.findall("property"):
            value = child.text or ""
            if child.get("name") in ("a_track", "b_track", "track") and value.isdecimal():
                lower = sum(number < int(value) for number in numbers)
                found += [text.text_of(child, str(int(value) - lower).encode())] if lower else []
    return found


def _blank(text: XmlText, entry: ET.Element, playlist: str) -> Change:
    """An entry of ours on a track that is shared leaves a gap; in the bin it leaves nothing."""
    first, last = entry.get("in", "0"), entry.get("out", "0")
    if playlist == "main_bin" or not (first.isdecimal() and last.isdecimal()):
        return text.removed(entry)
    place = text.places[entry]
    length = int(last) - int(first) + 1
    return Change(place.start, place.end, f'<blank length="{length}"/>'.encode())


def _rooted(data: bytes, text: XmlText, folder: Path, out: Path) -> bytes:
    """References count from the file's own folder unless it says otherwise: in another folder, it does."""
    root = text.root
    if out.parent == folder or root.get("root") is not None:
        return data
    if not any(
        each.get("name") in ("resource", "warp_resource") and _RELATIVE.fullmatch(each.text or "")
        for each in root.iter("property")
    ):
        return data
    place = text.places[root].start + len(b"<mlt")
    said = f' root={quoteattr(str(folder))} hitpoint_root="1"'.encode()
    return data[:place] + said + data[place:]
