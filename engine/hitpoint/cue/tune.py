"""The tune of a cue: one motif that comes back in every main section, in phrases that ask and answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from hitpoint.cue.bars import Bar, chord_at, chord_stop, lay_bars
from hitpoint.cue.harmony import scale
from hitpoint.cue.motif import (
    Idea,
    Step,
    breathing,
    cadence,
    filled,
    invent,
    inverted_tail,
    sequenced,
    thinned,
)
from hitpoint.cue.plan import CuePlan, Tone
from hitpoint.cue.room import Room

LOWEST, HIGHEST = 62, 86
_OCTAVE = 7  # scale steps
_SPARSE = 0.25  # intensity below which nobody plays the tune
_SHORTEST = 0.11  # seconds: shorter notes are left out
_LIFT = 0.015  # seconds between two notes
_CROWDED = 4  # accents within a second and a bit leave no room for a tune
_AROUND = 0.6  # seconds
_BEFORE_END = 0.12  # seconds before the last chord in which nothing starts


@dataclass(frozen=True, slots=True)
class _Event:
    """A note without a pitch: when, how high it wants to be, and whether it must be of the chord."""

    start: float
    stop: float
    height: int
    steady: bool
    fresh: bool  # the first of a phrase: no line leads to it
    final: bool  # the last of a section: at rest


@dataclass(frozen=True, slots=True)
class _Ideas:
    """What a cue's tune is made of. `home`: the height 0 in scale steps above the tonic."""

    main: Idea
    other: Idea
    answer: int  # which variation answers
    higher: bool  # drops are an octave higher, else denser
    home: int


def compose_tune(plan: CuePlan, rng: np.random.Generator) -> tuple[Tone, ...]:
    """The tune of a plan that has everything else; empty where there is no bar to play it in.

    It leaves the accents their room: no note starts where `Room.blurs`.
    """
    ideas = _Ideas(
        invent(plan.beats_per_bar, False, rng),
        invent(plan.beats_per_bar, True, rng),
        int(rng.integers(3)),
        bool(rng.random() < 0.6),
        int(rng.choice((0, 1, 2, 4), p=(0.3, 0.1, 0.4, 0.2))),
    )
    room = Room.around(plan.accents)
    events: list[_Event] = []
    for bar in lay_bars(plan):
        if bar.section.intensity > _SPARSE and bar.start < plan.end:
            events += _in_room(plan, bar, ideas, room)
    return tuple(_pitched(plan, _one_by_one(events, plan.end), ideas.home))


def _line(bar: Bar, ideas: _Ideas) -> tuple[Step, ...]:
    """What the tune does in a bar: motif, answer; motif, cadence."""
    kind, place = bar.section.kind, bar.in_section % 4
    if kind == "build":
        return sequenced(ideas.main.first, min(bar.in_section, 4))
    if kind not in ("groove", "drop", "break"):
        return ()
    idea = ideas.other if kind == "break" else ideas.main
    line = idea.second if place % 2 else idea.first
    if place == 2:
        line = _answer(line, ideas.answer, bar.size)
    ending = place == 3 or (bar.bars_left == 1 and place != 1)
    if ending:
        line = cadence(line, bar.size)
    if ending or place == 1:
        line = breathing(line, bar.size)
    if kind == "drop":
        line = sequenced(line, _OCTAVE) if ideas.higher else filled(line)
    return line


def _answer(line: tuple[Step, ...], which: int, size: int) -> tuple[Step, ...]:
    if which == 0:
        return sequenced(line, 1)
    return inverted_tail(line) if which == 1 else thinned(line, 4 if size == 16 else 2)


