"""From a plan to what the network sees: frame-aligned tracks, global numbers and event tokens.

Frame-aligned injection is what makes the accents land (measured: cross-attention alone does not); the
two-frame split of every impulse carries its position inside the 20 ms frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.plan import SECTION_KINDS, STYLES, Accent, CuePlan
from hitpoint.values import SAMPLE_RATE, Floats

LATENT_RATE = 50
"""Latent frames per second: two per video frame at 25 fps."""
SAMPLES_PER_LATENT = SAMPLE_RATE // LATENT_RATE

TRACK_NAMES: tuple[str, ...] = (
    "beat", "downbeat", "accent",
    "beat_sin", "beat_cos", "bar_sin", "bar_cos",
    "intensity", "active",
    *(f"section_{kind}" for kind in SECTION_KINDS),
    *(f"chroma_{pitch}" for pitch in range(12)),
    *(f"bass_{pitch}" for pitch in range(12)),
)  # fmt: skip
TRACKS = len(TRACK_NAMES)
RHYTHM_TRACKS = slice(0, 7)
FORM_TRACKS = slice(7, 15)
HARMONY_TRACKS = slice(15, TRACKS)

EVENTS = 32
"""At most so many accents of a window become tokens (the strongest are kept)."""
EVENT_FEATURES = 4
GLOBALS = 6


def _impulses(frames: int, first_frame: int, events: tuple[Accent, ...]) -> Floats:
    """(frames,): each event split over the two frames around it, weighted by strength."""
    row = np.zeros(frames + 2, np.float32)
    for event in events:
        place = event.time * LATENT_RATE - first_frame
        index = int(np.floor(place))
        if -1 <= index < frames:
            part = place - index
            row[index + 1] += event.strength * (1 - part)
            row[index + 2] += event.strength * part
    return np.minimum(row[1 : frames + 1], 1.0)


def _phase(times: NDArray[np.float64], marks: tuple[float, ...]) -> Floats:
    """(frames,): position between two marks, 0 to 1, extrapolated beyond the first and the last."""
    grid = np.asarray(marks, np.float64)
    if len(grid) == 1:
        grid = np.array([grid[0], grid[0] + 2.0])
    index = np.clip(np.searchsorted(grid, times, side="right") - 1, 0, len(grid) - 2)
    return ((times - grid[index]) / (grid[index + 1] - grid[index]) % 1.0).astype(np.float32)


def tracks(plan: CuePlan, first_frame: int, frames: int) -> Floats:
    """(TRACKS, frames) float32 for the window that starts at latent frame `first_frame` (may be negative).

    LORIS feeds rhythm only through cross-attention; the channel injection here follows JASCO and Diff-V2M.
    """
    times = (first_frame + np.arange(frames)) / LATENT_RATE
    out = np.zeros((TRACKS, frames), np.float32)
    out[0] = _impulses(frames, first_frame, tuple(Accent(t, 1.0) for t in plan.beats))
    out[1] = _impulses(frames, first_frame, tuple(Accent(t, 1.0) for t in plan.downbeats))
    out[2] = _impulses(frames, first_frame, plan.accents)
    for row, marks in ((3, plan.beats), (5, plan.downbeats)):
        angle = 2 * np.pi * _phase(times, marks)
        out[row], out[row + 1] = np.sin(angle), np.cos(angle)
    starts = np.array([section.start for section in plan.sections])
    which = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, len(starts) - 1)
    out[7] = np.array([section.intensity for section in plan.sections], np.float32)[which]
    out[8] = (times >= 0) & (times <= plan.end)
    kinds = np.array([SECTION_KINDS.index(section.kind) for section in plan.sections])[which]
    out[9 + kinds, np.arange(frames)] = 1
    starts = np.array([chord.start for chord in plan.chords])
    which = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, len(starts) - 1)
    chroma = np.zeros((len(starts), 12), np.float32)
    bass = np.zeros((len(starts), 12), np.float32)
    for index, chord in enumerate(plan.chords):
        chroma[index, list(chord.pitch_classes)] = 1
        bass[index, chord.bass] = 1
    out[15:27], out[27:39] = chroma[which].T, bass[which].T
    out[7:, times < 0] = 0
    return out


def events(plan: CuePlan, first_frame: int, frames: int) -> Floats:
    """(EVENTS, EVENT_FEATURES) float32: per accent of the window its time (in windows of 10 s, from the
    window's start), strength, time since the accent before (seconds, at most 4) and 1; zero rows pad.

    True event times, as the Hawkes encoding of LORIS (Eq. 9) intends and its released code omits.
    """
    start, stop = first_frame / LATENT_RATE, (first_frame + frames) / LATENT_RATE
    inside = [i for i, accent in enumerate(plan.accents) if start <= accent.time < stop]
    strongest = sorted(sorted(inside, key=lambda i: -plan.accents[i].strength)[:EVENTS])
    out = np.zeros((EVENTS, EVENT_FEATURES), np.float32)
    for row, i in enumerate(strongest):
        accent = plan.accents[i]
        before = plan.accents[i - 1].time if i else accent.time - 4.0
        out[row] = ((accent.time - start) / 10, accent.strength, min(4.0, accent.time - before), 1)
    return out


def globals_(plan: CuePlan, first_frame: int) -> Floats:
    """(GLOBALS,) float32: tempo, meter, mode, mean intensity, distance to the start and to the end."""
    start = first_frame / LATENT_RATE
    level = float(np.mean([section.intensity for section in plan.sections]))
    return np.array(
        [
            (plan.bpm - 110) / 40,
            plan.beats_per_bar / 4,
            float(plan.minor),
            level,
            np.exp(-max(0.0, start) / 8),
            np.exp(-max(0.0, plan.end - start) / 8),
        ],
        np.float32,
    )


def style_index(style: str) -> int:
    """The style token."""
    return STYLES.index(style)
