"""Writes FCPXML 1.10 after Apple's published structure; elements stand in the order that its DTD demands."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path, PureWindowsPath
from urllib.parse import quote

from hitpoint.errors import MediaError
from hitpoint.media.facts import MediaFacts, facts_of
from hitpoint.timeline.formats.levels import framed, levels_of, plain
from hitpoint.timeline.formats.sheet import OUR_LANE, Fade, Lane, Mark, Media, Piece, Sheet, gap

VERSION = "1.10"
CUE_KEY = "app.hitpoint.cue"
OUR_ROLE = f"music.{OUR_LANE}"
_DISSOLVE = "FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265"  # Cross Dissolve, as Final Cut itself names it
_SIZE = (1920, 1080)


def write_fcpxml(sheet: Sheet) -> bytes:
    """The whole file."""
    return _Writer(sheet).file()


def clock(seconds: Fraction) -> str:
    """`1001/24000s`, or whole seconds as `5s`."""
    if seconds.denominator == 1:
        return f"{seconds.numerator}s"
    return f"{seconds.numerator}/{seconds.denominator}s"


def url_of(target: str) -> str:
    """A file's address: what is a path is quoted, what is an address already stays."""
    if target.startswith("/"):
        return Path(target).as_uri()
    windows = PureWindowsPath(target)
    if windows.drive:
        return "file:///" + quote(windows.as_posix().lstrip("/"), safe="/:")
    return target if ":" in target else quote(target)


def connected_sounds(
    sheet: Sheet, sounds: list[tuple[Piece, Fraction, int]], prefix: str
) -> tuple[list[ET.Element], list[ET.Element]]:
    """Sounds as items to connect: each with its offset on the clock of what holds it, and its lane.

    With them the resources that they need, whose ids all begin with `prefix`.
    """
    writer = _Writer(sheet, prefix=prefix)
    items = [writer.item(ET.Element("spine"), piece, "Audio", offset) for piece, offset, _ in sounds]
    for item, (_, _, lane) in zip(items, sounds, strict=True):
        item.set("lane", str(lane))
        _in_order(item)
    return items, list(writer.resources)


