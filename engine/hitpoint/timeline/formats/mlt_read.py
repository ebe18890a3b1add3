"""Reads MLT XML: what `mlt_write` and `kdenlive_write` write, and what Shotcut and Kdenlive save."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction

from hitpoint.errors import TimelineError
from hitpoint.media.timecode import snap_rate
from hitpoint.timeline.formats.firstlook import parsed_xml
from hitpoint.timeline.formats.kdenlive_write import TYPES
from hitpoint.timeline.formats.levels import Level, with_levels
from hitpoint.timeline.formats.mlt_write import COLOURS, seen_at
from hitpoint.timeline.formats.sheet import Fade, Lane, Mark, Media, MediaKind, Piece, Sheet, counted, gap

_CLOCK = re.compile(r"(\d+):(\d{1,2}):(\d{1,2})(?:([.:;,])(\d+))?")
_KEYFRAME = re.compile(r"([\d:.,]+)[^\d=]?=(-?\d+(?:\.\d*)?)")
_BACKGROUNDS = ("black", "background", "black_track")
_OURS_ADDED = ("mix", "luma", "frei0r.cairoblend", "qtblend", "composite", "volume", "panner", "audiolevel",
               "freeze", "avfilter.fieldorder", "affine")  # fmt: skip


def read_mlt(data: bytes) -> Sheet:
    """The timeline. In the guarded child only. Raises TimelineError."""
    reader = _Reader(parsed_xml(data, "MLT", "mlt"))
    return reader.sheet()


@dataclass(slots=True)
class _Reader:
    root: ET.Element
    rate: Fraction = Fraction(25)
    by_id: dict[str, ET.Element] = field(default_factory=dict[str, ET.Element])
    left_out: Counter[str] = field(default_factory=Counter[str])

    def sheet(self) -> Sheet:
        profile = self.root.find("profile")
        if profile is None:
            raise TimelineError("The project does not say its frame rate.", "Save it again in your editor.")
        number, per = (_whole(profile.get(f"frame_rate_{part}", "0")) for part in ("num", "den"))
        if number <= 0 or per <= 0:
            raise TimelineError("The project has no usable frame rate.", "Save it again in your editor.")
        self.rate = snap_rate(Fraction(number, per))
        self.by_id = {each.get("id", ""): each for each in self.root if each.get("id")}
        tractor = self._main()
        properties = properties_of(tractor)
        bin_ = self.by_id.get("main_bin")
        project = properties | (properties_of(bin_) if bin_ is not None else {})
        lanes = [lane for track in tractor.findall("track") if (lane := self._lane(track)) is not None]
        audio = [lane for lane in lanes if lane.kind == "Audio"]
        if bin_ is not None and any(key.startswith("kdenlive:") for key in project):
            audio.reverse()
        markers = self._shotcut_markers(tractor)
        lanes = [_with_marks(lane, [mark for mark, ours in markers if ours]) for lane in lanes]
        audio = [_with_marks(lane, [mark for mark, ours in markers if ours]) for lane in audio]
        size = tuple(_whole(profile.get(side, "0")) for side in ("width", "height"))
        return Sheet(
            name=project.get("hitpoint:name", ""),
            rate=self.rate,
            lanes=(*(lane for lane in lanes if lane.kind == "Video"), *audio),
            start=Fraction(project.get("hitpoint:start", "0")),
            drop_frame=project.get("hitpoint:drop_frame") == "1",
            marks=(*self._guides(project), *(mark for mark, ours in markers if not ours)),
            size=(size[0], size[1]) if min(size) > 0 else None,
            extras=tuple(
                counted(trait, count, "The project") for trait, count in sorted(self.left_out.items())
            ),
        )

    def _main(self) -> ET.Element:
        tractors = self.root.findall("tractor")
        main = main_tractor(self.root)
        if main is not tractors[-1]:
            others = [each for each in tractors if properties_of(each).get("kdenlive:uuid")]
            self.left_out["other sequence"] += max(0, len(others) - 1)
        return main

    def _lane(self, track: ET.Element) -> Lane | None:
        name = track.get("producer", "")
        source = self.by_id.get(name)
        if source is None or source.tag == "producer" or name in _BACKGROUNDS:
            return None
        self._count_filters(source)
        properties = properties_of(source)
        if properties.get("hitpoint:mirror") == "1":
            return None
        hides = {track.get("hide", "")} | {each.get("hide", "") for each in source.findall("track")} - {""}
        sound = "kdenlive:audio_track" in properties or "shotcut:audio" in properties
        sound = sound or ("video" in hides and "shotcut:video" not in properties)
        pieces = self._tractor(source) if source.tag == "tractor" else self._playlist(source)
        label = properties.get("kdenlive:track_name") or properties.get("shotcut:name") or ""
        return Lane("Audio" if sound else "Video", tuple(pieces), label, "both" not in hides)

    def _playlist(self, playlist: ET.Element) -> list[Piece | Fade]:
        """One play list: blanks, clips, and Shotcut's transitions."""
        pieces: list[Piece | Fade] = []
        pending: tuple[int, int] | None = None  # frames of a transition before and after its cut
        for each in playlist:
            if each.tag == "blank":
                pieces.append(gap(self._time(each.get("length", "0")) / self.rate))
                continue
            source = self.by_id.get(each.get("producer", ""))
            if each.tag != "entry" or source is None:
                continue
            if source.tag == "tractor" and "shotcut:transition" in properties_of(source):
                length = self._length(each)
                before = _whole(properties_of(source).get("hitpoint:before", str(length // 2)))
                pending = (before, length - before)
                if pieces and isinstance(pieces[-1], Piece) and not pieces[-1].is_gap:
                    pieces[-1] = self._longer(pieces[-1], 0, before)
                else:
                    pieces.append(self._from_mix(source, 0, 0, before))
                pieces.append(Fade(before / self.rate, pending[1] / self.rate, "luma"))
                waiting = self._from_mix(source, 1, before, pending[1])
                pieces.append(waiting)
                continue
            piece = self._entry(each, source)
            if pending is not None and isinstance(pieces[-1], Piece) and _continues(pieces[-1], piece):
                joined = self._longer(piece, self._frames(pieces[-1].duration), 0)
                pieces[-1] = joined
            else:
                pieces.append(piece)
            pending = None
        return pieces

    def _from_mix(self, mix: ET.Element, number: int, skip: int, length: int) -> Piece:
        """The part of one side of a transition that lies on its own side of the cut."""
        tracks = mix.findall("track")
        source = self.by_id.get(tracks[number].get("producer", "")) if number < len(tracks) else None
        if source is None:
            return gap(length / self.rate)
        first = self._time(tracks[number].get("in") or source.get("in") or "0") + skip
        return self._clip(source, first, length, "")

    def _longer(self, piece: Piece, head: int, tail: int) -> Piece:
        before, after = head / self.rate, tail / self.rate
        back = before if piece.speed > 0 else after
        return replace(
            piece, start=piece.start - back * abs(piece.speed), duration=piece.duration + before + after
        )

    def _tractor(self, tractor: ET.Element) -> list[Piece | Fade]:
        """Kdenlive's track: two play lists, with transitions where they overlap."""
        placed: list[tuple[int, Piece]] = []
        for track in tractor.findall("track"):
            playlist = self.by_id.get(track.get("producer", ""))
            at = 0
            for each in self._playlist(playlist) if playlist is not None else ():
                if isinstance(each, Piece):
                    if not each.is_gap:
                        placed.append((at, each))
                    at += self._frames(each.duration)
        placed.sort(key=lambda pair: pair[0])
        mixes: dict[int, int] = {}
        for transition in tractor.findall("transition"):
            properties = properties_of(transition)
            begin, end = (self._time(transition.get(key, "0")) for key in ("in", "out"))
            mixes[begin] = _whole(properties.get("kdenlive:mixcut", str((end - begin + 1) // 2)))
        return self._merged(placed, mixes)

    def _merged(self, placed: list[tuple[int, Piece]], mixes: dict[int, int]) -> list[Piece | Fade]:
        pieces: list[Piece | Fade] = []
        end = 0
        for begin, piece in placed:
            last = pieces[-1] if pieces else None
            if begin < end and isinstance(last, Piece):
                overlap = end - begin
                after = min(max(mixes.get(begin, overlap // 2), 0), overlap)
                pieces[-1] = self._longer(last, 0, -after)
                pieces.append(Fade((overlap - after) / self.rate, after / self.rate, "mix"))
                piece = self._longer(piece, -(overlap - after), 0)
                begin = end - after
            elif begin > end:
                pieces.append(gap((begin - end) / self.rate))
            pieces.append(piece)
            end = begin + self._frames(piece.duration)
        return pieces

    def _entry(self, entry: ET.Element, source: ET.Element) -> Piece:
        self._count_filters(entry)
        first = self._time(entry.get("in") or source.get("in") or "0")
        piece = self._clip(source, first, self._length(entry), properties_of(entry).get("hitpoint:name", ""))
        if not piece.cue:
            return piece
        # Kdenlive has filters on the clip, Shotcut on its producer.
        found = [each for owner in (entry, source) for each in owner.findall("filter")]
        return replace(piece, cue=with_levels(piece.cue, self._levels(found)))

    def _levels(self, filters: list[ET.Element]) -> list[Level]:
        """The volume automation of the first of `filters` that has one; curves are read as straight lines."""
        for each in filters:
            properties = properties_of(each)
            level = properties.get("level", "")
            if properties.get("mlt_service") != "volume" or properties.get("disable") == "1" or not level:
                continue
            begin = self._time(each.get("in", "0"))
            points = [_KEYFRAME.fullmatch(part.strip()) for part in level.split(";")]
            found = [(begin + self._time(point[1]), float(point[2])) for point in points if point]
            if not found and re.fullmatch(r"-?\d+(\.\d*)?", level):
                found = [(0, float(level))] if float(level) else []
            return [Level(max(0, frame) / self.rate, gain) for frame, gain in found]
        return []

    def _length(self, entry: ET.Element) -> int:
        source = self.by_id.get(entry.get("producer", ""))
        last = entry.get("out") or (source.get("out") if source is not None else None) or "0"
        first = entry.get("in") or (source.get("in") if source is not None else None) or "0"
        return max(0, self._time(last) - self._time(first) + 1)

    def _clip(self, source: ET.Element, first: int, length: int, name: str) -> Piece:
        properties = properties_of(source)
        if source.tag in ("tractor", "playlist"):
            return self._nest(source, first, length, name)
        media = self._media(source, properties)
        speed = Fraction(1)
        if properties.get("mlt_service") == "timewarp":
            speed = Fraction(properties.get("warp_speed", "1")).limit_denominator(1000)
        frozen = self._frozen_at(source, properties)
        self._count_filters(source)
        duration = length / self.rate
        start = media.start + first / self.rate * speed
        if frozen is not None:
            speed = Fraction(0)
            start = media.start + frozen / self.rate
        elif speed < 0:
            whole = media.duration if media.duration is not None else self._producer_length(source) * -speed
            start = media.start + whole - (first / self.rate + duration) * -speed
        label = name or properties.get("kdenlive:clipname") or properties.get("shotcut:caption") or ""
        piece = Piece(
            duration=duration,
            name=label or media.name or media.target.replace("\\", "/").rsplit("/", 1)[-1],
            media=media,
            start=start,
            speed=speed,
            enabled=not (properties.get("set.test_image") == "1" == properties.get("set.test_audio")),
            cue=properties.get("hitpoint:cue", ""),
        )
        marks = self._clip_marks(properties, media)
        return replace(piece, marks=tuple(mark for mark in marks if seen_at(piece, mark) is not None))

    def _frozen_at(self, source: ET.Element, properties: dict[str, str]) -> int | None:
        """The one frame that is shown, of our `hold` or of an editor's filter; None for a clip that moves."""
        if properties.get("mlt_service") == "hold":
            return _whole(properties.get("frame", "0"))
        filters = [properties_of(each) for each in source.findall("filter")]
        found = next((each for each in filters if each.get("mlt_service") == "freeze"), None)
        return None if found is None else _whole(found.get("frame", "0"))

    def _nest(self, source: ET.Element, first: int, length: int, name: str) -> Piece:
        self.left_out["nest"] += 1
        label = name or properties_of(source).get("kdenlive:clipname", "nested sequence")
        return Piece(length / self.rate, label, Media("missing", "", label), start=first / self.rate)

    def _media(self, source: ET.Element, properties: dict[str, str]) -> Media:
        service = properties.get("mlt_service", "")
        resource = properties.get("warp_resource") or properties.get("resource", "")
        if service == "timewarp" and "warp_resource" not in properties:
            resource = resource.partition(":")[2]
        start = Fraction(properties.get("hitpoint:media_start", "0"))
        stated = properties.get("hitpoint:media_duration")
        duration = Fraction(stated) if stated else None
        name = properties.get("hitpoint:media_name", "")
        kind = properties.get("hitpoint:media_kind", "")
        kinds: dict[str, MediaKind] = {"missing": "missing", "generator": "generator", "images": "images"}
        if kind in kinds:
            return Media(kinds[kind], "", name, start, duration)
        if service in ("color", "colour", "kdenlivetitle", "noise", "count", "frei0r.test_pat_B", "qtext"):
            return Media("generator", "", service)
        if service in ("qimage", "pixbuf"):
            return Media("images", resource, name)
        if not resource:
            return Media("missing")
        root = self.root.get("root", "")
        absolute = resource.startswith(("/", "\\")) or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", resource)
        target = resource if absolute or not root else f"{root.rstrip('/')}/{resource}"
        if duration is None and not stated and service != "timewarp" and "hitpoint:cue" not in properties:
            frames = self._producer_length(source) * self.rate
            duration = frames / self.rate if 0 < frames < 10_000_000 else None
        return Media("file", target, name, start, duration)

    def _producer_length(self, source: ET.Element) -> Fraction:
        text = properties_of(source).get("length") or source.get("out") or "0"
        return self._time(text) / self.rate

    def _clip_marks(self, properties: dict[str, str], media: Media) -> list[Mark]:
        return [
            replace(mark, start=mark.start + media.start)
            for mark in self._rows(properties.get("kdenlive:markers", ""))
        ]

    def _guides(self, properties: dict[str, str]) -> list[Mark]:
        for key in ("kdenlive:sequenceproperties.guides", "kdenlive:docproperties.guides"):
            if properties.get(key):
                return self._rows(properties[key])
        return []

    def _rows(self, text: str) -> list[Mark]:
        try:
            rows = json.loads(text) if text.strip() else []
        except ValueError:
            rows = []
        names = {number: colour for colour, number in reversed(list(TYPES.items()))}
        return [
            Mark(
                int(row["pos"]) / self.rate,
                str(row.get("comment", "")),
                colour=names.get(row.get("type", -1), ""),
            )
            for row in rows
            if isinstance(row, dict) and isinstance(row.get("pos"), int)
        ]

    def _shotcut_markers(self, tractor: ET.Element) -> list[tuple[Mark, bool]]:
        box = tractor.find("properties[@name='shotcut:markers']")
        found: list[tuple[Mark, bool]] = []
        for each in box if box is not None else ():
            row = properties_of(each)
            begin, end = (self._time(row.get(key, "0")) for key in ("start", "end"))
            colour = next((n for n, code in COLOURS.items() if code == row.get("color", "").lower()), "")
            length = max(0, end - begin) / self.rate
            mark = Mark(begin / self.rate, row.get("text", ""), "", colour, length)
            found.append((mark, row.get("hitpoint:cue") == "1"))
        return found

    def _count_filters(self, owner: ET.Element) -> None:
        for each in owner.findall("filter"):
            if properties_of(each).get("mlt_service") not in _OURS_ADDED:
                self.left_out["effect"] += 1

    def _time(self, text: str) -> int:
        """Frames, of a number of frames or a clock time."""
        match = _CLOCK.fullmatch(text.strip())
        if match is None:
            return _whole(text)
        seconds = (int(match[1]) * 60 + int(match[2])) * 60 + int(match[3])
        if match[4] == ".":
            return round((seconds + Fraction(int(match[5]), 10 ** len(match[5]))) * self.rate)
        return seconds * round(self.rate) + int(match[5] or 0)

    def _frames(self, seconds: Fraction) -> int:
        return round(seconds * self.rate)


def _with_marks(lane: Lane, marks: list[Mark]) -> Lane:
    """With the markers that we wrote for our music back on it."""
    pieces: list[Piece | Fade] = []
    at = Fraction(0)
    for piece in lane.pieces:
        if isinstance(piece, Piece) and piece.cue:
            mine = [mark for mark in marks if at <= mark.start < at + piece.duration]
            moved = (replace(m, start=piece.start + m.start - at) for m in mine)
            piece = replace(piece, marks=(*piece.marks, *moved))
        pieces.append(piece)
        at += piece.duration if isinstance(piece, Piece) else 0
    return replace(lane, pieces=tuple(pieces))


def _continues(left: Piece, right: Piece) -> bool:
    """Whether `right` is the rest of the clip that `left` began within a transition."""
    return (left.media, left.speed, left.enabled) == (right.media, right.speed, right.enabled)


def main_tractor(root: ET.Element) -> ET.Element:
    """The timeline: the last tractor, or in Kdenlive from 23.04 on the sequence that it plays."""
    tractors = root.findall("tractor")
    if not tractors:
        raise TimelineError("The project has no timeline, only clips.", "Put clips on its timeline.")
    last = tractors[-1]
    track = last.find("track")
    if properties_of(last).get("kdenlive:projectTractor") != "1" or track is None:
        return last
    return next((each for each in tractors if each.get("id") == track.get("producer")), last)


def properties_of(element: ET.Element) -> dict[str, str]:
    """MLT's properties of an element."""
    return {each.get("name", ""): each.text or "" for each in element.findall("property")}


def _whole(text: str) -> int:
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return 0
