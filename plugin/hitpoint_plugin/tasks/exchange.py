"""Small files for other programs: the tempo as a MIDI file, the hit points as a marker EDL."""

from __future__ import annotations

import math
from fractions import Fraction

from hitpoint.media.timecode import format_timecode
from hitpoint.values import TempoMap
from hitpoint_plugin.tasks.scoring import Take, Watched

TICKS = 480  # per beat
_COLOURS = {"movement": "Green", "cut": "Cyan", "user": "Fuchsia"}


def tempo_midi(tempo: TempoMap) -> bytes:
    """A Standard MIDI File of type 0 with nothing but meter and tempo; its bar 1 starts with the clip.

    The grid's first beat rarely falls on the clip's start. A first short bar in its own tempo makes up for
    that, so that the downbeats of a session that imports the file fall where the picture has them.
    """
    meter = bytes([0xFF, 0x58, 4, tempo.beats_per_bar, 2, 24, 8])
    bar = tempo.beats_per_bar * 60 / tempo.bpm
    upbeat = tempo.first_beat % bar
    events = [_variable(0) + meter]
    at = 0
    if upbeat > 1e-3:
        events.append(_variable(0) + _tempo(tempo.beats_per_bar * 60 / upbeat))
        at = tempo.beats_per_bar * TICKS
        events.append(_variable(at) + _tempo(tempo.bpm))
    else:
        events.append(_variable(0) + _tempo(tempo.bpm))
    previous = tempo.points[0]
    for point in tempo.points[1:]:
        beats = (point.time - max(previous.time, upbeat)) * previous.bpm / 60
        events.append(_variable(max(0, round(beats * TICKS))) + _tempo(point.bpm))
        previous = point
    track = b"".join(events) + _variable(0) + b"\xff\x2f\x00"
    head = b"MThd" + (6).to_bytes(4, "big") + (0).to_bytes(2, "big") + (1).to_bytes(2, "big")
    return head + TICKS.to_bytes(2, "big") + b"MTrk" + len(track).to_bytes(4, "big") + track


def _tempo(bpm: float) -> bytes:
    """A set-tempo event; its 24 bits reach down to 3.6 beats per minute and up to any tempo."""
    microseconds = min((1 << 24) - 1, max(1, round(60e6 / bpm)))
    return b"\xff\x51\x03" + microseconds.to_bytes(3, "big")


def _variable(number: int) -> bytes:
    """MIDI's variable-length quantity: seven bits a byte, all but the last marked."""
    out = [number & 0x7F]
    while number := number >> 7:
        out.append(number & 0x7F | 0x80)
    return bytes(reversed(out))


def marker_edl(watched: Watched, take: Take) -> str:
    """Hit points as an EDL of markers, as DaVinci Resolve imports them ("Timeline Markers from EDL")."""
    rate, start = watched.selection.clip.rate, watched.timeline.start_timecode
    lines = [f"TITLE: {watched.selection.clip.name} hit points", "FCM: NON-DROP FRAME", ""]
    for number, hit in enumerate(take.hits, 1):
        frame = math.floor((start + watched.selection.record_start + Fraction(hit.time)) * rate)
        begin, end = format_timecode(frame, rate), format_timecode(frame + 1, rate)
        landed = "no accent" if hit.error_ms is None else f"{hit.error_ms:+.0f} ms"
        lines.append(f"{number:03d}  001      V     C        {begin} {end} {begin} {end}  ")
        colour = _COLOURS.get(hit.kind, "Green")
        lines.append(f" |C:ResolveColor{colour} |M:{hit.kind} {hit.strength:.2f} ({landed}) |D:1")
        lines.append("")
    return "\n".join(lines)
