"""A tune: one motif of two bars, repeated and varied, on chord tones where it rests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hitpoint.cue.harmony import scale
from hitpoint.cue.plan import CuePlan
from hitpoint_training.corpus.band import needs, steps_of
from hitpoint_training.corpus.grooves import MELODY_RHYTHMS
from hitpoint_training.corpus.notes import Bar, Note, chord_at, chord_stop

_LOW, _HIGH = 64, 83


@dataclass(frozen=True, slots=True)
class _Motif:
    """Two bars of rhythm and, per note, how high it lies above the lowest, in scale steps."""

    rhythms: tuple[str, str]
    contour: tuple[int, ...]


def _motif(steps: int, rng: np.random.Generator) -> _Motif:
    """A motif that walks by small steps and leaps at most once."""
    cells = MELODY_RHYTHMS[steps]
    rhythms = (cells[int(rng.integers(len(cells)))], cells[int(rng.integers(len(cells)))])
    count = sum(1 for rhythm in rhythms for _ in steps_of(rhythm))
    walk = np.cumsum(rng.choice((-2, -1, 0, 1, 2), size=count, p=(0.15, 0.25, 0.15, 0.3, 0.15)))
    walk[count // 2 :] += int(rng.choice((0, 2, -2)))
    return _Motif(rhythms, tuple(int(step) for step in walk - walk.min()))


def _near(target: float, pitch_classes: tuple[int, ...]) -> int:
    """The allowed MIDI note nearest to `target`."""
    allowed = [note for note in range(_LOW, _HIGH + 1) if note % 12 in pitch_classes]
    return min(allowed, key=lambda note: (abs(note - target), note))


def melody(plan: CuePlan, bars: tuple[Bar, ...], rng: np.random.Generator) -> list[Note]:
    """The lead part. Long and accented notes are chord tones; only short ones in between may pass."""
    if not bars:
        return []
    steps = len(bars[0].steps) - 1
    motifs = {kind: _motif(steps, rng) for kind in ("groove", "drop", "break")}
    key = scale(plan.tonic, plan.minor)
    notes: list[Note] = []
    for bar in bars:
        kind = bar.section.kind
        if not needs("lead", plan.style, kind, bar.section.intensity) or len(bar.steps) - 1 != steps:
            continue
        if bar.in_section % 4 == 3 and kind != "drop":
            continue  # the tune breathes every fourth bar
        motif = motifs[kind]
        half = bar.in_section % 2
        first = sum(1 for _ in steps_of(motif.rhythms[0])) if half else 0
        for number, (step, length, _) in enumerate(steps_of(motif.rhythms[half])):
            start = float(bar.steps[step])
            stop = min(float(bar.steps[step + length]), chord_stop(plan, start))
            passing = length <= 2 and step % 4 != 0
            chord = chord_at(plan, start).pitch_classes
            pitch = _near(66 + 1.7 * motif.contour[first + number], key if passing else chord)
            velocity = int(82 + 20 * bar.section.intensity + (4 if step == 0 else 0))
            if stop - start > 0.05:
                notes.append(Note(start, stop - start - 0.015, pitch, min(velocity, 108), "lead"))
    return notes
