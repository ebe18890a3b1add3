"""Writes MLT XML as Shotcut does; `kdenlive_write` builds on the same parts."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from fractions import Fraction

from hitpoint.timeline.formats.levels import framed, levels_of, plain
from hitpoint.timeline.formats.nests import unnested
from hitpoint.timeline.formats.sheet import Lane, Mark, Piece, Sheet

FULL_HD = (1920, 1080)
COLOURS = {
    "PINK": "#ff80c0", "RED": "#da4453", "ORANGE": "#fdbc4b", "YELLOW": "#c9ce3b", "GREEN": "#1cdc9a",
    "CYAN": "#1abc9c", "BLUE": "#3daee9", "PURPLE": "#9b59b6", "MAGENTA": "#f000f0", "BLACK": "#000000",
    "WHITE": "#ffffff",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stretch:
    """A clip in frames: where it begins and how long it is on its lane, and its first frame in the file.

    `piece` None is nothing. `head` frames before it, and `tail` after it, belong to transitions.
    """

    piece: Piece | None
    begin: int
    length: int
    first: int = 0
    head: int = 0  # frames of it that a transition shows before `begin`
    tail: int = 0


@dataclass(slots=True)
class Document:
    """The XML that is being written, and the producers in it so far."""

    sheet: Sheet
    root: ET.Element
    producers: dict[tuple[object, ...], str] = field(default_factory=dict[tuple[object, ...], str])
    counts: dict[str, int] = field(default_factory=dict[str, int])
    prefix: str = ""  # of all ids

    def identity(self, kind: str) -> str:
        """A new id: producer0, producer1, ..."""
        number = self.counts.get(kind, 0)
        self.counts[kind] = number + 1
        return f"{self.prefix}{kind}{number}"

    def frames(self, seconds: Fraction) -> int:
        """The nearest frame."""
        return round(seconds * self.sheet.rate)


def write_shotcut(sheet: Sheet) -> bytes:
    """A project for Shotcut and melt."""
    sheet = unnested(sheet)
    document = new_document(sheet, {"title": "Shotcut version 22.12.21"})
    total = max(1, document.frames(sheet.duration))
    keep = element(document.root, "playlist", {"xml_retain": "1"}, id="main_bin")
    keep.set("title", "Shotcut version 22.12.21")
    black(document, "black", total)
    background = element(document.root, "playlist", {}, id="background")
    spanned(background, "entry", "black", 0, total)
    names = [playlist_of(document, lane) for lane in sheet.lanes]
    tractor = element(
        document.root, "tractor", project_properties(sheet) | {"shotcut": "1"},
        id=document.identity("tractor"), title="Shotcut version 22.12.21",
        **{"in": "0", "out": str(total - 1)},
    )  # fmt: skip
    ET.SubElement(tractor, "track", producer="background")
    for lane, name in zip(sheet.lanes, names, strict=True):
        track = ET.SubElement(tractor, "track", producer=name)
        if hide := hidden(sheet, lane):
            track.set("hide", hide)
    _transitions(tractor, sheet)
    _markers(tractor, document)
    return serialised(document.root)


def new_document(sheet: Sheet, attributes: dict[str, str]) -> Document:
    """The root with its profile. The picture has the size of the first media, or Full HD."""
    root = ET.Element("mlt", {"LC_NUMERIC": "C", "version": "7.12.0"} | attributes)
    width, height = sheet.size or FULL_HD
    aspect = Fraction(width, height)
    ET.SubElement(
        root, "profile", description="Hitpoint", width=str(width), height=str(height), progressive="1",
        sample_aspect_num="1", sample_aspect_den="1", display_aspect_num=str(aspect.numerator),
        display_aspect_den=str(aspect.denominator), frame_rate_num=str(sheet.rate.numerator),
        frame_rate_den=str(sheet.rate.denominator), colorspace="709",
    )  # fmt: skip
    return Document(sheet, root)


def element(parent: ET.Element, tag: str, properties: dict[str, str], **attributes: str) -> ET.Element:
    """A child of `parent` with MLT properties."""
    made = ET.SubElement(parent, tag, attributes)
    for key, value in properties.items():
        ET.SubElement(made, "property", name=key).text = value
    return made


def spanned(parent: ET.Element, tag: str, producer: str, first: int, length: int) -> ET.Element:
    """A reference to `length` frames of a producer."""
    return ET.SubElement(
        parent, tag, {"producer": producer, "in": str(first), "out": str(first + length - 1)}
    )


def project_properties(sheet: Sheet) -> dict[str, str]:
    """What MLT has no word for."""
    found = {"hitpoint:name": sheet.name}
    if sheet.start:
        found["hitpoint:start"] = str(sheet.start)
    if sheet.drop_frame:
        found["hitpoint:drop_frame"] = "1"
    return found


def black(document: Document, name: str, length: int) -> None:
    """A picture of nothing, under everything."""
    properties = {
        "length": str(length), "eof": "pause", "resource": "0", "aspect_ratio": "1", "mlt_service": "color",
        "mlt_image_format": "rgba", "set.test_audio": "0",
    }  # fmt: skip
    element(document.root, "producer", properties, id=name, **{"in": "0", "out": str(length - 1)})


def hidden(sheet: Sheet, lane: Lane) -> str:
    """MLT's `hide` of a track: what of it is not played."""
    sound = lane.kind == "Audio" or sheet.sound_with_picture
    picture = lane.kind == "Video"
    if not lane.enabled or not (sound or picture):
        return "both"
    return "" if sound and picture else "audio" if picture else "video"


