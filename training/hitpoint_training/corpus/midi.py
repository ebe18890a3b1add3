"""Notes as a standard MIDI file, on the style's instruments, placed in the stereo field."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import mido

from hitpoint.cue.styles import Palette, style_row
from hitpoint_training.corpus.compose import Piece
from hitpoint_training.corpus.notes import PARTS, Note, Part

_TICKS = 10_000  # per second: a tenth of a millisecond
_DRUM_CHANNEL = 9
_CHOIR = 52  # General MIDI program


@dataclass(frozen=True, slots=True)
class _Strip:
    """A mixer strip: volume, pan (64 is the middle) and reverb send, as MIDI controllers 7, 10, 91."""

    volume: int
    pan: int
    reverb: int


_MIXER: dict[Part, _Strip] = {
    "keys": _Strip(98, 44, 40), "bass": _Strip(104, 64, 8), "pad": _Strip(92, 84, 55),
    "lead": _Strip(102, 70, 45), "stab": _Strip(92, 54, 40), "hit": _Strip(92, 74, 35),
    "arp": _Strip(90, 92, 40), "choir": _Strip(90, 58, 60), "drums": _Strip(104, 64, 22),
}  # fmt: skip


def _program(part: Part, palette: Palette) -> int:
    """The General MIDI program of a part; hits double the stab with a piano, for its attack."""
    by_part: dict[Part, int] = {
        "keys": palette.keys, "bass": palette.bass, "pad": palette.pad, "lead": palette.lead,
        "stab": palette.stab, "hit": 0, "arp": palette.keys, "choir": _CHOIR, "drums": 0,
    }  # fmt: skip
    return by_part[part]


def _channel(part: Part) -> int:
    return _DRUM_CHANNEL if part == "drums" else PARTS.index(part)


def write_midi(piece: Piece, path: Path) -> None:
    """Write the piece; its end-of-track event lies at the piece's duration."""
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=500_000))
    palette = style_row(piece.plan.style).palette
    for part in PARTS:
        channel, strip = _channel(part), _MIXER[part]
        track.append(mido.Message("program_change", channel=channel, program=_program(part, palette)))
        for control, value in ((7, strip.volume), (10, strip.pan), (91, strip.reverb)):
            track.append(mido.Message("control_change", channel=channel, control=control, value=value))
    now = 0
    for tick, _, message in sorted(_messages(piece.notes), key=lambda item: item[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, round(piece.plan.duration * _TICKS) - now)))
    file = mido.MidiFile(ticks_per_beat=_TICKS // 2)
    file.tracks.append(track)
    file.save(path)


def _messages(notes: tuple[Note, ...]) -> list[tuple[int, int, mido.Message]]:
    """(tick, order, message): where a key is let go and struck again at once, letting go comes first.

    A note that is still held when the same key is struck again on its channel is let go there.
    """
    messages: list[tuple[int, int, mido.Message]] = []
    struck: dict[tuple[int, int], list[Note]] = {}
    for note in notes:
        struck.setdefault((_channel(note.part), note.pitch), []).append(note)
    for (channel, pitch), same in struck.items():
        for note, after in zip(same, [*same[1:], None], strict=True):
            start = round(note.start * _TICKS)
            stop = round(note.stop * _TICKS)
            if after is not None:
                stop = min(stop, round(after.start * _TICKS))
            on = mido.Message("note_on", channel=channel, note=pitch, velocity=note.velocity)
            messages.append((start, 1, on))
            off = mido.Message("note_off", channel=channel, note=pitch)
            messages.append((max(stop, start + 1), 0, off))
    return messages
