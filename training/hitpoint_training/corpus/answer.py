"""How the band answers what the picture looks like: energy, brightness, who is in it, and its cuts.

Every rule reads only the plan, so that what a network is shown decides what it hears.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

import numpy as np

from hitpoint.cue.bars import Bar, chord_stop
from hitpoint.cue.harmony import voicing
from hitpoint.cue.plan import LOOK_NAMES, LOOK_RATE, CuePlan
from hitpoint.cue.room import Room
from hitpoint_training.corpus.grooves import (
    CLOSED_HAT,
    CRASH,
    OPEN_HAT,
    RIDE,
    SHAKER,
    SOFT_DRUMS,
    TAMBOURINE,
    TRIANGLE,
)
from hitpoint_training.corpus.notes import Note

LIVELY, CALM = 0.6, 0.4  # energies above which the band plays more, below which less
BRIGHT, DARK = 0.55, 0.38  # brightnesses above which it plays higher, below which lower
_TOP = frozenset({CLOSED_HAT, OPEN_HAT, RIDE, SHAKER, TAMBOURINE})
ON_BEAT = 0.060
"""Seconds: a cut this near to a beat is a cut on the beat."""
_QUICKEST = 0.11  # seconds between the strokes that are added
_RESTRUCK = 0.25  # seconds: what would sound for less after a cut is let go at the cut
_THICK = 0.35
_GHOST = 60  # velocity below which a stroke is an ornament


def _look(plan: CuePlan, name: str, scene: int) -> float:
    return plan.scenes[scene].look[LOOK_NAMES.index(name)]


def energy(plan: CuePlan, times: list[float]) -> list[float]:
    """The energy of the movement at each time, smooth between the half seconds; 0.5 where unknown."""
    if not plan.looks:
        return [0.5] * len(times)
    values = [look[LOOK_NAMES.index("energy")] for look in plan.looks]
    middles = (np.arange(len(values)) + 0.5) / LOOK_RATE
    smooth: list[float] = np.interp(times, middles, values).tolist()
    return smooth


def louder(notes: list[Note], plan: CuePlan) -> list[Note]:
    """Everybody's touch follows the energy of the movement: 0.55 (still) to 1.3 of the plain velocity."""
    levels = energy(plan, [note.start for note in notes])
    return [
        replace(note, velocity=int(np.clip(note.velocity * (0.55 + 0.75 * level), 8, 108)))
        for note, level in zip(notes, levels, strict=True)
    ]


def busier(plan: CuePlan, bars: tuple[Bar, ...]) -> list[Note]:
    """Sixteenths (or eighths, where those are too quick) on a shaker or a hi-hat while much moves."""
    if not plan.looks:
        return []
    pitch = SHAKER if plan.style in SOFT_DRUMS else CLOSED_HAT
    notes: list[Note] = []
    for bar in bars:
        unit = 1 if (bar.stop - bar.start) / bar.size >= _QUICKEST else 2
        times = bar.steps[:-1:unit].tolist()
        for place, (time, level) in enumerate(zip(times, energy(plan, times), strict=True)):
            if level > LIVELY:
                velocity = int(58 + 22 * bar.section.intensity - 14 * (place % 2 == 0))
                notes.append(Note(time, 0.08, pitch, velocity, "drums"))
    return notes


def thinner(notes: list[Note], plan: CuePlan) -> list[Note]:
    """While little moves, hats, ghost notes and arpeggio only on the beats; while less does, chords too."""
    beats = np.array(plan.beats)
    levels = energy(plan, [note.start for note in notes])

    def stays(note: Note, level: float) -> bool:
        if note.part == "keys":
            busy = level < CALM - 0.1
        else:
            ghost = note.part == "drums" and (note.pitch in _TOP or note.velocity < _GHOST)
            busy = level < CALM and (ghost or note.part == "arp")
        return not busy or bool(np.min(np.abs(beats - note.start)) < 0.01)

    return [note for note, level in zip(notes, levels, strict=True) if stays(note, level)]


def cuts(plan: CuePlan) -> tuple[float, ...]:
    """When the music changes with the picture: at its cuts, or on the accent that a cut stands next to."""
    room = Room.around(plan.accents)
    return tuple(room.settled(scene.start) for scene in plan.scenes[1:])


