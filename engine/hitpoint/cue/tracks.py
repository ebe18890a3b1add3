"""From a plan to what the network sees frame by frame, and the few numbers about the whole.

Frame-aligned injection is what makes the accents land (measured: cross-attention alone does not); the
two-frame split of every impulse carries its position inside the 20 ms frame. `tokens.py` has the rest.
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
    "tune_onset", "tune_height",
    *(f"tune_{pitch}" for pitch in range(12)),
)  # fmt: skip
TRACKS = len(TRACK_NAMES)
RHYTHM_TRACKS = slice(0, 7)
FORM_TRACKS = slice(7, 15)
HARMONY_TRACKS = slice(15, 39)
TUNE_TRACKS = slice(39, TRACKS)

GLOBALS = 6
_MIDDLE_PITCH = 72  # MIDI number in the middle of the tune's range


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
    _write_tune(out[TUNE_TRACKS], plan, first_frame, frames)
    out[7:, times < 0] = 0
    return out


def _write_tune(out: Floats, plan: CuePlan, first_frame: int, frames: int) -> None:
    """When the notes of the tune begin, how high they are in octaves from the middle, and their pitch
    class."""
    start, stop = first_frame / LATENT_RATE, (first_frame + frames) / LATENT_RATE
    heard = [tone for tone in plan.tune if tone.start + tone.duration > start and tone.start < stop]
    out[0] = _impulses(frames, first_frame, tuple(Accent(tone.start, 1.0) for tone in heard))
    for tone in heard:
        low = max(0, round((tone.start - start) * LATENT_RATE))
        high = max(low + 1, round((tone.start + tone.duration - start) * LATENT_RATE))
        out[1, low:high] = (tone.pitch - _MIDDLE_PITCH) / 12
        out[2 + tone.pitch % 12, low:high] = 1


def transitions(plan: CuePlan, first_frame: int, frames: int) -> Floats:
    """(1, frames) float32: an impulse on every cut, for the transition-beat aligner (VeM)."""
    return _impulses(frames, first_frame, tuple(Accent(scene.start, 1.0) for scene in plan.scenes[1:]))[None]


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
