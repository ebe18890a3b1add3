"""What a bundle has to show, beside what it shows; what each stream is worth in the figure it is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from rich.table import Table

Rows = Mapping[str, Mapping[str, float]]

PURPOSE: dict[str, tuple[str, ...]] = {
    "rhythm": ("hit AUC", "in half a frame", "beat F"),
    "visual": ("energy",),
    "storyboard": ("colour",),
    "adapter": ("cut", "cut on beat"),
    "tune": ("tune", "motif"),
    "genre": ("style", "distance"),
    "harmony": ("chords", "chord changes"),
    "form": ("energy", "decay dB"),
}
"""The figures that each stream exists for."""
_LESS = ("distance", "mel distance", "hit error ms", "tempo error", "decay dB")
_COMPARED = (
    "hit AUC", "in 40 ms", "beat F", "energy", "colour", "tune", "motif", "key clarity", "chords",
    "chord changes", "style", "distance",
)  # fmt: skip
_BEST, _CHANCE = 32, 0.06


@dataclass(frozen=True, slots=True)
class Verdict:
    """A demand, the figure found and the limit that it is held to, nan where a row is missing."""

    demand: str
    found: float
    limit: float
    met: bool


def verdicts(rows: Rows, steps: int) -> list[Verdict]:
    """The demands on the default number of steps; those whose rows are missing are left out."""
    return [one for one in _demands(rows, f"{steps} steps") if not np.isnan((one.found, one.limit)).any()]


def _demands(rows: Rows, generated: str) -> Iterator[Verdict]:
    def figure(row: str, name: str) -> float:
        return rows.get(row, {}).get(name, float("nan"))

    def at_least(demand: str, name: str, limit: float) -> Verdict:
        found = figure(generated, name)
        return Verdict(demand, found, limit, found >= limit)

    def at_most(demand: str, found: float, limit: float) -> Verdict:
        return Verdict(demand, found, limit, found <= limit)

    yield at_least("hit AUC within 0.01 of the pieces'", "hit AUC", figure("composed", "hit AUC") - 0.01)
    yield at_least("hits within 40 ms", "in 40 ms", 0.95)
    yield at_least("beat F within 0.02 of the pieces'", "beat F", figure("composed", "beat F") - 0.02)
    yield at_least("tempo right to 1 %", "tempo in 1 %", 0.95)
    for row in ("shuffled", "random weights", "metronome", "silence"):
        yield at_most(f"hit AUC at chance: {row}", abs(figure(row, "hit AUC") - 0.5), _CHANCE)
    yardstick = figure("corpus itself", "distance")
    yield at_most("distance at most twice the corpus's own", figure(generated, "distance"), 2 * yardstick)
    for name in ("key clarity", "chord changes", "onsets per s"):
        away = abs(figure(generated, name) / figure("composed", name) - 1)
        yield at_most(f"{name} within 5 % of the pieces'", away, 0.05)
    silence = figure("composed", "silence s") + 0.1
    yield at_most("no silence beyond the pieces'", figure(generated, "silence s"), silence)
    decay = figure("composed", "decay dB") + 3
    yield at_most("an ending that ends as the pieces do", figure(generated, "decay dB"), decay)
    yield at_least("the style that was asked", "style", 0.8)
    for name in _COMPARED:
        lost = _cost(name, figure(f"{_BEST} steps", name), figure(generated, name))
        yield at_most(f"{name}: lost against {_BEST} steps", lost, 0.03)


def _cost(name: str, whole: float, less: float) -> float:
    """The share of a figure that is lost; below 0 it is gained."""
    lost = less - whole if name in _LESS else whole - less
    return lost / abs(whole) if whole else float("nan")


def verdict_table(found: list[Verdict]) -> Table:
    """As text."""
    table = Table(title="Asked and found")
    for heading in ("", "found", "limit", ""):
        table.add_column(heading, justify="right" if heading else "left")
    for one in found:
        table.add_row(one.demand, f"{one.found:.3f}", f"{one.limit:.3f}", "yes" if one.met else "NO")
    return table


def purpose_table(rows: Rows, steps: int) -> Table:
    """Each stream that was left out: the figures that it exists for, with it and without."""
    table = Table(title="What each stream is worth")
    for heading in ("stream", "figure", "with", "without", "chance: shuffled"):
        table.add_column(heading, justify="left" if heading in ("stream", "figure") else "right")
    for stream, names in PURPOSE.items():
        beside = (f"{steps} steps", f"without {stream}", "shuffled")
        for name in names if beside[1] in rows else ():
            values = (rows.get(row, {}).get(name, float("nan")) for row in beside)
            table.add_row(stream, name, *(f"{value:.3f}" for value in values))
    return table