def light(plan: CuePlan) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """When each scene begins in the music, and its brightness; both empty where nothing is known."""
    starts = (0.0, *cuts(plan)) if plan.scenes else ()
    return starts, tuple(_look(plan, "brightness", scene) for scene in range(len(plan.scenes)))


def coloured(notes: list[Note], plan: CuePlan) -> list[Note]:
    """Chords and arpeggio in the light of their scene: an octave lower in dark ones, doubled an octave
    higher in bright ones; the brighter, the more of hats and cymbals. It changes at the cut."""
    if not plan.scenes:
        return notes
    edges = cuts(plan)
    lit: list[Note] = []
    for note in notes:
        pieces = _struck_again(note, edges) if note.part in ("keys", "pad", "choir") else (note,)
        for piece in pieces:
            scene = bisect_right(edges, piece.start + 0.03)
            lit += _lit(piece, _look(plan, "brightness", scene))
    return lit


def _struck_again(note: Note, edges: tuple[float, ...]) -> list[Note]:
    """A held note in pieces, a new one from each cut on; a short rest of it is left out."""
    inside = [edge for edge in edges if note.start + 0.03 < edge < note.stop - 0.01]
    pieces: list[Note] = []
    for start, stop in zip([note.start, *inside], [*inside, note.stop], strict=True):
        if start == note.start or stop - start >= _RESTRUCK:
            pieces.append(replace(note, start=start, duration=stop - start))
    return pieces


def _lit(note: Note, brightness: float) -> list[Note]:
    """The note, and its double, in a light."""
    if note.part == "drums":
        shine = 0.6 + 0.7 * brightness if note.pitch in _TOP else 1.0
        return [replace(note, velocity=max(8, int(note.velocity * shine)))]
    if note.part not in ("keys", "pad", "arp", "choir") or DARK <= brightness <= BRIGHT:
        return [note]
    if brightness < DARK:
        return [replace(note, pitch=note.pitch - 12)]
    shine = 0.65 + 0.35 * min(1.0, (brightness - BRIGHT) / 0.3)
    return [note, replace(note, pitch=note.pitch + 12, velocity=int(note.velocity * shine))]


def thicker(plan: CuePlan) -> list[Note]:
    """A choir on the chords of scenes with many people or somebody close."""
    notes: list[Note] = []
    edges = (0.0, *cuts(plan), plan.end)
    for scene in range(len(plan.scenes)):
        start, stop = edges[scene], min(edges[scene + 1], plan.end)
        body = 0.4 * _look(plan, "people", scene) + 0.6 * _look(plan, "scale", scene)
        if body <= _THICK:
            continue
        for chord in plan.chords:
            first, last = max(start, chord.start), min(stop, chord_stop(plan, chord.start))
            if last - first >= _RESTRUCK:
                tones = voicing(chord.pitch_classes, None, 55, 72)
                velocity = int(66 + 40 * body)
                notes += [Note(first, last - first, tone, velocity, "choir") for tone in tones]
    return notes


def cymbals(plan: CuePlan) -> list[Note]:
    """A crash, or a triangle in soft styles, on every cut that falls on a beat."""
    pitch = TRIANGLE if plan.style in SOFT_DRUMS else CRASH
    notes: list[Note] = []
    for scene, time in zip(plan.scenes[1:], cuts(plan), strict=True):
        if _on_beat(plan, scene.start):
            section = [s for s in plan.sections if s.start <= time + 1e-6][-1]
            notes.append(Note(time, 0.6, pitch, int(72 + 26 * section.intensity), "drums"))
    return notes


def dry(plan: CuePlan) -> frozenset[float]:
    """The accents at cuts that are on no beat: they get no cymbal."""
    pairs = zip(plan.scenes[1:], cuts(plan), strict=True)
    return frozenset(time for scene, time in pairs if not _on_beat(plan, scene.start))


def _on_beat(plan: CuePlan, time: float) -> bool:
    return min(abs(beat - time) for beat in plan.beats) <= ON_BEAT