def stretches(document: Document, lane: Lane) -> list[Stretch]:
    """The lane in frames, without gaps; positions are rounded from the start of the timeline."""
    found: list[Stretch] = []
    placed = list(lane.placed())
    fades = dict(lane.fades())
    for at, piece in placed:
        begin, end = document.frames(at), document.frames(at + piece.duration)
        if piece.is_gap or end <= begin:
            continue
        first = first_frame(document, piece, end - begin)
        head = tail = 0
        if at in fades and found and found[-1].begin + found[-1].length == begin:
            fade, before = fades[at], found[-1]
            head = min(document.frames(fade.before), before.length - 1, max(first, 0))
            tail = min(document.frames(fade.after), end - begin - 1)
            if head + tail >= 1:
                found[-1] = Stretch(
                    before.piece, before.begin, before.length, before.first, before.head, tail
                )
            else:
                head = tail = 0
        found.append(Stretch(piece, begin, end - begin, first, head))
    return found


def first_frame(document: Document, piece: Piece, length: int) -> int:
    """The first frame that is shown, counted in the producer's own frames."""
    media = piece.media
    start = piece.start - media.start if media is not None else Fraction(0)
    if piece.speed > 0:
        return round(start * document.sheet.rate / piece.speed)
    if piece.speed < 0 and media is not None and media.duration is not None:
        # Reversed, frame 0 is the last of the file.
        left = media.duration - start - piece.used
        return max(0, round(left * document.sheet.rate / -piece.speed))
    return 0


def producer(document: Document, piece: Piece, reach: int, extra: dict[str, str] | None = None) -> str:
    """The id of the producer that plays `piece`; it is at least `reach` frames long."""
    media = piece.media
    extra = extra or {}
    frozen = piece.start if piece.speed == 0 else None
    endless = reach if media is None or media.duration is None else 0
    key = (media, piece.speed, frozen, piece.enabled, piece.cue, tuple(extra.items()), endless)
    if key in document.producers:
        return document.producers[key]
    length = reach
    if media is not None and media.duration is not None:
        length = max(reach, document.frames(media.duration / (abs(piece.speed) or 1)))
    name = document.identity("producer")
    properties = {"length": str(length), "eof": "pause"} | _source(document, piece) | _ours(piece) | extra
    element(document.root, "producer", properties, id=name, **{"in": "0", "out": str(length - 1)})
    document.producers[key] = name
    return name


def _source(document: Document, piece: Piece) -> dict[str, str]:
    media = piece.media
    if media is None or media.kind != "file":
        return {"resource": "0", "mlt_service": "color", "mlt_image_format": "rgba"}
    if piece.speed == 0:  # the filter that editors use for this makes melt wait for itself
        frame = document.frames(piece.start - media.start)
        return {"resource": media.target, "mlt_service": "hold", "frame": str(frame), "method": "onefield"}
    if piece.speed == 1:
        return {"resource": media.target, "mlt_service": "avformat", "seekable": "1"}
    speed = f"{float(piece.speed):.6f}"
    return {
        "resource": f"{speed}:{media.target}", "mlt_service": "timewarp", "warp_speed": speed,
        "warp_resource": media.target, "warp_pitch": "1", "seekable": "1",
    }  # fmt: skip


