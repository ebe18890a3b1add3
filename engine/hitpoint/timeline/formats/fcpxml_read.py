"""Reads FCPXML: what `fcpxml_write` writes and what Final Cut Pro saves, version 1.5 and later."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

from hitpoint.errors import TimelineError
from hitpoint.media.timecode import snap_rate
from hitpoint.timeline.formats.fcpxml_write import CUE_KEY, OUR_ROLE
from hitpoint.timeline.formats.firstlook import parsed_xml
from hitpoint.timeline.formats.levels import Level, with_levels
from hitpoint.timeline.formats.sheet import (
    OUR_LANE,
    Fade,
    Lane,
    LaneKind,
    Mark,
    Media,
    MediaKind,
    Piece,
    Sheet,
    counted,
    gap,
    joined,
)  # fmt: skip

_STORY = (
    "asset-clip",
    "clip",
    "ref-clip",
    "sync-clip",
    "mc-clip",
    "video",
    "audio",
    "title",
    "gap",
    "audition",
)
_TIMES = 1 << 62
_TODO = "Export the project again from Final Cut (File > Export XML)."


def read_fcpxml(data: bytes) -> Sheet:
    """The first project. In the guarded child only. Raises TimelineError."""
    root = parsed_xml(data, "FCPXML", "fcpxml")
    projects = list(root.iter("project"))
    if not projects:
        raise TimelineError("The file has clips but no project (no timeline).", _TODO)
    reader = _Reader(root)
    if len(projects) > 1:
        reader.left_out["other sequence"] += len(projects) - 1
    return reader.project(projects[0])


@dataclass(frozen=True, slots=True)
class Primary:
    """An item of the primary storyline: when it begins, how long it is, and where its own clock begins."""

    at: Fraction
    duration: Fraction
    clock: Fraction
    element: ET.Element


def primary_items(root: ET.Element, sequence: ET.Element) -> list[Primary]:
    """What lies on the primary storyline of a sequence, with the elements of `root`."""
    reader = _Reader(root)
    reader.enter(sequence)
    found: list[Primary] = []
    at = Fraction(0)
    zero = _zero(sequence)
    for each in sequence.findall("spine/*"):
        if each.tag in _STORY:
            shown = each[0] if each.tag == "audition" and len(each) else each
            piece = reader.piece(shown)
            at = reader.offset(each, at, zero)
            start = _time(shown.get("start")) if shown.get("start") else reader.begin(shown)
            found.append(Primary(at, piece.duration, start, shown))
            at += piece.duration
    return found


@dataclass(slots=True)
class _Found:
    """A connected item: its lane number, when it begins, and what it is."""

    lane: int
    kind: LaneKind
    at: Fraction
    pieces: tuple[Piece | Fade, ...]


@dataclass(slots=True)
class _Reader:
    root: ET.Element
    by_id: dict[str, ET.Element] = field(default_factory=dict[str, ET.Element])
    left_out: Counter[str] = field(default_factory=Counter[str])
    rate: Fraction = Fraction(25)
    depth: int = 0

    def project(self, project: ET.Element) -> Sheet:
        sequence = project.find("sequence")
        if sequence is None:
            raise TimelineError("The project has no sequence.", _TODO)
        size = self.enter(sequence)
        lanes = self.lanes(sequence)
        return Sheet(
            name=project.get("name", ""),
            rate=self.rate,
            lanes=lanes,
            start=_time(sequence.get("tcStart")),
            drop_frame=sequence.get("tcFormat") == "DF",
            size=size,
            extras=tuple(
                counted(trait, count, "The project")
                for trait, count in sorted(self.left_out.items())
                if count
            ),
        )

    def enter(self, sequence: ET.Element) -> tuple[int, int] | None:
        """Know the resources, and the rate of the project; the size of its picture."""
        resources = self.root.find("resources")
        self.by_id = {each.get("id", ""): each for each in (resources if resources is not None else ())}
        self.rate, size = self.format(sequence)
        return size

    def offset(self, item: ET.Element, otherwise: Fraction, zero: Fraction) -> Fraction:
        """Where an item of a storyline begins, whose clock stands at `zero` at its beginning."""
        text = item.get("offset")
        return _time(text) - zero if text else otherwise

    def format(self, sequence: ET.Element) -> tuple[Fraction, tuple[int, int] | None]:
        found = self.by_id.get(sequence.get("format", ""))
        step = _time(found.get("frameDuration")) if found is not None else Fraction(0)
        if found is None or step <= 0:
            raise TimelineError("The project does not say its frame rate.", _TODO)
        sides = [found.get(side, "") for side in ("width", "height")]
        size = (int(sides[0]), int(sides[1])) if all(side.isdecimal() for side in sides) else None
        return snap_rate(1 / step), size

    def lanes(self, sequence: ET.Element) -> tuple[Lane, ...]:
        """The primary storyline, then what is connected: above it, then below."""
        spine = sequence.find("spine")
        if spine is None:
            return ()
        self.depth += 1
        if self.depth > 20:
            raise TimelineError("The project has compound clips that hold themselves.", _TODO)
        connected: list[_Found] = []
        primary = self.storyline(spine, Fraction(0), connected, _zero(sequence))
        self.depth -= 1
        while primary and isinstance(primary[-1], Piece) and primary[-1].is_gap:
            primary = primary[:-1]
        lanes = [Lane("Video", primary)] if primary else []
        numbers = sorted({(each.kind == "Audio", _order(each.lane, each.kind)) for each in connected})
        for sound, number in numbers:
            kind: LaneKind = "Audio" if sound else "Video"
            mine = [each for each in connected if each.kind == kind and _order(each.lane, kind) == number]
            lanes += _packed(kind, mine)
        return tuple(lanes)

    def storyline(
        self, spine: ET.Element, start: Fraction, connected: list[_Found], zero: Fraction = Fraction(0)
    ) -> tuple[Piece | Fade, ...]:
        """What follows on each other in a spine that begins at `start` in the sequence."""
        placed: list[tuple[Fraction, Piece | Fade]] = []
        at = Fraction(0)
        for each in spine:
            if each.tag == "transition":
                placed.append((_time(each.get("offset", "0s")) - zero, _fade(each)))
                self.left_out["effect"] += len(each.findall("filter-video/param")) > 0
                continue
            if each.tag not in _STORY:
                continue
            at = self.offset(each, at, zero)
            piece = self.piece(each)
            placed.append((at, piece))
            self.anchored(each, piece, start + at, connected)
            at += piece.duration
        return _in_line(placed)

    def anchored(self, element: ET.Element, piece: Piece, at: Fraction, connected: list[_Found]) -> None:
        """What is connected to an item that begins at `at`."""
        clock = _time(element.get("start")) if element.get("start") else self.begin(element)
        for each in element:
            lane = int(each.get("lane", "0") or 0) if each.get("lane", "0").lstrip("-").isdecimal() else 0
            if not lane:
                continue
            when = at + _time(each.get("offset", "0s")) - clock
            if each.tag == "spine":
                pieces = self.storyline(each, when, connected)
                kind: LaneKind = "Video" if any(_shows(e, self) for e in each) else "Audio"
                connected.append(_Found(lane, kind, when, pieces))
            elif each.tag in _STORY:
                inner = self.piece(each)
                kind = "Video" if _shows(each, self) else "Audio"
                connected.append(_Found(lane, kind, when, (inner,)))
                self.anchored(each, inner, when, connected)

    def begin(self, element: ET.Element) -> Fraction:
        """Where an item's own clock begins if it does not say: in its media, if that starts later."""
        asset = self.by_id.get(element.get("ref", ""))
        if element.tag == "ref-clip" and asset is not None and (inner := asset.find("sequence")) is not None:
            return _time(inner.get("tcStart"))
        if element.tag == "asset-clip" and asset is not None:
            return _time(asset.get("start"))
        return Fraction(0)

    def piece(self, element: ET.Element) -> Piece:
        """An item of a storyline, without what is connected to it."""
        if element.tag == "audition" and len(element):
            self.left_out["other media"] += 1
            return self.piece(element[0])
        duration = _time(element.get("duration"))
        asset = self.by_id.get(element.get("ref", ""))
        if element.get("duration") is None and asset is not None:
            duration = _time(asset.get("duration"))
        if duration < 0:
            raise TimelineError("The project has an item of negative length.", _TODO)
        start = _time(element.get("start")) if element.get("start") else self.begin(element)
        self.left_out["effect"] += len(element.findall("filter-video")) + len(element.findall("filter-audio"))
        if element.tag == "gap" or duration == 0:
            return replace(gap(duration), marks=_marks(element))
        plain = Piece(duration, element.get("name", ""), start=start, enabled=element.get("enabled") != "0")
        if element.tag == "ref-clip":
            piece = self.compound(asset, plain)
        else:
            media, offset = self.media(element)
            piece = replace(plain, media=media, start=start + offset, cue=_levelled(element, media))
        piece = replace(piece, marks=_marks(element))
        return self.retimed(element, piece, start)

    def compound(self, media: ET.Element | None, piece: Piece) -> Piece:
        sequence = None if media is None else media.find("sequence")
        if sequence is None:
            return replace(piece, media=Media("missing", "", piece.name))
        lanes = self.lanes(sequence)
        inner = _time(sequence.get("tcStart"))
        if not lanes:
            return replace(piece, media=Media("missing", "", piece.name))
        return replace(piece, lanes=lanes, start=max(Fraction(0), piece.start - inner))

    def media(self, element: ET.Element) -> tuple[Media, Fraction]:
        """What an item shows, and how far its media's time is ahead of the item's own clock."""
        if element.tag in ("clip", "sync-clip"):
            inner = next(
                (e for e in element if e.tag in ("video", "audio", "asset-clip") and not e.get("lane")), None
            )
            inner = inner if inner is not None else next(iter(element.iter("audio")), None)
            if inner is None:
                return Media("missing", "", element.get("name", "")), Fraction(0)
            media, deeper = self.media(inner)
            begin = _time(inner.get("start")) if inner.get("start") else media.start
            return media, deeper + begin - _time(inner.get("offset", "0s"))
        found = self.by_id.get(element.get("ref", ""))
        if found is None or found.tag != "asset":
            kind: MediaKind = "generator" if element.tag in ("title", "video") else "missing"
            return Media(kind, "", element.get("name", "")), Fraction(0)
        rep = found.find("media-rep")
        source = found.get("src") or (rep.get("src") if rep is not None else None) or ""
        duration = _time(found.get("duration")) if found.get("duration") else None
        media = Media("file", source, found.get("name", ""), _time(found.get("start")), duration or None)
        return media, Fraction(0)

    def retimed(self, element: ET.Element, piece: Piece, clock: Fraction) -> Piece:
        """With the speed of its time map; several speeds are read as one on average."""
        points = [(_time(p.get("time")), _time(p.get("value"))) for p in element.findall("timeMap/timept")]
        conform = element.find("conform-rate")
        if conform is not None and conform.get("scaleEnabled", "1") != "0" and conform.get("srcFrameRate"):
            self.left_out["ramp"] += 1
        if len(points) < 2:
            return piece
        first, last = (_mapped(points, clock + part) for part in (Fraction(0), piece.duration))
        slopes = {(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(points) if b[0] > a[0]}
        if len(slopes) > 1:
            self.left_out["ramp"] += 1
        speed = (last - first) / piece.duration
        return replace(
            piece, start=min(first, last), speed=speed,
            marks=tuple(replace(m, start=_mapped(points, m.start)) for m in piece.marks),
        )  # fmt: skip


def _zero(sequence: ET.Element) -> Fraction:
    """What the offsets of a sequence's items count from: its start timecode. Some programs count from 0."""
    start = _time(sequence.get("tcStart"))
    items = [each for each in sequence.findall("spine/*") if each.tag in _STORY and each.get("offset")]
    return start if all(_time(each.get("offset")) >= start for each in items) else Fraction(0)


def _mapped(points: list[tuple[Fraction, Fraction]], time: Fraction) -> Fraction:
    """The media time at a clip's time; beyond the ends the line goes on."""
    left, right = points[0], points[1]
    for a, b in pairwise(points):
        left, right = a, b
        if time <= b[0]:
            break
    if right[0] == left[0]:
        return left[1]
    return left[1] + (time - left[0]) * (right[1] - left[1]) / (right[0] - left[0])


def _in_line(placed: list[tuple[Fraction, Piece | Fade]]) -> tuple[Piece | Fade, ...]:
    """Items with times as a list without times: gaps filled in, each transition at its cut."""
    clips = sorted(((at, p) for at, p in placed if isinstance(p, Piece)), key=lambda pair: pair[0])
    fades = [(at, p) for at, p in placed if isinstance(p, Fade)]
    lane = joined("Video", list(clips))
    cuts = [Fraction(0)]
    for piece in lane.pieces:
        if isinstance(piece, Piece):
            cuts.append(cuts[-1] + piece.duration)
    found: dict[Fraction, Fade] = {}
    for at, fade in fades:
        length = fade.before + fade.after
        middle = at + length / 2
        cut = min((c for c in cuts if at <= c <= at + length), key=lambda c: abs(c - middle), default=None)
        if cut is not None:
            found[cut] = Fade(cut - at, at + length - cut, fade.name)
    pieces: list[Piece | Fade] = []
    at = Fraction(0)
    for piece in lane.pieces:
        if at in found:
            pieces.append(found.pop(at))
        pieces.append(piece)
        at += piece.duration if isinstance(piece, Piece) else 0
    pieces += [fade for cut, fade in found.items() if cut == at]
    return tuple(pieces)


def _fade(element: ET.Element) -> Fade:
    length = _time(element.get("duration"))
    return Fade(length / 2, length / 2, element.get("name", ""))


def _packed(kind: LaneKind, found: list[_Found]) -> list[Lane]:
    """The items of one lane number as lanes: what overlaps goes on a lane of its own."""
    rows: list[list[_Found]] = []
    for each in sorted(found, key=lambda one: one.at):
        row = next((row for row in rows if _end(row[-1]) <= each.at), None)
        if row is None:
            rows.append([each])
        else:
            row.append(each)
    lanes: list[Lane] = []
    for row in rows:
        pieces: list[Piece | Fade] = []
        at = Fraction(0)
        for each in row:
            if each.at > at:
                pieces.append(gap(each.at - at))
            pieces += each.pieces
            at = _end(each)
        lane = Lane(kind, tuple(pieces))
        lanes.append(replace(lane, name=OUR_LANE) if lane.is_ours else lane)
    return lanes


def _end(found: _Found) -> Fraction:
    return found.at + sum((p.duration for p in found.pieces if isinstance(p, Piece)), Fraction(0))


def _order(lane: int, kind: LaneKind) -> int:
    """Audio lanes from the storyline down, video lanes from it up."""
    return -lane if kind == "Audio" else lane


def _shows(element: ET.Element, reader: _Reader) -> bool:
    """Whether an item brings a picture."""
    if element.tag in ("audio",) or element.get("srcEnable") == "audio":
        return False
    if element.tag == "asset-clip":
        asset = reader.by_id.get(element.get("ref", ""))
        return asset is None or asset.get("hasVideo") == "1"
    if element.tag == "clip":
        return any(
            e.tag in ("video", "title", "ref-clip", "asset-clip") and not e.get("lane") for e in element
        )
    return element.tag in ("video", "title", "ref-clip", "sync-clip", "mc-clip", "audition")


def _marks(element: ET.Element) -> tuple[Mark, ...]:
    return tuple(
        Mark(
            _time(each.get("start")), each.get("value", ""), each.get("note", ""),
            duration=Fraction(0) if each.get("duration") == "1/100s" else _time(each.get("duration", "0s")),
        )
        for each in element
        if each.tag in ("marker", "chapter-marker")
    )  # fmt: skip


def cue_of(element: ET.Element) -> str:
    """What we wrote into a clip's metadata; a role of ours is enough to know it again."""
    for each in element.findall("metadata/md"):
        if each.get("key") == CUE_KEY:
            return each.get("value", "")
    return '{"role": "music"}' if element.get("audioRole") == OUR_ROLE else ""


def _levelled(element: ET.Element, media: Media) -> str:
    """`cue_of`, with the volume automation that lies on the clip now; curves are read as straight lines."""
    cue = cue_of(element)
    if not cue:
        return cue
    found = [
        Level(max(Fraction(0), _time(each.get("time")) - media.start), gain)
        for each in element.findall("adjust-volume/param[@name='amount']/keyframeAnimation/keyframe")
        if (gain := _decibels(each.get("value", ""))) is not None
    ]
    whole = element.find("adjust-volume")
    steady = _decibels(whole.get("amount", "")) if whole is not None else None
    if not found and steady:
        found = [Level(Fraction(0), steady)]
    return with_levels(cue, found)


def _decibels(text: str) -> float | None:
    """`-10dB`; None for what is no level."""
    found = re.fullmatch(r"\s*(-?\d+(?:\.\d*)?)\s*(?:dB)?\s*", text)
    return float(found[1]) if found else None


def _time(text: str | None) -> Fraction:
    """`1001/24000s` or `5s` or `2.5s`; None is 0. Raises TimelineError."""
    if not text:
        return Fraction(0)
    try:
        number = Fraction(text.strip().removesuffix("s").replace(" ", ""))
    except (ValueError, ZeroDivisionError) as error:
        raise TimelineError(f"The project has a time of {text[:40]!r}.", _TODO) from error
    if abs(number.numerator) > _TIMES or number.denominator > _TIMES or abs(number) > 10**9:
        raise TimelineError(f"The project has a time of {text[:40]!r}.", _TODO)
    return number
