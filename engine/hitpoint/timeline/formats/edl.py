"""CMX 3600 edit lists: one video track and its cuts, in timecode and reel names of 1976.

They are read with OpenTimelineIO's adapter. Writing is done here, as the adapter writes lists that it
cannot read again. File names are in comments, as all editors have them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from hitpoint.errors import TimelineError
from hitpoint.media.timecode import format_timecode, parse_timecode, snap_rate
from hitpoint.timeline.formats.adapters import adapted
from hitpoint.timeline.formats.base import Loss, missing_traits
from hitpoint.timeline.formats.firstlook import checked_text
from hitpoint.timeline.formats.from_tree import cut
from hitpoint.timeline.formats.nests import unnested
from hitpoint.timeline.formats.sheet import Lane, Piece, Sheet

_KEEPS = frozenset(["audio track", "start timecode", "media start timecode", "freeze"])
_NOTES = {
    "speed": "it is rounded to a tenth of a frame per second",
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
_DROP = re.compile(r"^\d+\s.*\d\d;\d\d", re.MULTILINE)
_MOTION = re.compile(r"^M2\s.*$", re.MULTILINE)
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
        # The adapter knows no drop-frame timecode in M2 lines, and needs none there.
        plain = _MOTION.sub(lambda line: line[0].replace(";", ":"), _COMMENT.sub("", text))
        return _from_start(adapted(plain, "cmx_3600", _from_midnight, rate=rate), text, snap_rate(rate))

    def write(self, sheet: Sheet, out: Path) -> bytes:
        """Events in order of time; speeds as M2 lines. Raises TimelineError for rates without timecode."""
        sheet = unnested(sheet)
        if sheet.rate not in _RATES:
            raise TimelineError(
                f"An EDL cannot be at {float(sheet.rate):g} frames per second.", "Choose another format."
            )
        drop = sheet.drop_frame and sheet.rate.denominator != 1
        lines = [f"TITLE: {_one_line(sheet.name)}", f"FCM: {'DROP FRAME' if drop else 'NON-DROP FRAME'}"]
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
    speed = _tenths(piece.speed, sheet.rate)
    if end - begin == 1 and speed < sheet.rate:
        speed = sheet.rate  # of one frame nobody can tell
    frozen = speed == 0
    origin = round(sheet.start * sheet.rate)
    frames = (first, first + _used(end - begin, speed / sheet.rate), origin + begin, origin + end)
    codes = [format_timecode(frame, sheet.rate, drop=drop) for frame in frames]
    lines = [f"{number:03d}  AX       {channel:<5} C        {' '.join(codes)}"]
    if speed != sheet.rate:
        lines.append(f"M2   AX       {float(speed):05.1f}                {codes[0]}")
    lines.append(f"* FROM CLIP NAME:  {_one_line(piece.name)}{' FF' if frozen else ''}")
    if frozen:
        lines.append("* * FREEZE FRAME")
    if piece.media is not None and piece.media.target and len(piece.media.target.splitlines()) == 1:
        lines.append(f"* FROM CLIP: {piece.media.target}")
    return lines


def _tenths(speed: Fraction, rate: Fraction) -> Fraction:
    """Frames per second forwards, as an M2 line can say them; normal speed needs none and is exact."""
    return rate if abs(speed) == 1 else Fraction(round(abs(speed) * rate * 10), 10)


def _used(length: int, speed: Fraction) -> int:
    """Frames of its source that an event of `length` frames uses.

    Never `length` itself at another speed: readers take an event of equal lengths to be at normal speed.
    """
    used = round(length * speed)
    if speed > 1:
        return max(used, length + 1)
    return length if speed == 1 else max(1, min(used, length - 1))


def _one_line(name: str) -> str:
    return " ".join(name.split())


def _from_midnight(timeline: Any) -> Any:
    """Every track from timecode 0 on. The adapter has where it begins in its range, backwards."""
    import opentimelineio as otio

    for track in timeline.tracks:
        if track.source_range is not None:
            track.insert(0, otio.schema.Gap(duration=-track.source_range.start_time))
            track.source_range = None
    return timeline


def _from_start(sheet: Sheet, text: str, rate: Fraction) -> Sheet:
    """From where the timeline starts on: a comment of ours says; without it, where the first event is."""
    firsts = [next((at for at, piece in lane.placed() if not piece.is_gap), None) for lane in sheet.lanes]
    start = min((first for first in firsts if first is not None), default=Fraction(0))
    if stated := _START.search(text):
        try:
            start = min(start, parse_timecode(stated[1], rate))
        except ValueError as error:
            raise TimelineError(f"The EDL has a timecode that its rate has not: {error}.", "") from error
    lanes = (cut(lane, start, lane.duration - start) for lane in sheet.lanes)
    return replace(
        sheet,
        rate=rate,
        start=start,
        drop_frame=_DROP.search(text) is not None,
        lanes=tuple(Lane(lane.kind, lane.pieces) for lane in lanes),
    )


EDL = Edl()
