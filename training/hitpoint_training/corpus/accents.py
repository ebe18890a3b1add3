"""Hits: what the whole band plays on an accent, and the room that the groove makes for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.harmony import voicing
from hitpoint.cue.plan import Accent, Chord, CuePlan
from hitpoint_training.corpus.grooves import CLAP, CRASH, KICK, LOW_TOM, SNARE
from hitpoint_training.corpus.notes import Note, chord_at, chord_stop

Times = NDArray[np.float64]

_BEFORE, _AFTER = 0.125, 0.085  # seconds that are kept free around an accent of full strength
_BREATH = 0.06  # seconds that held notes are cut short before a strong accent
_DUCKED = 0.3  # seconds before and after in which the groove is softer


def accent_notes(plan: CuePlan) -> list[Note]:
    """Chord stab, bass, kick, snare and, where there is time to ring, a cymbal on every accent; louder
    and fuller with its strength."""
    notes: list[Note] = []
    times = [accent.time for accent in plan.accents]
    for index, accent in enumerate(plan.accents):
        gap = times[index + 1] - accent.time if index + 1 < len(times) else 2.0
        chord = chord_at(plan, accent.time)
        notes += _hit(accent, chord, min(gap, chord_stop(plan, accent.time) - accent.time + 0.05))
    return notes


def _hit(accent: Accent, chord: Chord, gap: float) -> list[Note]:
    """The notes of one accent; they have ended `gap` seconds after it."""
    strength, start = accent.strength, accent.time
    velocity = int(np.clip(64 + 61 * strength, 1, 127))
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
        if gap > 0.6:
            notes.append(Note(start, 0.6, CRASH, int(velocity * 0.85), "drums"))
    return notes


def make_room(notes: list[Note], accents: tuple[Accent, ...]) -> list[Note]:
    """The groove with its stray starts around accents taken out, held notes cut short just before strong
    ones, and everything near them ducked: so that the hit is heard as the hit, on or off the grid."""
    if not accents:
        return notes
    times = np.array([accent.time for accent in accents])
    strengths = np.array([accent.strength for accent in accents])
    kept: list[Note] = []
    for note in notes:
        index = int(np.searchsorted(times, note.start))
        blurs = _in_the_way(note.start, index, times, strengths)
        placed = _moved(note, index, times) if blurs else note
        if placed is not None:
            kept.append(_softened(_breathing(placed, times, strengths), times, strengths))
    return kept


def _in_the_way(start: float, index: int, times: Times, strengths: Times) -> bool:
    """Whether a note starts so shortly before or after an accent that it blurs it."""
    after = index < len(times) and 0 <= times[index] - start < _BEFORE * _room(strengths[index])
    before = index > 0 and 0 <= start - times[index - 1] < _AFTER * _room(strengths[index - 1])
    return bool(after or before)


def _room(strength: float) -> float:
    return 1.0 if strength >= 0.5 else 0.55


def _moved(note: Note, index: int, times: Times) -> Note | None:
    """A long pitched note starts on the accent instead; drums and short notes are left out (None)."""
    near = [i for i in (index - 1, index) if 0 <= i < len(times)]
    closest = min(near, key=lambda i: abs(times[i] - note.start))
    stop = note.stop
    if note.part in ("drums", "arp") or stop - times[closest] < 0.15:
        return None
    return replace(note, start=float(times[closest]), duration=float(stop - times[closest]))


def _breathing(note: Note, times: Times, strengths: Times) -> Note:
    """The note, let go just before the next strong accent if it would sound across it (pads go on)."""
    if note.part in ("pad", "drums"):
        return note
    inside = (times > note.start + 0.15) & (times < note.stop + 0.02) & (strengths >= 0.5)
    if not inside.any():
        return note
    first = float(times[int(np.argmax(inside))])
    return replace(note, duration=max(0.05, first - _BREATH - note.start))


def _softened(note: Note, times: Times, strengths: Times) -> Note:
    """The note at a lower velocity if a strong accent is near (but not at its very start)."""
    distance = np.abs(times - note.start)
    close = (distance > 0.01) & (distance < _DUCKED) & (strengths >= 0.5)
    if not close.any():
        return note
    factor = 1 - 0.3 * float(np.max(strengths[close] * (1 - distance[close] / _DUCKED)))
    return replace(note, velocity=max(1, int(note.velocity * factor)))
