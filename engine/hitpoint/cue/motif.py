"""Musical ideas of two bars, and what composers do with them: sequence, inversion, thinning, filling."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hitpoint.cue.bars import steps_of

_LIVELY = {
    4: ("x---x-x-x---x---", "x-----x-x---x---", "x-x-x---x-----x-", "x---x---x-x-x---", "..x-x---x-x-x---",
        "x--x--x-x---x---", "x-x-x-x-x---....", "x---..x-x-x-x---"),
    3: ("x-------x---", "x---x---x---", "x---x-x-x---", "x-----x-x---", "x-x-x---x---"),
    6: ("x---x-x---x-", "x-x-x-x---x-", "x-----x-x-x-", "x---x-x-x-x-"),
}  # fmt: skip
_RESTING = {
    4: ("x---x---x-------", "x-x-x---x-----..", "x-----x-x-------", "x---x-x-x-------", "x--x--x-x-------"),
    3: ("x-------....", "x---x-------", "x-----x-x---"),
    6: ("x---x-x-----", "x-----x---..", "x-x-x-x-----"),
}
_CALM = {
    4: ("x-------x-------", "x-----------x---", "....x-------x---", "x-------x---x---"),
    3: ("x-----------", "x-------x---", "....x-------"),
    6: ("x-----x-----", "x---------x-", "x-----------"),
}
_MOVES = (-4, -3, -2, -1, 0, 1, 2, 3, 4)
_CHANCES = (0.03, 0.04, 0.10, 0.29, 0.06, 0.29, 0.11, 0.05, 0.03)
_SPAN = 6  # scale steps from the lowest to the highest note


@dataclass(frozen=True, slots=True)
class Step:
    """A note of an idea: its sixteenth in the bar, how many it is held, its height in scale steps."""

    step: int
    length: int
    height: int


@dataclass(frozen=True, slots=True)
class Idea:
    """Two bars; the lowest of all heights is 0."""

    first: tuple[Step, ...]
    second: tuple[Step, ...]


def invent(meter: int, calm: bool, rng: np.random.Generator) -> Idea:
    """An idea that walks by steps, leaps once at most, turns back after a leap, and comes to rest."""
    rhythms = _CALM if calm else _LIVELY
    ends = _CALM if calm else _RESTING
    first, second = (str(rng.choice(cells[meter])) for cells in (rhythms, ends))
    places = [[(step, length) for step, length, _ in steps_of(cell)] for cell in (first, second)]
    heights = _walk(len(places[0]) + len(places[1]), rng)
    cut = len(places[0])
    bars = (heights[:cut], heights[cut:])
    return Idea(*(_bar(*pair) for pair in zip(places, bars, strict=True)))


def _walk(count: int, rng: np.random.Generator) -> list[int]:
    """(count,) heights; of several walks the first that has a shape: neither flat nor a plain scale."""
    heights = [0] * count
    for _ in range(12):
        heights, leapt, move = [int(rng.integers(0, 5))], False, 0
        while len(heights) < count:
            before, move = move, int(rng.choice(_MOVES, p=_CHANCES))
            if abs(before) > 2:
                move = -1 if before > 0 else 1
            elif abs(move) > 2:
                move = move if not leapt else int(np.sign(move))
                leapt = True
            if not 0 <= heights[-1] + move <= _SPAN:
                move = -int(np.sign(move))
            heights.append(heights[-1] + move)
        turns = np.sign(np.diff(heights))
        if len(set(heights)) >= min(4, count - 1) and len(set(turns.tolist())) > 1:
            break
    return [height - min(heights) for height in heights]


def _bar(places: list[tuple[int, int]], heights: list[int]) -> tuple[Step, ...]:
    return tuple(Step(step, length, height) for (step, length), height in zip(places, heights, strict=True))


def sequenced(bar: tuple[Step, ...], by: int) -> tuple[Step, ...]:
    """The same, so many scale steps higher."""
    return tuple(replace(note, height=note.height + by) for note in bar)


def inverted_tail(bar: tuple[Step, ...]) -> tuple[Step, ...]:
    """The second half upside down, about its first note."""
    half = len(bar) // 2
    pivot = bar[half].height
    tail = tuple(replace(note, height=2 * pivot - note.height) for note in bar[half:])
    return bar[:half] + tail


def thinned(bar: tuple[Step, ...], beat: int) -> tuple[Step, ...]:
    """Only the notes on beats (`beat` sixteenths), each held to the next."""
    kept = [note for note in bar if note.step % beat == 0] or list(bar[:1])
    stops = [note.step for note in kept[1:]] + [bar[-1].step + bar[-1].length]
    return tuple(replace(n, length=stop - n.step) for n, stop in zip(kept, stops, strict=True))


def filled(bar: tuple[Step, ...]) -> tuple[Step, ...]:
    """Denser: notes of a beat and more are struck twice, but for the last."""
    notes: list[Step] = []
    for note in bar[:-1]:
        half = note.length // 2
        if half >= 2:
            notes += [replace(note, length=half), replace(note, step=note.step + half, length=half)]
        else:
            notes.append(note)
    return (*notes, *bar[-1:])


def cadence(bar: tuple[Step, ...], size: int) -> tuple[Step, ...]:
    """The head of the bar, then a long note on its middle."""
    half = size // 2 if size != 12 else (6 if any(note.step == 6 for note in bar) else 8)
    head = tuple(replace(n, length=min(n.length, half - n.step)) for n in bar if n.step < half)
    height = head[-1].height if head else 2
    return (*head, Step(half, size - half, height - (height > 0)))


def breathing(bar: tuple[Step, ...], size: int) -> tuple[Step, ...]:
    """The last note a quarter of a bar shorter, but never a mere touch: a singer has to breathe."""
    last = bar[-1]
    return (*bar[:-1], replace(last, length=max(last.length - size // 4, min(last.length, 2))))
