"""Writes Final Cut Pro 7 XML (xmeml version 5), all times in whole frames."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from hitpoint.errors import MediaError, TimelineError
from hitpoint.media.facts import MediaFacts, facts_of
from hitpoint.media.timecode import format_timecode
from hitpoint.timeline.formats.fcpxml_write import url_of
from hitpoint.timeline.formats.levels import HIGHEST_DB, framed, levels_of, linear
from hitpoint.timeline.formats.nests import unnested
from hitpoint.timeline.formats.sheet import Fade, Lane, Mark, Media, Piece, Sheet

_SIZE = (1920, 1080)


def write_fcp7(sheet: Sheet) -> bytes:
    """The whole file. Raises TimelineError for a frame rate that it cannot say."""
    ntsc = Fraction(round(sheet.rate) * 1000, 1001)
    if sheet.rate not in (ntsc, round(sheet.rate)):
        raise TimelineError(
            f"Final Cut Pro 7 XML cannot be at {float(sheet.rate):g} frames per second.",
            "Choose another format.",
        )
    return _Writer(unnested(sheet)).file()


def track_of(sheet: Sheet, lane: Lane, prefix: str) -> ET.Element:
    """One lane of `sheet` as a track, whose ids all begin with `prefix`."""
    box = ET.Element("audio")
    _Writer(sheet, prefix=prefix).track(box, lane)
    return box[0]


@dataclass(slots=True)
class _Writer:
    sheet: Sheet
    files: dict[Media, str] = field(default_factory=dict[Media, str])
    facts: dict[str, MediaFacts | None] = field(default_factory=dict[str, MediaFacts | None])
    items: int = 0
    prefix: str = ""  # of all ids

    def file(self) -> bytes:
        root = ET.Element("xmeml", version="5")
        sequence = ET.SubElement(root, "sequence", id="sequence-1")
        _text(sequence, "name", self.sheet.name)
        _text(sequence, "duration", self.frames(self.sheet.duration))
        self.rate(sequence)
        self.timecode(sequence, self.sheet.start)
        media = ET.SubElement(sequence, "media")
        video = ET.SubElement(media, "video")
        look = ET.SubElement(ET.SubElement(video, "format"), "samplecharacteristics")
        self.rate(look)
        for key, side in zip(("width", "height"), self.sheet.size or _SIZE, strict=True):
            _text(look, key, side)
        audio = ET.SubElement(media, "audio")
        for lane in self.sheet.lanes:
            self.track(video if lane.kind == "Video" else audio, lane)
        if self.sheet.sound_with_picture:
            for lane in self.sheet.of_kind("Video"):
                self.sound_of(audio, lane)
        for mark in self.sheet.marks:
            self.marker(sequence, mark, mark.start)
        ET.indent(root, "  ")
        body: bytes = ET.tostring(root, encoding="utf-8")
        return b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n' + body + b"\n"

    def frames(self, seconds: Fraction) -> int:
        return round(seconds * self.sheet.rate)

    def rate(self, parent: ET.Element) -> None:
        made = ET.SubElement(parent, "rate")
        _text(made, "timebase", round(self.sheet.rate))
        _text(made, "ntsc", "TRUE" if self.sheet.rate.denominator == 1001 else "FALSE")

    def timecode(self, parent: ET.Element, start: Fraction) -> None:
        drop = self.sheet.drop_frame and round(self.sheet.rate) % 30 == 0
        made = ET.SubElement(parent, "timecode")
        self.rate(made)
        frame = self.frames(start)
        _text(made, "string", format_timecode(frame, self.sheet.rate, drop=drop))
        _text(made, "frame", frame)
        _text(made, "displayformat", "DF" if drop else "NDF")

    def sound_of(self, audio: ET.Element, lane: Lane) -> None:
        """The sound of picture clips, here on tracks of its own; marked, so as not to be read back."""
        pieces = [p if isinstance(p, Piece) and self.sounds(p) else _nothing(p) for p in lane.pieces]
        if any(not piece.is_gap for piece in pieces):
            self.track(audio, Lane("Audio", tuple(pieces), "", lane.enabled), mirror=True)

    def sounds(self, piece: Piece) -> bool:
        if piece.media is None or piece.media.kind != "file" or piece.speed == 0:
            return False
        facts = self.look(piece.media)
        return facts is not None and facts.channels > 0

    def look(self, media: Media) -> MediaFacts | None:
        if media.target not in self.facts:
            try:
                self.facts[media.target] = facts_of(Path(media.target))
            except MediaError:
                self.facts[media.target] = None
        return self.facts[media.target]

    def track(self, parent: ET.Element, lane: Lane, mirror: bool = False) -> None:
        made = ET.SubElement(parent, "track")
        if lane.name:
            made.set("MZ.TrackName", lane.name)
        if mirror:
            made.set("hitpoint", "mirror")
        at = Fraction(0)
        lane = replace(lane, pieces=tuple(self.centred(lane)))
        for number, piece in enumerate(lane.pieces):
            if isinstance(piece, Fade):
                self.transition(made, piece, at)
                continue
            if not piece.is_gap:
                head = lane.pieces[number - 1] if number else None
                tail = lane.pieces[number + 1] if number + 1 < len(lane.pieces) else None
                self.clip(made, piece, at, lane.kind, _fade(head), _fade(tail))
            at += piece.duration
        _text(made, "enabled", "TRUE" if lane.enabled else "FALSE")
        _text(made, "locked", "FALSE")

    def centred(self, lane: Lane) -> Iterator[Piece | Fade]:
        """With whole frames in each transition, and as many before its cut as after it, or all on one side.

        Others move the cut when they are read, and so does one that would begin before the timeline.
        """
        at = Fraction(0)
        for piece in lane.pieces:
            if isinstance(piece, Piece):
                at += piece.duration
                yield piece
                continue
            before, after = self.frames(piece.before), self.frames(piece.after)
            if before and after:
                before, after = (before + after) // 2, (before + after) - (before + after) // 2
            before = min(before, self.frames(at))
            if before and after > before + 1:
                after = before
            yield replace(piece, before=before / self.sheet.rate, after=after / self.sheet.rate)

    def transition(self, track: ET.Element, fade: Fade, at: Fraction) -> None:
        made = ET.SubElement(track, "transitionitem")
        _text(made, "start", self.frames(at) - self.frames(fade.before))
        _text(made, "end", self.frames(at) + self.frames(fade.after))
        _text(
            made,
            "alignment",
            "center" if fade.before and fade.after else "start-black" if fade.after else "end-black",
        )
        self.rate(made)
        effect = ET.SubElement(made, "effect")
        for key, value in (
            ("name", fade.name or "Cross Dissolve"), ("effectid", "Cross Dissolve"),
            ("effectcategory", "Dissolve"), ("effecttype", "transition"), ("mediatype", "video"),
        ):  # fmt: skip
            _text(effect, key, value)

    def clip(
        self, track: ET.Element, piece: Piece, at: Fraction, kind: str, head: Fade | None, tail: Fade | None
    ) -> None:
        self.items += 1
        made = ET.SubElement(track, "clipitem", id=f"{self.prefix}clipitem-{self.items}")
        begin, end = self.frames(at), self.frames(at + piece.duration)
        media = piece.media or Media("missing")
        zero = media.start if piece.media is not None else Fraction(0)
        first = self.frames((piece.start - zero) / (abs(piece.speed) or 1))
        before = self.frames(head.before) if head else 0
        after = self.frames(tail.after) if tail else 0
        _text(made, "name", piece.name)
        _text(made, "enabled", "TRUE" if piece.enabled else "FALSE")
        length = media.duration if media.duration is not None else piece.used
        _text(made, "duration", self.frames(length / (abs(piece.speed) or 1)))
        self.rate(made)
        _text(made, "start", -1 if head else begin)
        _text(made, "end", -1 if tail else end)
        _text(made, "in", first - before)
        _text(made, "out", first + end - begin + after)
        self.source(made, media, kind)
        if kind == "Audio":
            source = ET.SubElement(made, "sourcetrack")
            _text(source, "mediatype", "audio")
            _text(source, "trackindex", 1)
        if piece.speed != 1:
            _remap(made, piece.speed)
        if points := framed(levels_of(piece.cue), self.sheet.rate):
            _volume(made, points)
        for mark in piece.marks:
            self.marker(made, mark, mark.start - zero)
        if piece.cue:
            _text(ET.SubElement(made, "comments"), "mastercomment1", "hitpoint:" + piece.cue)

    def source(self, clip: ET.Element, media: Media, kind: str) -> None:
        if media in self.files:
            ET.SubElement(clip, "file", id=self.files[media])
            return
        name = f"{self.prefix}file-{len(self.files) + 1}"
        self.files[media] = name
        made = ET.SubElement(clip, "file", id=name)
        _text(made, "name", media.name or media.target.replace("\\", "/").rsplit("/", 1)[-1])
        if media.kind == "generator":
            _text(made, "mediaSource", media.name or "Slug")
        elif media.kind == "file":
            _text(made, "pathurl", url_of(media.target).replace("file:///", "file://localhost/", 1))
        self.rate(made)
        if media.duration is not None:
            _text(made, "duration", self.frames(media.duration))
        self.timecode(made, media.start)
        facts = self.look(media) if media.kind == "file" else None
        streams = ET.SubElement(made, "media")
        if kind == "Video" or (facts is not None and facts.size is not None):
            ET.SubElement(streams, "video")
        if kind == "Audio" or (facts is not None and facts.channels):
            audio = ET.SubElement(streams, "audio")
            look = ET.SubElement(audio, "samplecharacteristics")
            _text(look, "depth", 16)
            _text(look, "samplerate", facts.sample_rate if facts is not None and facts.channels else 48000)
            _text(audio, "channelcount", facts.channels if facts is not None and facts.channels else 2)

    def marker(self, parent: ET.Element, mark: Mark, at: Fraction) -> None:
        made = ET.SubElement(parent, "marker")
        _text(made, "comment", mark.comment)
        _text(made, "name", mark.name)
        frame = self.frames(at)
        _text(made, "in", frame)
        _text(made, "out", frame + self.frames(mark.duration) if mark.duration else -1)


def _effect(clip: ET.Element, name: str, identity: str, category: str, medium: str) -> ET.Element:
    effect = ET.SubElement(ET.SubElement(clip, "filter"), "effect")
    for key, value in (
        ("name", name), ("effectid", identity), ("effectcategory", category), ("effecttype", category),
        ("mediatype", medium),
    ):  # fmt: skip
        _text(effect, key, value)
    return effect


def _volume(clip: ET.Element, points: tuple[tuple[int, float], ...]) -> None:
    """Volume automation: the format has factors, and counts frames as `in` and `out` do."""
    effect = _effect(clip, "Audio Levels", "audiolevels", "audiolevels", "audio")
    parameter = ET.SubElement(effect, "parameter")
    for key, value in (
        ("parameterid", "level"), ("name", "Level"), ("valuemin", "0"),
        ("valuemax", f"{linear(HIGHEST_DB):.6g}"), ("value", f"{linear(points[0][1]):.6g}"),
    ):  # fmt: skip
        _text(parameter, key, value)
    for frame, gain in points:
        keyframe = ET.SubElement(parameter, "keyframe")
        _text(keyframe, "when", frame)
        _text(keyframe, "value", f"{linear(gain):.6g}")


def _remap(clip: ET.Element, speed: Fraction) -> None:
    effect = _effect(clip, "Time Remap", "timeremap", "motion", "video")
    values = {"variablespeed": "0", "speed": f"{float(abs(speed) * 100):.6g}"}
    values |= {"reverse": "TRUE" if speed < 0 else "FALSE", "frameblending": "FALSE"}
    for key, value in values.items():
        parameter = ET.SubElement(effect, "parameter")
        _text(parameter, "parameterid", key)
        _text(parameter, "name", key)
        _text(parameter, "value", value)


def _fade(piece: Piece | Fade | None) -> Fade | None:
    return piece if isinstance(piece, Fade) else None


def _nothing(piece: Piece | Fade) -> Piece:
    return Piece(piece.duration if isinstance(piece, Piece) else Fraction(0))


def _text(parent: ET.Element, tag: str, value: object) -> None:
    ET.SubElement(parent, tag).text = str(value)
