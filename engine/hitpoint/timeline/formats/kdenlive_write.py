"""Writes a project as Kdenlive 22.12 does (document version 1.04), which all later versions open.

A track there is a tractor of two playlists, so that two clips can overlap in a transition. Picture and
sound are on separate tracks; where the timeline has no audio tracks, each video track gets one.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from hitpoint.errors import MediaError
from hitpoint.media.facts import facts_of
from hitpoint.timeline.formats.mlt_write import (
    Document,
    Stretch,
    black,
    element,
    entry,
    markers_json,
    new_document,
    producer,
    project_properties,
    serialised,
    spanned,
    stretches,
    volume,
)  # fmt: skip
from hitpoint.timeline.formats.nests import unnested
from hitpoint.timeline.formats.sheet import Lane, Mark, Piece, Sheet

TYPES = {
    "MAGENTA": 0, "BLUE": 1, "CYAN": 2, "GREEN": 3, "YELLOW": 4, "ORANGE": 5, "PINK": 7, "RED": 8,
    "PURPLE": 0, "BLACK": 0, "WHITE": 4,
}  # fmt: skip
"""Kdenlive's categories of markers, by the colours that they have unless the user changed them."""


_SOUND_MIX = {"mlt_service": "mix", "kdenlive_id": "mix", "start": "-1", "accepts_blanks": "1"}
_PICTURE_MIX = {
    "mlt_service": "luma", "kdenlive_id": "luma", "factory": "loader", "softness": "0", "alpha_over": "1",
    "progressive": "1", "resource": "",
}  # fmt: skip


_BLEND = {"mlt_service": "frei0r.cairoblend", "kdenlive_id": "frei0r.cairoblend", "version": "0.1"}


def write_kdenlive(sheet: Sheet) -> bytes:
    """A project for Kdenlive and melt."""
    sheet = unnested(sheet)
    document = new_document(sheet, {"producer": "main_bin"})
    # Kdenlive lists audio tracks first, the lowest of them (A1 is next to V1) last.
    lanes = [*reversed([*sheet.of_kind("Audio"), *_mirrored(sheet)]), *sheet.of_kind("Video")]
    # Everything is defined before it is referred to: Kdenlive and melt read the file from the top.
    bins = Bin(document)
    for lane in lanes:
        for _, piece in lane.placed():
            if not piece.is_gap:
                bins.number(piece)
    bins.write(document.root, sheet)
    total = max(1, document.frames(sheet.duration))
    black(document, "black_track", total)
    names = [kdenlive_track(document, bins, lane) for lane in lanes]
    tractor = element(
        document.root, "tractor", {}, id=document.identity("tractor"), global_feed="1",
        **{"in": "0", "out": str(total - 1)},
    )  # fmt: skip
    ET.SubElement(tractor, "track", producer="black_track")
    for name in names:
        ET.SubElement(tractor, "track", producer=name)
    for number, lane in enumerate(lanes, 1):
        properties = audio_mix(number) if lane.kind == "Audio" else _internal(number) | _BLEND
        element(tractor, "transition", properties, id=document.identity("transition"))
    return serialised(document.root)


def audio_mix(number: int) -> dict[str, str]:
    """The properties of the transition that makes the sound of a track heard."""
    return _internal(number) | {"mlt_service": "mix", "kdenlive_id": "mix", "accepts_blanks": "1", "sum": "1"}


def _internal(number: int) -> dict[str, str]:
    return {"a_track": "0", "b_track": str(number), "internal_added": "237", "always_active": "1"}


def _mirrored(sheet: Sheet) -> list[Lane]:
    """The sound of the picture clips, where no audio track has it."""
    if not sheet.sound_with_picture:
        return []
    found: list[Lane] = []
    for lane in sheet.of_kind("Video"):
        pieces = [p if isinstance(p, Piece) and _sounds(p) else _silent(p) for p in lane.pieces]
        if any(not piece.is_gap for piece in pieces):
            unmarked = tuple(replace(piece, marks=()) for piece in pieces)
            found.append(Lane("Audio", unmarked, "hitpoint:mirror", lane.enabled))
    return found


def _silent(piece: object) -> Piece:
    return Piece(piece.duration if isinstance(piece, Piece) else Fraction(0))


def _sounds(piece: Piece) -> bool:
    if piece.media is None or piece.media.kind != "file" or piece.speed == 0:
        return False
    try:
        return facts_of(Path(piece.media.target)).channels > 0
    except MediaError:
        return False


