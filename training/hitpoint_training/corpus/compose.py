"""A piece of the corpus: a simulated picture, the engine's own plan for it, and a band that plays it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hitpoint.cue.bars import Bar, lay_bars
from hitpoint.cue.harmony import voicing
from hitpoint.cue.plan import STYLES, CuePlan
from hitpoint.cue.planner import plan_cue
from hitpoint.cue.room import Room
from hitpoint_training.corpus import answer, band
from hitpoint_training.corpus.accents import accent_notes, ducked, make_room
from hitpoint_training.corpus.grooves import CRASH, KICK, SNARE, groove_of
from hitpoint_training.corpus.notes import Note
from hitpoint_training.corpus.picture import simulate

_TIGHT = {"drums": 0.003, "bass": 0.004, "arp": 0.003}  # seconds; other parts are looser
_LOOSE = 0.006
_BEFORE_END = 0.12  # seconds before the last chord in which the groove starts nothing


@dataclass(frozen=True, slots=True)
class Piece:
    """A plan and the notes that play it, ascending in time."""

    plan: CuePlan
    notes: tuple[Note, ...]


def compose(seed: int, style: str | None, duration: float) -> Piece:
    """The piece of a seed, in a style (None: the styles in turn by seed), `duration` seconds long."""
    style = STYLES[seed % len(STYLES)] if style is None else style
    rng = np.random.default_rng((seed, 0xC0DE))
    picture = simulate(style, duration, rng)
    seen = (picture.hits, picture.tempo, picture.cuts)
    plan = plan_cue(duration, *seen, style, picture.intensity, int(rng.integers(2**31)), picture.shots)
    return Piece(plan, arrange(plan, rng))


def arrange(plan: CuePlan, rng: np.random.Generator) -> tuple[Note, ...]:
    """The notes of a plan: groove, in the colours of the picture, humanised; room for the accents; the
    tune; the accents, exact; an ending."""
    bars = lay_bars(plan)
    groove = groove_of(plan.style, plan.beats_per_bar)
    notes = band.pad(plan) + band.drums(plan, bars, groove, rng) + band.bass(plan, bars, groove, rng)
    notes += band.keys(plan, bars, groove, rng) + band.arpeggio(plan, bars, groove)
    notes = answer.thinner(notes, plan) + answer.busier(plan, bars)
    notes = answer.coloured(notes + answer.thicker(plan), plan)
    notes = _build_up(_stops(notes, bars, rng), bars)
    notes = [_humanised(note, rng) for note in answer.louder(notes, plan)]
    notes = make_room(notes, plan.accents)
    notes += ducked(_sung(plan, rng) + answer.cymbals(plan), plan.accents)
    notes = [note for note in notes if note.start < plan.end - _BEFORE_END]
    notes += [note for note in accent_notes(plan, answer.dry(plan)) if note.start < plan.end]
    notes = [_ended(note, plan.end) for note in notes] + _final(plan)
    return tuple(sorted(set(notes), key=lambda note: (note.start, note.part, note.pitch, -note.velocity)))


def _sung(plan: CuePlan, rng: np.random.Generator) -> list[Note]:
    """The tune with people's timing, but exactly on the accents, and where it would stray into their room."""
    room = Room.around(plan.accents)
    notes: list[Note] = []
    for note in answer.louder(band.lead(plan), plan):
        loose = _humanised(note, rng)
        notes.append(replace(loose, start=note.start) if room.blurs(loose.start) else loose)
    return notes


def _stops(notes: list[Note], bars: tuple[Bar, ...], rng: np.random.Generator) -> list[Note]:
    """Before some drops the band stops for the last beat; only the pad goes on."""
    for bar in bars:
        if bar.bars_left == 1 and bar.next_kind == "drop" and rng.random() < 0.5:
            silent = float(bar.steps[-1 - (len(bar.steps) - 1) // 4])
            notes = [_stopped(note, silent) for note in notes if not _within(note, silent, bar.stop)]
    return notes


def _within(note: Note, start: float, stop: float) -> bool:
    """Whether a note of the band, not of the pad, starts in a stretch (less a hair)."""
    return note.part not in ("pad", "choir") and start - 0.02 <= note.start < stop - 0.02


def _stopped(note: Note, time: float) -> Note:
    """The note, cut off if it sounds across a time (pads go on)."""
    if note.part in ("pad", "choir") or not note.start < time < note.stop:
        return note
    return replace(note, duration=time - note.start)


def _build_up(notes: list[Note], bars: tuple[Bar, ...]) -> list[Note]:
    """A snare roll that grows over the last bar of a build."""
    for bar in bars:
        if bar.section.kind == "build" and bar.bars_left == 1:
            steps = bar.steps[:-5]
            for index, time in enumerate(steps):
                velocity = int(44 + 44 * index / len(steps))
                notes.append(Note(float(time), 0.08, SNARE, velocity, "drums"))
    return notes


def _humanised(note: Note, rng: np.random.Generator) -> Note:
    """The note a few milliseconds and a few steps of velocity off, as people play; pads and choirs stay."""
    velocity = int(np.clip(note.velocity + rng.normal(0, 3.5), 8, 108))
    if note.part in ("pad", "choir"):
        return replace(note, velocity=velocity)
    shift = float(np.clip(rng.normal(0, _TIGHT.get(note.part, _LOOSE)), -0.012, 0.012))
    return replace(note, start=max(0.0, note.start + shift), velocity=velocity)


def _ended(note: Note, end: float) -> Note:
    """The note, let go just before the last chord."""
    return replace(note, duration=max(0.03, min(note.duration, end - 0.02 - note.start)))


def _final(plan: CuePlan) -> list[Note]:
    """The last chord, by everybody, held into the tail."""
    last, start = plan.chords[-1], plan.end
    ring = float(np.clip(plan.duration - start - 0.3, 0.2, 2.0))
    level = 96 + int(20 * plan.sections[-1].intensity)
    notes = [Note(start, ring, 36 + last.bass, level, "bass")]
    for pitch in voicing(last.pitch_classes, None, 55, 79):
        notes += [Note(start, ring, pitch, level, "keys"), Note(start, ring, pitch, level - 10, "stab")]
        notes += [Note(start, ring, pitch, level - 36, "pad"), Note(start, ring, pitch, level, "hit")]
    notes += [Note(start, 0.5, KICK, level, "drums"), Note(start, 1.0, CRASH, level - 12, "drums")]
    room = plan.duration - start - 0.001
    return [replace(note, duration=min(note.duration, room)) for note in notes]