@dataclass(slots=True)
class _Writer:
    sheet: Sheet
    resources: ET.Element = field(default_factory=lambda: ET.Element("resources"))
    known: dict[object, str] = field(default_factory=dict[object, str])
    prefix: str = ""  # of all ids

    def file(self) -> bytes:
        root = ET.Element("fcpxml", version=VERSION)
        root.append(self.resources)
        self.format(self.sheet.rate, self.sheet.size or _SIZE)
        event = ET.SubElement(ET.SubElement(root, "library"), "event", name="Hitpoint")
        project = ET.SubElement(event, "project", name=self.sheet.name or "Timeline")
        self.sequence(project, self.sheet.lanes, self.sheet.start, self.sheet.marks)
        ET.indent(root, "  ")
        head = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n'
        body: bytes = ET.tostring(root, encoding="utf-8")
        return head + body + b"\n"

    def identity(self, key: object) -> tuple[str, bool]:
        """The id of a resource, and whether it is new."""
        new = key not in self.known
        return self.known.setdefault(key, f"{self.prefix}r{len(self.known) + 1}"), new

    def format(self, rate: Fraction, size: tuple[int, int]) -> str:
        name, new = self.identity(("format", rate, size))
        if new:
            ET.SubElement(
                self.resources, "format", id=name, frameDuration=clock(1 / rate),
                width=str(size[0]), height=str(size[1]),
            )  # fmt: skip
        return name

    def asset(self, media: Media, kind: str) -> str:
        name, new = self.identity(("asset", media))
        if not new:
            return name
        facts = self.facts(media)
        duration = media.duration if media.duration is not None else facts.duration if facts else None
        made = ET.SubElement(self.resources, "asset", id=name, start=clock(media.start))
        made.set("name", media.name or media.target.replace("\\", "/").rsplit("/", 1)[-1])
        if duration is not None:
            made.set("duration", clock(duration))
        if kind == "Video" or (facts is not None and facts.size is not None):
            rate = facts.rate if facts and facts.rate else self.sheet.rate
            size = facts.size if facts and facts.size else self.sheet.size or _SIZE
            made.set("hasVideo", "1")
            made.set("format", self.format(rate, size))
        if (facts is not None and facts.channels) or (facts is None and kind == "Audio"):
            made.set("hasAudio", "1")
            made.set("audioSources", "1")
            made.set("audioChannels", str(facts.channels if facts else 2))
            made.set("audioRate", str(facts.sample_rate if facts else 48000))
        ET.SubElement(made, "media-rep", kind="original-media", src=url_of(media.target))
        return name

    def facts(self, media: Media) -> MediaFacts | None:
        try:
            return facts_of(Path(media.target))
        except MediaError:
            return None

    def sequence(
        self, parent: ET.Element, lanes: tuple[Lane, ...], start: Fraction, marks: tuple[Mark, ...]
    ) -> None:
        rate = self.sheet.rate
        duration = max((lane.duration for lane in lanes), default=Fraction(0))
        made = ET.SubElement(
            parent, "sequence", format=self.format(rate, self.sheet.size or _SIZE), duration=clock(duration),
            tcStart=clock(start), tcFormat="DF" if self.sheet.drop_frame else "NDF",
            audioLayout="stereo", audioRate="48k",
        )  # fmt: skip
        spine = ET.SubElement(made, "spine")
        video = [lane for lane in lanes if lane.kind == "Video"]
        primary = video[0] if video and video[0].enabled else Lane("Video", ())
        anchors = self.primary(spine, primary, duration, start)
        above = [lane for lane in video if lane is not primary]
        for number, lane in enumerate(above, 1):
            self.connect(anchors, lane, number)
        for number, lane in enumerate((each for each in lanes if each.kind == "Audio"), 1):
            self.connect(anchors, lane, -number)
        for mark in marks:
            _marker(*_anchored(anchors, mark.start), mark)
        for _, _, element in anchors:
            _in_order(element)

    def primary(self, spine: ET.Element, lane: Lane, duration: Fraction, zero: Fraction) -> list[_Anchor]:
        """The storyline that everything else is connected to, filled up with gaps to the whole length.

        Its items count from the sequence's start timecode, `zero`.
        """
        pieces = lane.pieces
        if lane.duration < duration or not pieces:
            pieces = (*pieces, gap(max(duration - lane.duration, 1 / self.sheet.rate)))
        anchors: list[_Anchor] = []
        at = Fraction(0)
        for piece in pieces:
            if isinstance(piece, Fade):
                self.fade(spine, zero + at, piece)
                continue
            made = self.item(spine, piece, "Video", zero + at)
            anchors.append((at, piece, made))
            at += piece.duration
        return anchors

    def connect(self, anchors: list[_Anchor], lane: Lane, number: int) -> None:
        """One lane above (number above 0) or below the primary storyline."""
        if any(isinstance(piece, Fade) for piece in lane.pieces):
            at, piece, anchor = anchors[0]
            offset = _local(piece) - at
            spine = ET.SubElement(anchor, "spine", lane=str(number), offset=clock(offset))
            at = Fraction(0)
            for each in lane.pieces:
                if isinstance(each, Fade):
                    self.fade(spine, at, each)
                else:
                    _in_order(self.item(spine, each, lane.kind, at, lane.enabled))
                    at += each.duration
            return
        for at, piece in lane.placed():
            if not piece.is_gap:
                anchor, offset = _anchored(anchors, at)
                made = self.item(anchor, piece, lane.kind, offset, lane.enabled)
                made.set("lane", str(number))
                _in_order(made)

    def item(
        self, parent: ET.Element, piece: Piece, kind: str, offset: Fraction, enabled: bool = True
    ) -> ET.Element:
        shared = {"offset": clock(offset), "duration": clock(piece.duration)}
        if piece.lanes:
            made = ET.SubElement(parent, "ref-clip", {"ref": self.nest(piece)} | shared)
        elif piece.media is not None and piece.media.kind == "file":
            made = ET.SubElement(parent, "asset-clip", {"ref": self.asset(piece.media, kind)} | shared)
            if kind == "Audio":
                made.set("audioRole", OUR_ROLE if piece.cue else "dialogue")
            if kind == "Audio" and "hasVideo" in self.kinds(piece.media):
                made.set("srcEnable", "audio")
            elif kind == "Video" and not self.sheet.sound_with_picture:
                made.set("srcEnable", "video")
        else:
            shared |= {"name": "Gap", "start": "0s"}
            if parent.tag == "spine":
                return ET.SubElement(parent, "gap", shared)
            # A gap cannot be connected by itself, only as part of a storyline.
            spine = ET.SubElement(parent, "spine", offset=clock(offset))
            ET.SubElement(spine, "gap", shared | {"offset": "0s"})
            return spine
        made.set("name", piece.name)
        made.set("start", clock(_local(piece)))
        if not (piece.enabled and enabled):
            made.set("enabled", "0")
        if piece.speed != 1:
            _time_map(made, piece)
        if points := framed(levels_of(piece.cue), self.sheet.rate):
            _volume(made, piece, [(frame / self.sheet.rate, gain) for frame, gain in points])
        for mark in piece.marks:
            inside = _mark_time(piece, mark)
            if inside is not None:
                _marker(made, inside, mark)
        if piece.cue:
            box = ET.SubElement(made, "metadata")
            ET.SubElement(box, "md", key=CUE_KEY, value=piece.cue, type="string")
        return made

    def kinds(self, media: Media) -> str:
        found = self.resources.find(f"asset[@id='{self.known[('asset', media)]}']")
        return "" if found is None else " ".join(found.attrib)

    def nest(self, piece: Piece) -> str:
        name, new = self.identity(("nest", piece.lanes, piece.name))
        if new:
            made = ET.Element("media", id=name, name=piece.name or "Nested sequence")
            self.sequence(made, piece.lanes, Fraction(0), ())
            self.resources.append(made)
        return name

    def fade(self, spine: ET.Element, at: Fraction, fade: Fade) -> None:
        name, new = self.identity("dissolve")
        if new:
            ET.SubElement(self.resources, "effect", id=name, name="Cross Dissolve", uid=_DISSOLVE)
        made = ET.SubElement(
            spine, "transition", name=fade.name or "Cross Dissolve", offset=clock(at - fade.before),
            duration=clock(fade.before + fade.after),
        )  # fmt: skip
        ET.SubElement(made, "filter-video", ref=name, name="Cross Dissolve")


