"""What makes a style: one frozen row per name in `hitpoint.cue.plan.STYLES`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from hitpoint.cue.plan import STYLES
from hitpoint.errors import UsageError
from hitpoint.values import TempoMap


@dataclass(frozen=True, slots=True)
class Palette:
    """General MIDI programs (counted from 0) that the corpus plays a style with, by role."""

    keys: int
    bass: int
    pad: int
    lead: int
    stab: int


@dataclass(frozen=True, slots=True)
class Style:
    """A style. `major` and `minor` hold progressions, the last of each is for breaks and builds."""

    tempo: tuple[float, float]  # beats per minute
    movement: float  # 0 to 1: how much movement in the picture it suits
    minor_bias: float  # probability of a minor key
    bars_per_chord: float  # 0.5, 1 or 2
    major: tuple[str, ...]
    minor: tuple[str, ...]
    palette: Palette
    meters: tuple[int, ...] = (4,)  # beats per bar that it can be played in, its own first
    swing: float = 0.0  # how late the off-beat comes, 0 straight to 1/3 triplets, of half the unit
    swing_unit: int = 8  # which notes swing: 8 eighths, 16 sixteenths


_POP = ("I V vi IV", "I vi IV V", "vi IV I V")
_POP_MINOR = ("i bVI bIII bVII", "i bVII bVI bVII", "bVI bVII i i")
_FUNK = ("I I IV I", "I7 IV I7 IV", "ii7 V7 I I")
_FUNK_MINOR = ("i7 i7 iv7 i7", "i7 bVII i7 iv7", "bVI bVII i i")
_JAZZ = ("Imaj7 vi7 ii7 V7", "ii7 V7 Imaj7 Imaj7", "IVmaj7 iii7 ii7 V7")
_JAZZ_MINOR = ("i7 iv7 bVII bIIImaj7", "i bVI iv V", "iv7 bVII bIIImaj7 i")
_DARK = ("i i bVI bVII", "i bVI i bVII", "iv bVI bVII i")
_WIDE = ("I V/3 vi IV", "I IV I/3 V", "IV V vi I")
_WIDE_MINOR = ("i bVI bIII bVII", "i iv bVI V", "bVI bIII bVII i")

_ROWS = {
    "break": Style(
        (100, 132), 0.8, 0.7, 1, _FUNK, _FUNK_MINOR, Palette(4, 33, 48, 61, 61), swing=0.1, swing_unit=16
    ),
    "pop": Style((96, 128), 0.55, 0.3, 1, _POP, _POP_MINOR, Palette(0, 33, 48, 80, 61), (4, 3, 6)),
    "lock": Style(
        (100, 122), 0.7, 0.3, 1, _FUNK, _FUNK_MINOR, Palette(27, 33, 48, 61, 61), swing=0.12, swing_unit=16
    ),
    "waack": Style((110, 128), 0.65, 0.5, 1, _POP, _POP_MINOR, Palette(0, 33, 48, 56, 61)),
    "middle-hip-hop": Style(
        (84, 102), 0.5, 0.7, 1, _JAZZ, _FUNK_MINOR, Palette(4, 33, 89, 11, 62), swing=0.25, swing_unit=16
    ),
    "la-hip-hop": Style((80, 104), 0.6, 0.8, 1, _POP, _DARK, Palette(4, 38, 50, 81, 62)),
    "house": Style((116, 130), 0.7, 0.6, 1, _POP, _POP_MINOR, Palette(0, 38, 50, 80, 62)),
    "krump": Style((76, 100), 0.9, 1.0, 2, _FUNK, _DARK, Palette(48, 38, 50, 61, 61)),
    "street-jazz": Style(
        (96, 128), 0.6, 0.4, 1, _JAZZ, _JAZZ_MINOR, Palette(0, 32, 48, 65, 61), swing=0.33
    ),
    "ballet-jazz": Style((76, 112), 0.35, 0.3, 1, _WIDE, _JAZZ_MINOR, Palette(0, 32, 48, 73, 48), (4, 6)),
    "waltz": Style((120, 180), 0.4, 0.3, 1, _WIDE, _WIDE_MINOR, Palette(0, 32, 48, 40, 48), (3,)),
    "tango": Style((108, 132), 0.55, 0.85, 1, _WIDE, ("i iv V i", "i bVI V i", "iv i V i"),
                   Palette(23, 32, 48, 40, 23)),
    "cinematic": Style((72, 120), 0.5, 0.8, 1, _WIDE, _WIDE_MINOR, Palette(45, 48, 48, 60, 61), (4, 6, 3)),
    "ambient": Style((64, 96), 0.1, 0.4, 2, _WIDE, _WIDE_MINOR, Palette(46, 89, 89, 73, 46), (4, 3, 6)),
    "corporate": Style((100, 126), 0.3, 0.05, 1, _POP, _POP_MINOR, Palette(27, 33, 48, 11, 0), (4, 3)),
    "electronic": Style((118, 140), 0.8, 0.8, 1, _POP, _POP_MINOR, Palette(80, 38, 50, 81, 62)),
}  # fmt: skip


def style_row(name: str) -> Style:
    """The row of a style; `UsageError` if there is none of that name."""
    if name not in _ROWS:
        raise UsageError(f"There is no style {name!r}.", f"Choose one of: {', '.join(STYLES)}.")
    return _ROWS[name]


def bar_length(style: str, beats_per_bar: int) -> int:
    """Beats per bar: as asked where the style can be played so, else the style's own meter."""
    meters = style_row(style).meters
    return beats_per_bar if beats_per_bar in meters else meters[0]


def in_range(tempo: TempoMap, style: str) -> TempoMap:
    """The same grid counted in double or half time, where that is nearer to what the style is played in.

    The eighths of a tempo are the beats of its double: no hit point leaves the grid by doubling it.
    """
    low, high = style_row(style).tempo

    def outside(bpm: float) -> float:
        return max(0.0, math.log2(low / bpm), math.log2(bpm / high))

    factor = min((1.0, 2.0, 0.5), key=lambda factor: outside(tempo.bpm * factor))
    points = tuple(replace(point, bpm=point.bpm * factor) for point in tempo.points)
    return replace(tempo, points=points)


def choose_style(tempo_bpm: float, movement: float) -> str:
    """The style for "auto": nearest in tempo (octaves outside its range) and in movement (0 to 1).

    Styles in other meters than 4/4 are never chosen: a tempo fit cannot tell the meter well enough.
    """

    def distance(name: str) -> float:
        row = style_row(name)
        low, high = row.tempo
        tempi = (tempo_bpm, 2 * tempo_bpm, tempo_bpm / 2)
        outside = min(max(0.0, math.log2(low / bpm), math.log2(bpm / high)) for bpm in tempi)
        return 2 * outside + abs(row.movement - min(1.0, max(0.0, movement)))

    return min((name for name in STYLES if 4 in style_row(name).meters), key=distance)
