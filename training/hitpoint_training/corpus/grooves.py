"""The rhythms of each style, one character per sixteenth: X strong, x plain, o ghost, - held, . silent.

Drum rows are General MIDI notes. `keys` and `bass` patterns hold notes with `-`; in `bass`, 5 and 8 stand
for the chord's fifth and the octave.
"""

from __future__ import annotations

from dataclasses import dataclass

KICK, RIM, SNARE, CLAP, LOW_TOM, CLOSED_HAT, MID_TOM = 36, 37, 38, 39, 41, 42, 45
OPEN_HAT, CRASH, HIGH_TOM, RIDE, TAMBOURINE, SHAKER, TRIANGLE = 46, 49, 48, 51, 54, 70, 81


@dataclass(frozen=True, slots=True)
class Groove:
    """One bar of four beats (sixteen steps), or of three (twelve)."""

    drums: tuple[tuple[int, str], ...]
    keys: tuple[str, ...]
    bass: tuple[str, ...]
    arp: str = ""


GROOVES: dict[str, Groove] = {
    "break": Groove(
        ((KICK, "X.x.......xx...."), (SNARE, "....X..o.o..X..o"), (CLOSED_HAT, "x.x.x.x.x.x.x.x.")),
        ("x-.x..x-..x.x-..", "..x-..x-..x-..x."), ("x-.x..8-..x-..5.", "x-..x-.8..x.5-.."),
    ),
    "pop": Groove(
        ((KICK, "X.....x.X......."), (SNARE, "....X.......X..."), (CLOSED_HAT, "x.o.x.o.x.o.x.o.")),
        ("x---x---x---x---", "x-----x---x-x---"), ("x-----x-x-----x-", "x---x---x---x-x-"),
    ),
    "lock": Groove(
        ((KICK, "X..x..x...x....."), (SNARE, "....X..o....X..o"), (CLOSED_HAT, "xoxoxoxoxoxoxoxo")),
        ("..x.x-....x.x-..", "x-..x.x-....x-x."), ("x..x..8-x..x..5.", "x-8.x-..x-8.5-.."),
    ),
    "waack": Groove(
        ((KICK, "X...X...X...X..."), (SNARE, "....X.......X..."), (OPEN_HAT, "..x...x...x...x."),
         (TAMBOURINE, "o.o.o.o.o.o.o.o.")),
        ("x-..x.x-..x.x-x.", "x---..x-x---..x-"), ("x.8.x.8.x.8.x.8.", "x-8-x-8-x-8-5-8-"),
    ),
    "middle-hip-hop": Groove(
        ((KICK, "X.....x...x.x..."), (SNARE, "....X.......X..."), (CLOSED_HAT, "x.x.x.x.x.x.x.xo")),
        ("x-----..x-----..", "x--------x------"), ("x-----x---x-5---", "x---..8-x-----5-"),
    ),
    "la-hip-hop": Groove(
        ((KICK, "X..x......x..x.."), (CLAP, "....X.......X..."), (CLOSED_HAT, "x.x.x.xox.x.xxx.")),
        ("x-------x-----x-", "x-----x---------"), ("x------x--x-----", "x-----8---x---5-"),
    ),
    "house": Groove(
        ((KICK, "X...X...X...X..."), (CLAP, "....x.......x..."), (OPEN_HAT, "..x...x...x...x."),
         (CLOSED_HAT, "o.o.o.o.o.o.o.o.")),
        ("x-.x-.x-..x-.x-.", "x..x-..x..x-..x-"), ("..x-..x-..x-..8-", "x-.x..x-..x-.x8-"),
    ),
    "krump": Groove(
        ((KICK, "X..X....X.X....."), (SNARE, "....X.......X..."), (LOW_TOM, ".......x......xx")),
        ("x-------x-------", "x-----x-x-------"), ("x--x----x-x-----", "x-------x-x---5-"),
    ),
    "street-jazz": Groove(
        ((KICK, "x.......x......."), (RIM, "....x.......x..."), (RIDE, "x...x.x.x...x.x.")),
        ("x-....x-........", "..x-....x-....x-"), ("x---5---8---5---", "x---8---5---x---"),
    ),
    "ballet-jazz": Groove(
        ((KICK, "x.......x......."), (RIM, "....o.......o..."), (RIDE, "x...x.o.x...x.o.")),
        ("x-x-x-x-x-x-x-x-", "x---x---x---x---"), ("x-------5-------", "x-------8---5---"),
    ),
    "waltz": Groove(
        ((KICK, "x..........."), (RIM, "....o...o..."), (RIDE, "o...o...o...")),
        ("....x---x---", "..x-x---x---"), ("x---........", "x-------5---"),
    ),
    "tango": Groove(
        ((KICK, "x...x...x...x..."), (RIM, "......x.......x.")),
        ("X-..x-..x-..x-x-", "x-....x-..x-x-.."), ("x---x---x---x-5-", "x-----x-x---5---"),
    ),
    "cinematic": Groove(
        ((LOW_TOM, "X.....x...x....."), (MID_TOM, "............x.x."), (KICK, "X.......x.......")),
        ("x-x-x-x-x-x-x-x-", "x-xxx-xxx-xxx-xx"), ("x---------------", "x-------x-------"),
        "x.x.x.x.x.x.x.x.",
    ),
    "ambient": Groove(
        ((SHAKER, "....o.......o..."),),
        ("x---------------", "x-------x-------"), ("x---------------", "x---------------"),
        "x...x...x...x...",
    ),
    "corporate": Groove(
        ((KICK, "x...x...x...x..."), (CLAP, "....o.......o..."), (SHAKER, "o.o.o.o.o.o.o.o.")),
        ("x-x-x-x-x-x-x-x-", "x-x-xxx-x-x-xxx-"), ("x-----x-x-------", "x---x---x---x---"),
        "x.x.x.x.x.x.x.x.",
    ),
    "electronic": Groove(
        ((KICK, "X...X...X...X..."), (CLAP, "....x.......x..."), (CLOSED_HAT, "..x...x...x...x.")),
        ("x--x--x-x--x--x-", "x-..x-..x-..x-.."), ("..x-..x-..x-..x-", "x.x.8.x.x.x.8.x."),
        "xxxxxxxxxxxxxxxx",
    ),
}  # fmt: skip

THREE = Groove(
    ((KICK, "x...........") , (SNARE, "........x..."), (CLOSED_HAT, "x.o.x.o.x.o.")),
    ("x---x---x---", "x-----x-x---"), ("x-------5---", "x-----x-----"), "x.x.x.x.x.x.",
)  # fmt: skip
"""For styles of four beats that are asked for in three."""

SIX = Groove(
    ((LOW_TOM, "X.....x....."), (MID_TOM, "..........x."), (KICK, "X.....x.....")),
    ("x-x-x-x-x-x-", "x-----x-----"), ("x-----x-----", "x-----------"), "x.x.x.x.x.x.",
)  # fmt: skip

SOFT_DRUMS = frozenset({"ambient", "ballet-jazz", "waltz", "tango", "cinematic", "corporate"})
"""Styles whose drummer plays with brushes, so to say."""

VELOCITY = {"X": 1.0, "x": 0.82, "o": 0.52, "5": 0.8, "8": 0.8}
"""Of the part's level."""


def groove_of(style: str, beats_per_bar: int) -> Groove:
    """The style's groove in a meter."""
    if beats_per_bar == 6:
        return SIX
    groove = GROOVES[style]
    return THREE if beats_per_bar == 3 and len(groove.bass[0]) == 16 else groove