class Bin:
    """The clips of the project, each file once, as Kdenlive's timeline clips refer to them by number.

    Markers belong to the file there, so that all clips of a file share them.
    """

    def __init__(self, document: Document, first: int = 2) -> None:
        self.first = first
        self.document = document
        self.found: dict[object, tuple[int, dict[str, str]]] = {}
        self.entries: list[str] = []
        self.marks: dict[object, dict[Mark, None]] = {}
        for lane in document.sheet.lanes:
            for _, piece in lane.placed():
                self.marks.setdefault((piece.media, piece.cue), {}).update(dict.fromkeys(piece.marks))

    def number(self, piece: Piece) -> tuple[int, dict[str, str]]:
        """The number of the clip in the bin, and the properties that its timeline clips share with it."""
        media, key = piece.media, (piece.media, piece.cue)
        if key not in self.found:
            number = len(self.found) + self.first
            name = (media.name if media is not None else "") or piece.name
            shared = {"kdenlive:id": str(number), "kdenlive:folderid": "-1", "kdenlive:clipname": name}
            start = media.start if media is not None else Fraction(0)
            marks = [(self.document.frames(mark.start - start), mark) for mark in self.marks.get(key, ())]
            if marks:
                shared["kdenlive:markers"] = markers_json(sorted(marks, key=lambda m: m[0]), TYPES)
            self.found[key] = (number, shared)
            plain = replace(piece, speed=Fraction(1), enabled=True)
            reach = self.document.frames(piece.used) if media is None or media.duration is None else 1
            self.entries.append(producer(self.document, plain, max(1, reach), shared))
        return self.found[key]

    def write(self, root: ET.Element, sheet: Sheet) -> None:
        """The play list that Kdenlive looks for first."""
        guides = markers_json([(self.document.frames(m.start), m) for m in sheet.marks], TYPES)
        properties = {
            "kdenlive:docproperties.version": "1.04",
            "kdenlive:docproperties.kdenliveversion": "22.12.3",
            "kdenlive:docproperties.profile": "custom",
            "kdenlive:docproperties.audioChannels": "2",
            "kdenlive:docproperties.guides": guides,
            "xml_retain": "1",
        } | project_properties(sheet)
        element(root, "playlist", properties, id="main_bin").extend(self.references())

    def references(self) -> list[ET.Element]:
        """The entries of the play list."""
        box, root = ET.Element("playlist"), self.document.root
        for name in self.entries:
            made = root.find(f"producer[@id='{name}']")
            spanned(box, "entry", name, 0, int(made.get("out", "0")) + 1 if made is not None else 1)
        return list(box)


def kdenlive_track(document: Document, bins: Bin, lane: Lane) -> str:
    """The id of the tractor of two play lists that a lane becomes."""
    audio = lane.kind == "Audio"
    found = stretches(document, lane)
    sides: list[list[tuple[Stretch, Stretch, str, int]]] = [[], []]
    mixes: list[tuple[int, int, int, int]] = []
    side = 0
    for number, stretch in enumerate(found):
        before = found[number - 1] if number else None
        if before is not None and (stretch.head or before.tail):
            side = 1 - side
            mixes.append((stretch.begin - stretch.head, stretch.head + before.tail, before.tail, side))
        shown = Stretch(
            stretch.piece, stretch.begin - stretch.head, stretch.head + stretch.length + stretch.tail,
            stretch.first - stretch.head,
        )  # fmt: skip
        assert stretch.piece is not None
        clip, shared = bins.number(stretch.piece)
        half = (
            {"set.test_image": "1", "set.test_audio": "0"}
            if audio
            else {"set.test_audio": "1", "set.test_image": "0"}
        )
        if not stretch.piece.enabled:
            half = {"set.test_image": "1", "set.test_audio": "1"}
        name = producer(document, stretch.piece, shown.first + shown.length, shared | half)
        sides[side].append((shown, stretch, name, clip))
    names = [_playlist(document, each, audio) for each in sides]
    name = "" if lane.name == "hitpoint:mirror" else lane.name
    properties = {"kdenlive:trackheight": "67", "kdenlive:timeline_active": "1", "kdenlive:collapsed": "0"}
    properties |= {"kdenlive:track_name": name} if name else {}
    properties |= {"kdenlive:audio_track": "1"} if audio else {}
    properties |= {"hitpoint:mirror": "1"} if lane.name == "hitpoint:mirror" else {}
    end = max((s.begin + s.length for s in found), default=1)
    tractor = element(
        document.root, "tractor", properties, id=document.identity("tractor"),
        **{"in": "0", "out": str(end - 1)},
    )  # fmt: skip
    hide = "both" if not lane.enabled else "video" if audio else "audio"
    for each in names:
        ET.SubElement(tractor, "track", producer=each, hide=hide)
    for begin, length, cut, to in mixes:
        service = _SOUND_MIX if audio else _PICTURE_MIX
        shared = {"a_track": "0", "b_track": "1", "kdenlive:mixcut": str(cut), "reverse": str(1 - to)}
        element(
            tractor, "transition", shared | service, id=document.identity("transition"),
            **{"in": str(begin), "out": str(begin + length - 1)},
        )  # fmt: skip
    return tractor.get("id", "")


def _playlist(document: Document, cells: list[tuple[Stretch, Stretch, str, int]], audio: bool) -> str:
    properties = {"kdenlive:audio_track": "1"} if audio else {}
    playlist = element(document.root, "playlist", properties, id=document.identity("playlist"))
    at = 0
    for shown, _, name, clip in cells:
        if shown.begin > at:
            ET.SubElement(playlist, "blank", length=str(shown.begin - at))
        made = entry(document, playlist, shown, name)
        ET.SubElement(made, "property", name="kdenlive:id").text = str(clip)
        if shown.piece is not None:
            volume(document, made, shown.piece, {"kdenlive_id": "volume", "kdenlive:collapsed": "0"})
        at = shown.begin + shown.length
    return playlist.get("id", "")
