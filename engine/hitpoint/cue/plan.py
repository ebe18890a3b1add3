"""The lead sheet of a cue: everything the network is told about time, harmony and form.

The engine makes a plan from the picture; the corpus composer makes one from chance and then arranges and
renders it. Both turn it into the same frame-aligned tracks, so the network meets at work what it learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SectionKind = Literal["intro", "groove", "build", "drop", "break", "ending"]
SECTION_KINDS: tuple[SectionKind, ...] = ("intro", "groove", "build", "drop", "break", "ending")

STYLES: tuple[str, ...] = (
    "break", "pop", "lock", "waack", "middle-hip-hop", "la-hip-hop", "house", "krump",
    "street-jazz", "ballet-jazz", "waltz", "tango", "cinematic", "ambient", "corporate", "electronic",
)  # fmt: skip
"""The ten genres of AIST++ and six that editors ask for. The index is the style token: append only."""


@dataclass(frozen=True, slots=True)
class Accent:
    """A moment that the music stresses. `strength` is 0 to 1."""

    time: float
    strength: float


@dataclass(frozen=True, slots=True)
class Chord:
    """From `start` on: pitch classes (0 = C) that sound, and the one in the bass."""

    start: float
    root: int
    pitch_classes: tuple[int, ...]
    bass: int


@dataclass(frozen=True, slots=True)
class Section:
    """From `start` on: what the music does, and how strongly (0 to 1)."""

    start: float
    kind: SectionKind
    intensity: float


@dataclass(frozen=True, slots=True)
class Tone:
    """A note of the tune: seconds, and a MIDI note number."""

    start: float
    duration: float
    pitch: int


LOOK_RATE = 2
"""Looks per second, as LORIS samples its visual features."""
LOOK_NAMES: tuple[str, ...] = (
    "energy",  # of the movement, 0 (still) to 1 (a fast dance), whatever the size of whoever moves
    "brightness", "saturation", "hue_cosine", "hue_sine", "contrast",  # as `motion.descriptors` has them
    "camera",  # its motion, 0 to 1
    "scale",  # of the largest person, 0 (nobody) to 1 (close)
    "people",  # 0 to 1, four and more
    "since_cut",  # 0 to 1, eight seconds and more
)  # fmt: skip
"""What the picture looks like, half second by half second; all about 0 to 1. Append only."""
Look = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """A shot, from `start` on to the next: its mean look."""

    start: float
    look: Look


@dataclass(frozen=True, slots=True)
class CuePlan:
    """A cue before it sounds. Times in seconds from its start, ascending; all tuples are non-empty
    except `accents`, `tune` and what the picture looks like, where it is not known. The last sound begins
    at or before `end`; after that only its tail is heard."""

    duration: float
    end: float
    style: str
    bpm: float
    beats_per_bar: int
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]
    accents: tuple[Accent, ...]
    chords: tuple[Chord, ...]
    sections: tuple[Section, ...]
    tonic: int  # pitch class of the key
    minor: bool
    tune: tuple[Tone, ...] = ()
    scenes: tuple[Scene, ...] = ()  # the first starts at 0
    looks: tuple[Look, ...] = ()  # one per half second begun
