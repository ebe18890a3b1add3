"""The players of the groove: drums with fills, bass, keys, arpeggio, pad."""

from __future__ import annotations

import numpy as np

from hitpoint.cue.bars import Bar, chord_at, chord_stop, steps_of
from hitpoint.cue.harmony import voicing
from hitpoint.cue.plan import CuePlan
from hitpoint_training.corpus.grooves import HIGH_TOM, LOW_TOM, MID_TOM, SNARE, VELOCITY, Groove
from hitpoint_training.corpus.notes import Note


def _velocity(level: float, sign: str) -> int:
    return int(np.clip(level * VELOCITY[sign], 12, 108))


def drums(plan: CuePlan, bars: tuple[Bar, ...], groove: Groove, rng: np.random.Generator) -> list[Note]:
    """The drum part: thinner in intros and breaks, a fill before a change of section, a roll in builds."""
    notes: list[Note] = []
    for bar in bars:
        level = 68 + 30 * bar.section.intensity
        rows = groove.drums
        if bar.section.kind in ("intro", "break", "ending"):
            rows = rows[-1:] if bar.in_section < 2 and bar.section.kind != "ending" else rows[::2]
        if bar.section.intensity < 0.3:
            rows = rows[-1:]
        filling = bar.bars_left == 1 and bar.next_kind in ("drop", "groove", "ending") and len(bars) > 4
        stop = len(bar.steps) - 1 - (4 if filling else 0)
        for pitch, pattern in rows:
            for step, _, sign in steps_of(pattern[:stop]):
                notes.append(Note(float(bar.steps[step]), 0.1, pitch, _velocity(level, sign), "drums"))
        if filling and plan.style != "ambient":
            notes += _fill(bar, level, rng)
    return notes


def _fill(bar: Bar, level: float, rng: np.random.Generator) -> list[Note]:
    """Four sixteenths down the toms, or on the snare, getting louder."""
    pitches = ((SNARE,) * 4, (HIGH_TOM, HIGH_TOM, MID_TOM, LOW_TOM), (SNARE, HIGH_TOM, MID_TOM, LOW_TOM))[
        int(rng.integers(3))
    ]
    times = bar.steps[-5:-1]
    return [
        Note(float(time), 0.1, pitch, int(level * (0.75 + 0.1 * i)), "drums")
        for i, (time, pitch) in enumerate(zip(times, pitches, strict=True))
    ]


def bass(plan: CuePlan, bars: tuple[Bar, ...], groove: Groove, rng: np.random.Generator) -> list[Note]:
    """The bass: the chord's bass note, with fifths and octaves where the pattern has them."""
    patterns = {kind: groove.bass[int(rng.integers(2))] for kind in ("groove", "drop")}
    notes: list[Note] = []
    for bar in bars:
        if bar.section.kind == "intro" and bar.section.intensity < 0.35:
            continue
        calm = bar.section.kind in ("break", "intro")
        pattern = patterns["drop" if bar.section.kind == "drop" else "groove"]
        if calm:
            pattern = "x" + "-" * (len(pattern) - 1)
        level = 80 + 22 * bar.section.intensity
        for step, length, sign in steps_of(pattern):
            start = float(bar.steps[step])
            stop = min(float(bar.steps[step + length]) - 0.02, chord_stop(plan, start))
            notes.append(_bass_note(plan, start, stop, sign, level))
            if calm and chord_stop(plan, start) < bar.stop - 0.1:
                again = chord_stop(plan, start)
                notes.append(_bass_note(plan, again, bar.stop - 0.02, sign, level))
    return notes


def _bass_note(plan: CuePlan, start: float, stop: float, sign: str, level: float) -> Note:
    chord = chord_at(plan, start)
    pitch = 33 + (chord.bass - 9) % 12  # A1 to G#2
    if sign == "8":
        pitch += 12
    if sign == "5" and (chord.root + 7) % 12 in chord.pitch_classes:
        pitch += ((chord.root + 7 - chord.bass) % 12) or 12
    return Note(start, max(0.06, stop - start), pitch, _velocity(level, sign), "bass")


class Voices:
    """Chords voiced one after another, each from the one before."""

    def __init__(self, low: int, high: int) -> None:
        self._range = (low, high)
        self._last: tuple[int, ...] | None = None

    def play(self, pitch_classes: tuple[int, ...]) -> tuple[int, ...]:
        """The next chord's MIDI notes."""
        self._last = voicing(pitch_classes, self._last, *self._range)
        return self._last


def keys(plan: CuePlan, bars: tuple[Bar, ...], groove: Groove, rng: np.random.Generator) -> list[Note]:
    """Comping: voice-led chords in the style's pattern, another one in drops, whole notes in breaks."""
    voices = Voices(57, 75)
    plain = int(rng.integers(2))
    notes: list[Note] = []
    for bar in bars:
        pattern = groove.keys[1 - plain if bar.section.kind == "drop" else plain][: len(bar.steps) - 1]
        if bar.section.kind in ("break", "intro"):
            half = (len(bar.steps) - 1) // 2
            pattern = ("x" + "-" * (half - 1)) * 2
        level = 78 + 24 * bar.section.intensity
        for step, length, sign in steps_of(pattern):
            start = float(bar.steps[step])
            stop = min(float(bar.steps[min(step + length, len(bar.steps) - 1)]), chord_stop(plan, start))
            if stop - start < 0.04:
                continue
            for pitch in voices.play(chord_at(plan, start).pitch_classes):
                notes.append(Note(start, stop - start - 0.01, pitch, _velocity(level, sign), "keys"))
    return notes


def arpeggio(plan: CuePlan, bars: tuple[Bar, ...], groove: Groove) -> list[Note]:
    """Broken chords, up and down, where the style has them and the section is not empty."""
    notes: list[Note] = []
    place = 0
    for bar in bars:
        if bar.section.kind == "intro" or not groove.arp:
            continue
        level = 68 + 26 * bar.section.intensity
        for step, length, sign in steps_of(groove.arp[: len(bar.steps) - 1]):
            start = float(bar.steps[step])
            tones = voicing(chord_at(plan, start).pitch_classes, None, 60, 84)
            order = (*tones, *tones[-2:0:-1])
            stop = float(bar.steps[min(step + max(length, 2), len(bar.steps) - 1)])
            notes.append(Note(start, stop - start, order[place % len(order)], _velocity(level, sign), "arp"))
            place += 1
    return notes


def pad(plan: CuePlan) -> list[Note]:
    """One long voice-led chord per chord of the plan, louder with the section's intensity."""
    voices = Voices(52, 70)
    notes: list[Note] = []
    for chord, after in zip(plan.chords[:-1], plan.chords[1:], strict=True):
        section = [s for s in plan.sections if s.start <= chord.start + 1e-6][-1]
        velocity = int(72 + 26 * section.intensity)
        for pitch in voices.play(chord.pitch_classes):
            notes.append(Note(chord.start, after.start - chord.start, pitch, velocity, "pad"))
    return notes


def lead(plan: CuePlan) -> list[Note]:
    """The plan's tune, as loud as its section; on the first note of a phrase a little louder."""
    notes: list[Note] = []
    for tone in plan.tune:
        section = [s for s in plan.sections if s.start <= tone.start + 1e-6][-1]
        first = not notes or tone.start - notes[-1].stop > 0.3
        velocity = int(86 + 20 * section.intensity + 4 * first)
        notes.append(Note(tone.start, tone.duration, tone.pitch, velocity, "lead"))
    return notes
