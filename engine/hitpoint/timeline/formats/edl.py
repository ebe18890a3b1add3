"""CMX 3600 edit lists: one video track and its cuts, in timecode and reel names of 1976.

They are read with OpenTimelineIO's adapter. Writing is done here, as the adapter writes lists that it
cannot read again. File names are in comments, as all editors have them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from hitpoint.errors import TimelineError
from hitpoint.media.timecode import format_timecode, parse_timecode
from hitpoint.timeline.formats.adapters import adapted
from hitpoint.timeline.formats.base import Loss, missing_traits
from hitpoint.timeline.formats.firstlook import checked_text
from hitpoint.timeline.formats.nests import unnested
from hitpoint.timeline.formats.sheet import Lane, Piece, Sheet, gap

_KEEPS = frozenset(["audio track", "start timecode", "media start timecode"])
_NOTES = {
    "speed": "it is rounded to a tenth of a frame per second",
    "freeze": "it runs on at normal speed",
    "second video track": "only the first video track is written",
    "transition": "it becomes a cut",
    "nest": "its clips are laid out in the timeline itself",
    "uneven edge": "it is moved to the nearest frame",
    "disabled": "it is left out",
    "track name": "tracks have no names",
    "clip marker": "markers are not written",
    "timeline marker": "markers are not written",
    "reverse": "it is written at its speed forwards",
    "media length": "only what is used is said",
}
_COMMENT = re.compile(r"^\* (?:FRAME RATE|TIMELINE START): .*$", re.MULTILINE)
_START = re.compile(r"^\* TIMELINE START: (\S+)", re.MULTILINE)
_EVENT = re.compile(r"^\d+\s+\S+\s+(\S+)\s+\S+(?:\s+\d+)?\s+\S+\s+\S+\s+(\S+)\s+\S+\s*$", re.MULTILINE)
_RATE = re.compile(r"^\s*(?:\*\s*)?FRAME RATE:\s*([\d./]+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Edl:
    """CMX 3600."""

    name: str = "EDL"
    suffixes: tuple[str, ...] = (".edl",)
    native: bool = False
    text: bool = True

    def read(self, data: bytes) -> Sheet:
        """The list at the rate in its comments, else at 29.97 if it is drop-frame, else at 24."""
        text = checked_text(data, self.name)
        stated = _RATE.search(text)
        rate = float(Fraction(stated[1]).limit_denominator(1001)) if stated else 24.0
        if not stated and "FCM: DROP FRAME" in text:
            rate = 30000 / 1001
        return _moved(adapted(_COMMENT.sub("", text), "cmx_3600", rate=rate), text)

    def write(self, sheet: Sheet, out: Path) -> bytes:
        """Events in order of time; speeds as M2 lines. Raises TimelineError for rates without timecode."""
        sheet = unnested(sheet)
        if sheet.rate not in _RATES:
            raise TimelineError(
                f"An EDL cannot be at {float(sheet.rate):g} frames per second.", "Choose another format."
            )
        drop = sheet.drop_frame and sheet.rate.denominator != 1
        lines = [f"TITLE: {sheet.name}", f"FCM: {'DROP FRAME' if drop else 'NON-DROP FRAME'}"]
        lines += [f"* FRAME RATE: {sheet.rate}"]
        origin = format_timecode(round(sheet.start * sheet.rate), sheet.rate, drop=drop)
        lines += [f"* TIMELINE START: {origin}"]
        events: list[tuple[Fraction, str, Piece]] = []
        video = [lane for lane in sheet.of_kind("Video") if lane.enabled][:1]
        audio = [lane for lane in sheet.of_kind("Audio") if lane.enabled]
        for lane, channel in [(lane, "V") for lane in video] + list(zip(audio, _channels(), strict=False)):
            events += [(at, channel, piece) for at, piece in _written(lane)]
        for number, (at, channel, piece) in enumerate(sorted(events, key=lambda e: (e[0], e[1])), 1):
            lines += _event(number, at, channel, piece, sheet, drop)
        return ("\n".join(lines) + "\n").encode("utf-8")

    def losses(self, sheet: Sheet) -> tuple[Loss, ...]:
        """Nearly everything but cuts."""
        return missing_traits(sheet, _KEEPS, _NOTES)


_RATES = (Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30),
          Fraction(48), Fraction(50), Fraction(60000, 1001), Fraction(60))  # fmt: skip


def _channels() -> list[str]:
    return ["A", "A2", "A3", "A4"]


def _written(lane: Lane) -> list[tuple[Fraction, Piece]]:
    return [(at, piece) for at, piece in lane.placed() if not piece.is_gap and piece.enabled]


def _event(number: int, at: Fraction, channel: str, piece: Piece, sheet: Sheet, drop: bool) -> list[str]:
    begin, end = (round(time * sheet.rate) for time in (at, at + piece.duration))
    if end <= begin:
        return []
    first = round(piece.start * sheet.rate)
    used = end - begin if piece.speed in (0, 1) else max(1, round((end - begin) * abs(piece.speed)))
    origin = round(sheet.start * sheet.rate)
    frames = (first, first + used, origin + begin, origin + end)
    codes = " ".join(format_timecode(frame, sheet.rate, drop=drop) for frame in frames)
    lines = [f"{number:03d}  AX       {channel:<5} C        {codes}"]
    if piece.speed != 1:
        speed = float(abs(piece.speed) * sheet.rate)
        lines.append(
            f"M2   AX       {speed:05.1f}                {format_timecode(first, sheet.rate, drop=drop)}"
        )
    lines.append(f"* FROM CLIP NAME:  {' '.join(piece.name.split())}")
    if piece.media is not None and piece.media.target:
        lines.append(f"* FROM CLIP: {piece.media.target}")
    return lines


def _moved(sheet: Sheet, text: str) -> Sheet:
    """With every track where its first event says; the adapter begins all of them at 0.

    Where the timeline starts is in a comment of ours; without it, where the first event does.
    """
    first: dict[str, Fraction] = {}
    drop = False
    for event in _EVENT.finditer(text):
        kind = "Video" if event[1] == "V" else event[1]
        drop = drop or ";" in event[2]
        try:
            first.setdefault(kind, parse_timecode(event[2], sheet.rate))
        except ValueError as error:
            raise TimelineError(f"The EDL has a timecode that its rate has not: {error}.", "") from error
    if not first:
        return sheet
    stated = _START.search(text)
    start = parse_timecode(stated[1], sheet.rate) if stated else min(first.values())
    sounds = iter([at for kind, at in first.items() if kind != "Video"])
    lanes: list[Lane] = []
    for lane in sheet.lanes:
        at = first.get("Video", start) if lane.kind == "Video" else next(sounds, start)
        pieces = (gap(at - start), *lane.pieces) if at > start else lane.pieces
        lanes.append(Lane(lane.kind, pieces))
    return replace(sheet, lanes=tuple(lanes), start=start, drop_frame=drop)


EDL = Edl()
