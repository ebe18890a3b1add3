"""Hits: what the whole band plays on an accent, and the room that the groove makes for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.bars import chord_at, chord_stop
from hitpoint.cue.harmony import voicing
from hitpoint.cue.plan import Accent, Chord, CuePlan
from hitpoint.cue.room import Room
from hitpoint_training.corpus.grooves import CLAP, CRASH, KICK, LOW_TOM, SNARE
from hitpoint_training.corpus.notes import Note

Times = NDArray[np.float64]

_DUCKED = 0.3  # seconds before and after in which the groove is softer


def accent_notes(plan: CuePlan, dry: frozenset[float]) -> list[Note]:
    """Chord stab, bass, kick, snare and, where there is time to ring, a cymbal on every accent; louder
    and fuller with its strength. No cymbal at the times in `dry`."""
    notes: list[Note] = []
    times = [accent.time for accent in plan.accents]
    for index, accent in enumerate(plan.accents):
        gap = times[index + 1] - accent.time if index + 1 < len(times) else 2.0
        chord = chord_at(plan, accent.time)
        stop = min(gap, chord_stop(plan, accent.time) - accent.time + 0.05)
        notes += _hit(accent, chord, stop, accent.time not in dry)
    return notes


def hit_velocity(strength: float) -> int:
    """How hard an accent is struck."""
    return int(np.clip(64 + 61 * strength, 1, 127))


def _hit(accent: Accent, chord: Chord, gap: float, cymbal: bool) -> list[Note]:
    """The notes of one accent; they have ended `gap` seconds after it."""
    strength, start = accent.strength, accent.time
    velocity = hit_velocity(strength)
    ring = float(np.clip(0.12 + 0.35 * strength, 0.1, max(0.1, gap - 0.08)))
    tones = voicing(chord.pitch_classes, None, 57, 81)
    notes = [Note(start, ring, pitch, velocity, "stab") for pitch in tones]
    notes.append(Note(start, ring, 36 + chord.bass, velocity, "bass"))
    notes.append(Note(start, 0.2, KICK, velocity, "drums"))
    if strength >= 0.45:
        notes.append(Note(start, 0.2, SNARE, velocity, "drums"))
        notes += [Note(start, ring, pitch, velocity, "hit") for pitch in tones[-2:]]
    else:
        notes.append(Note(start, 0.2, LOW_TOM, velocity, "drums"))
    if strength >= 0.6:
        notes.append(Note(start, 0.2, CLAP, velocity, "drums"))
        if cymbal and gap > 0.6:
            notes.append(Note(start, 0.6, CRASH, int(velocity * 0.85), "drums"))
    return notes


def make_room(notes: list[Note], accents: tuple[Accent, ...]) -> list[Note]:
    """The groove with its stray starts around accents taken out, held notes cut short just before strong
    ones, and everything near them ducked: so that the hit is heard as the hit, on or off the grid."""
    room = Room.around(accents)
    placed = (_moved(note, room) if room.blurs(note.start) else note for note in notes)
    return ducked([_breathing(note, room) for note in placed if note is not None], accents)


def _moved(note: Note, room: Room) -> Note | None:
    """A long pitched note starts on the accent instead; drums and short notes are left out (None)."""
    accent = room.nearest(note.start)
    if note.part in ("drums", "arp") or note.stop - accent < 0.15:
        return None
    return replace(note, start=accent, duration=note.stop - accent)


def _breathing(note: Note, room: Room) -> Note:
    """The note, let go just before the next strong accent if it would sound across it (pads go on)."""
    if note.part in ("pad", "choir", "drums"):
        return note
    return replace(note, duration=room.release(note.start, note.stop) - note.start)


def ducked(notes: list[Note], accents: tuple[Accent, ...]) -> list[Note]:
    """The notes, those near a strong accent softer, and softer than the accent itself."""
    strong = [accent for accent in accents if accent.strength >= 0.5]
    if not strong:
        return notes
    times = np.array([accent.time for accent in strong])
    strengths = np.array([accent.strength for accent in strong])
    return [_softened(note, times, strengths) for note in notes]


def _softened(note: Note, times: Times, strengths: Times) -> Note:
    """The note at a lower velocity if a strong accent is near (but not at its very start)."""
    distance = np.abs(times - note.start)
    close = (distance > 0.01) & (distance < _DUCKED)
    if not close.any():
        return note
    factor = 1 - 0.3 * float(np.max(strengths[close] * (1 - distance[close] / _DUCKED)))
    most = hit_velocity(float(np.min(strengths[close]))) - 6
    return replace(note, velocity=max(1, min(int(note.velocity * factor), most)))