def _in_room(plan: CuePlan, bar: Bar, ideas: _Ideas, room: Room) -> Iterator[_Event]:
    """The bar's notes that are heard: late enough, long enough, where the accents leave them room."""
    line = _line(bar, ideas)
    strong = 6 if plan.beats_per_bar == 6 else 4
    last = plan.sections[-1].start if plan.sections[-1].kind == "ending" else plan.end
    resting = bar.bars_left == 1 or bar.stop >= last - 1e-6
    for number, note in enumerate(line):
        start = float(bar.steps[note.step])
        stop = float(bar.steps[min(note.step + note.length, bar.size)])
        change = chord_stop(plan, start)
        if change - start < min(0.15, (stop - start) / 2):
            start = change  # on the new chord rather than a moment before it
        start = room.settled(start)
        if room.within(start - _AROUND, start + _AROUND) >= _CROWDED or stop - start < _SHORTEST:
            continue
        stop = room.release(start, min(stop, chord_stop(plan, start)))
        final = resting and number == len(line) - 1
        steady = final or note.step % strong == 0 or note.length > 2
        yield _Event(start, stop, note.height, steady, number == 0 and bar.in_section % 2 == 0, final)


def _one_by_one(events: list[_Event], end: float) -> Iterator[_Event]:
    """One note at a time, none of them a mere click, all before the last chord."""
    kept: list[_Event] = []
    for event in sorted(events, key=lambda event: event.start):
        if kept and event.start - kept[-1].start < _SHORTEST:
            continue
        kept.append(event)
    for event, after in zip_longest(kept, kept[1:]):
        stop = min(event.stop, end - 0.02, after.start if after else end)
        if event.start < end - _BEFORE_END and stop - event.start >= 0.06:
            yield _Event(event.start, stop - _LIFT, event.height, event.steady, event.fresh, event.final)


def _pitched(plan: CuePlan, events: Iterator[_Event], home: int) -> Iterator[Tone]:
    """Pitches: the nearest that the harmony allows to where the motif wants to be, in a singable line."""
    key = scale(plan.tonic, plan.minor)
    ladder = [note for note in range(LOWEST - 14, HIGHEST + 15) if note % 12 in key]
    tonic = next(i for i, note in enumerate(ladder) if note >= LOWEST - 5 and note % 12 == plan.tonic)
    if ladder[tonic] + home > LOWEST + 5:
        tonic -= _OCTAVE
    while ladder[tonic + home] < LOWEST - 1:
        home += 2 if home < 4 else 3  # a chord tone further up
    line: list[int] = []
    heights: list[int] = []
    for event in events:
        if event.fresh:
            line, heights = [], []
        chord = chord_at(plan, event.start)
        allowed = chord.pitch_classes if event.steady else _sounding(key, chord.pitch_classes)
        if event.final:
            allowed = (chord.root, chord.pitch_classes[1]) if len(chord.pitch_classes) > 2 else allowed
        wish = ladder[min(tonic + home + event.height, len(ladder) - 1)]
        moving = bool(heights) and heights[-1] != event.height
        line.append(_choose(allowed, wish, line, moving))
        heights.append(event.height)
        yield Tone(event.start, event.stop - event.start, line[-1])


def _sounding(key: tuple[int, ...], chord: tuple[int, ...]) -> tuple[int, ...]:
    """The key's pitch classes, bent where the chord leaves it: nothing rubs against a foreign chord note."""
    foreign = [pitch for pitch in chord if pitch not in key]
    return (*(p for p in key if all((p - f) % 12 not in (1, 11) for f in foreign)), *foreign)


def _choose(allowed: tuple[int, ...], wish: int, line: list[int], moving: bool) -> int:
    """The cheapest note: near the wish, not too far from the last, back by step after a leap."""
    move = line[-1] - line[-2] if len(line) > 1 else 0

    def cost(note: int) -> float:
        if not line:
            return abs(note - wish)
        step = note - line[-1]
        price = abs(note - wish) + max(0, abs(step) - 7) * 1.5 + 1.5 * (moving and step == 0)
        if abs(move) > 5 and step:
            price += 3 * (step * move > 0) + 0.5 * max(0, abs(step) - 4)
        return price

    notes = [note for note in range(LOWEST, HIGHEST + 1) if note % 12 in allowed]
    return min(notes, key=lambda note: (cost(note), note))