def _ours(piece: Piece) -> dict[str, str]:
    media = piece.media
    found: dict[str, str] = {}
    if media is not None and media.start:
        found["hitpoint:media_start"] = str(media.start)
    if media is not None and media.duration is not None:
        found["hitpoint:media_duration"] = str(media.duration)
    if media is not None and media.name:
        found["hitpoint:media_name"] = media.name
    if media is not None and media.kind != "file":
        found["hitpoint:media_kind"] = media.kind
    if piece.cue:
        found["hitpoint:cue"] = piece.cue
    if not piece.enabled:  # frames that are marked as a test are neither shown nor heard
        found |= {"set.test_image": "1", "set.test_audio": "1"}
    return found


def entry(document: Document, playlist: ET.Element, stretch: Stretch, name: str) -> ET.Element:
    """The part of a stretch that is alone on its playlist, with the name of the clip."""
    first = stretch.first
    made = spanned(playlist, "entry", name, first, stretch.length)
    if stretch.piece is not None and stretch.piece.name:
        ET.SubElement(made, "property", name="hitpoint:name").text = stretch.piece.name
    return made


def volume(document: Document, owner: ET.Element, piece: Piece, extra: dict[str, str]) -> ET.Element | None:
    """The volume automation of our music on `owner`, as the editors' own filter; None where there is none.

    Its keyframes are frames of the file and dB. `extra` is what the editor knows its filter by.
    """
    points = framed(levels_of(piece.cue), document.sheet.rate)
    if not points:
        return None
    level = ";".join(f"{frame}={plain(gain)}" for frame, gain in points)
    shared = {"window": "75", "max_gain": "20dB", "level": level, "mlt_service": "volume"}
    return element(owner, "filter", shared | extra, id=document.identity("filter"))


def playlist_of(document: Document, lane: Lane) -> str:
    """One playlist for Shotcut: blanks, entries, and a small tractor for each transition."""
    found = stretches(document, lane)
    names = [_producer_of(document, stretch) for stretch in found]
    playlist = ET.Element("playlist", id=document.identity("playlist"))
    kind = "shotcut:video" if lane.kind == "Video" else "shotcut:audio"
    for key, value in ((kind, "1"), ("shotcut:name", lane.name)):
        ET.SubElement(playlist, "property", name=key).text = value
    at = 0
    for number, stretch in enumerate(found):
        following = found[number + 1] if number + 1 < len(found) else None
        if stretch.begin > at:
            ET.SubElement(playlist, "blank", length=str(stretch.begin - at))
        taken = found[number - 1].tail if number else 0  # shown already by the transition before it
        lead = following.head if following is not None else 0
        own = Stretch(
            stretch.piece, stretch.begin + taken, stretch.length - taken - lead,
            stretch.first + taken,
        )  # fmt: skip
        if own.length > 0:
            entry(document, playlist, own, names[number])
        at = stretch.begin + stretch.length
        if following is not None and (following.head or stretch.tail):
            mix = _mix(document, stretch, following, names[number], names[number + 1])
            length = following.head + stretch.tail
            spanned(playlist, "entry", mix, 0, length)
    document.root.append(playlist)
    return playlist.get("id", "")


def _producer_of(document: Document, stretch: Stretch) -> str:
    assert stretch.piece is not None
    name = producer(document, stretch.piece, stretch.first + stretch.length + stretch.tail)
    owner = document.root.find(f"producer[@id='{name}']")
    if owner is not None and owner.find("filter") is None:  # Shotcut has filters on the producers
        made = volume(document, owner, stretch.piece, {"shotcut:filter": "audioGain"})
        if made is not None:
            made.attrib |= {"in": "0", "out": owner.get("out", "0")}
    return name