_Anchor = tuple[Fraction, Piece, ET.Element]
_ORDER = ("note", "conform-rate", "timeMap", "adjust-volume", "spine", "asset-clip", "ref-clip", "marker",
          "metadata")  # fmt: skip


def _in_order(element: ET.Element) -> None:
    """The DTD wants connected items before markers, and those before metadata; a storyline stays as it is."""
    if element.tag == "spine":
        return
    rank = dict.fromkeys(("spine", "asset-clip", "ref-clip"), _ORDER.index("spine"))
    element[:] = sorted(element, key=lambda child: rank.get(child.tag, _ORDER.index(child.tag)))


def _local(piece: Piece) -> Fraction:
    """Where the piece's own clock stands at its beginning; a gap's stands at 0."""
    return (
        Fraction(0)
        if piece.is_gap or (piece.media is not None and piece.media.kind != "file")
        else piece.start
    )


def _anchored(anchors: list[_Anchor], at: Fraction) -> tuple[ET.Element, Fraction]:
    """What lies on the primary storyline at a time, and that time on its own clock."""
    begin, piece, element = next((each for each in reversed(anchors) if each[0] <= at), anchors[0])
    return element, _local(piece) + at - begin


def _time_map(element: ET.Element, piece: Piece) -> None:
    """From the clip's own clock to the time of the media, as two points of a straight line."""
    begin = _local(piece)
    first, last = piece.start, piece.start + piece.used
    if piece.speed < 0:
        first, last = last, first
    box = ET.SubElement(element, "timeMap")
    for time, value in ((begin, first), (begin + piece.duration, last)):
        ET.SubElement(box, "timept", time=clock(time), value=clock(value), interp="linear")


def _volume(element: ET.Element, piece: Piece, points: list[tuple[Fraction, float]]) -> None:
    """Volume automation; times are on the clip's own clock, whose file begins at `Media.start`."""
    zero = piece.media.start if piece.media is not None else Fraction(0)
    parameter = ET.SubElement(ET.SubElement(element, "adjust-volume"), "param", name="amount")
    box = ET.SubElement(parameter, "keyframeAnimation")
    for time, gain in points:
        said = {"time": clock(zero + time), "value": f"{plain(gain)}dB"}
        ET.SubElement(box, "keyframe", said | {"interp": "linear", "curve": "linear"})


def _mark_time(piece: Piece, mark: Mark) -> Fraction | None:
    """A mark on the clip's own clock, which runs at the speed of the timeline."""
    if piece.speed == 0:
        return _local(piece) if mark.start == piece.start else None
    inside = (mark.start - piece.start) / abs(piece.speed)
    return _local(piece) + (inside if piece.speed > 0 else piece.duration - inside)


def _marker(element: ET.Element, at: Fraction, mark: Mark) -> None:
    made = ET.SubElement(element, "marker", start=clock(at), value=mark.name or mark.comment or "Marker")
    made.set("duration", clock(mark.duration or Fraction(1, 100)))
    if mark.comment:
        made.set("note", mark.comment)