def _mix(document: Document, left: Stretch, right: Stretch, left_name: str, right_name: str) -> str:
    """A cross-fade as Shotcut has it: both clips in a tractor of their own."""
    length = right.head + left.tail
    begin = left.first + left.length - right.head
    made = element(
        document.root, "tractor", {"shotcut:transition": "lumaMix", "hitpoint:before": str(right.head)},
        id=document.identity("tractor"), **{"in": "0", "out": str(length - 1)},
    )  # fmt: skip
    for name, first in ((left_name, begin), (right_name, right.first - right.head)):
        spanned(made, "track", name, first, length)
    shared = {"a_track": "0", "b_track": "1"}
    span = {"in": "0", "out": str(length - 1)}
    luma = {"mlt_service": "luma", "factory": "loader", "progressive": "1", "alpha_over": "1"}
    element(made, "transition", shared | luma, id=document.identity("transition"), **span)
    mix = {"mlt_service": "mix", "start": "-1", "accepts_blanks": "1"}
    element(made, "transition", shared | mix, id=document.identity("transition"), **span)
    return made.get("id", "")


def _transitions(tractor: ET.Element, sheet: Sheet) -> None:
    """Without a mix for each track only the uppermost sound is heard."""
    lowest = next((n for n, lane in enumerate(sheet.lanes, 1) if lane.kind == "Video"), 0)
    for number, lane in enumerate(sheet.lanes, 1):
        element(tractor, "transition", shotcut_mix(number), id=f"mix{number}")
        if lane.kind == "Video":
            blend = {"a_track": str(lowest if number > lowest else 0), "b_track": str(number)}
            off = "1" if number == lowest else "0"
            cairo = {"mlt_service": "frei0r.cairoblend", "version": "0.1", "threads": "0", "disable": off}
            element(tractor, "transition", blend | cairo, id=f"blend{number}")


def shotcut_mix(number: int) -> dict[str, str]:
    """The properties of the transition that makes the sound of a track heard."""
    shared = {"a_track": "0", "b_track": str(number)}
    return shared | {"mlt_service": "mix", "always_active": "1", "sum": "1"}


def _markers(tractor: ET.Element, document: Document) -> None:
    if rows := marker_rows(document, 0):
        ET.SubElement(tractor, "properties", name="shotcut:markers").extend(rows)


def marker_rows(document: Document, first: int) -> list[ET.Element]:
    """Shotcut has markers of the timeline only; they are numbered from `first`."""
    box = ET.Element("properties")
    found = [(mark.start, mark, False) for mark in document.sheet.marks]
    for lane in document.sheet.lanes:
        for at, piece in lane.placed():
            seen = ((seen_at(piece, mark), mark) for mark in piece.marks)
            found += [(at + when, mark, bool(piece.cue)) for when, mark in seen if when is not None]
    for number, (at, mark, ours) in enumerate(sorted(found, key=lambda each: each[0]), first):
        clock = [_clock(document, document.frames(t)) for t in (at, at + mark.duration)]
        colour = COLOURS.get(mark.colour, COLOURS["GREEN"])
        texts = {"text": mark.name or mark.comment, "start": clock[0], "end": clock[1], "color": colour}
        element(box, "properties", texts | ({"hitpoint:cue": "1"} if ours else {}), name=str(number))
    return list(box)


def seen_at(piece: Piece, mark: Mark) -> Fraction | None:
    """When, after the beginning of the piece, a mark on its media is seen; None if it is not."""
    if piece.speed == 0:
        return Fraction(0) if mark.start == piece.start else None
    inside = (mark.start - piece.start) / abs(piece.speed)
    inside = inside if piece.speed > 0 else piece.duration - inside
    return inside if 0 <= inside <= piece.duration else None


def _clock(document: Document, frame: int) -> str:
    """`HH:MM:SS.mmm`, as MLT counts: the real time of the frame."""
    milliseconds = round(frame / document.sheet.rate * 1000)
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}"


def markers_json(marks: list[tuple[int, Mark]], types: dict[str, int]) -> str:
    """Kdenlive's list of markers; positions in frames."""
    rows = [
        {"comment": mark.name or mark.comment, "pos": frame, "type": types.get(mark.colour, 3)}
        for frame, mark in marks
    ]
    return json.dumps(rows)


def serialised(root: ET.Element) -> bytes:
    """Indented, with a declaration."""
    ET.indent(root, " ")
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"
