"""Does the music look like the picture? Its loudness, its colour shot by shot, its cymbals on cuts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.plan import LOOK_NAMES, LOOK_RATE, CuePlan
from hitpoint.cue.room import Room
from hitpoint_training.corpus.answer import ON_BEAT
from hitpoint_training.evaluate.heard import FFT, Heard, decibels
from hitpoint_training.evaluate.sync import RATE, auc

_ENERGY, _BRIGHTNESS = LOOK_NAMES.index("energy"), LOOK_NAMES.index("brightness")
_SHORTEST = 0.6  # seconds: shorter shots have no colour of their own
_CYMBAL = 6000.0  # hertz
_AFTER = 0.150  # seconds


def energy_follows(heard: Heard, plan: CuePlan) -> float:
    """Correlation of the loudness (dB) of each half second with the energy of the movement, until the end.

    0 for a sound that never changes; nan where the plan knows nothing of the picture.
    """
    count = min(len(plan.looks), int(min(plan.end, heard.duration) * LOOK_RATE))
    wanted = np.array([look[_ENERGY] for look in plan.looks[:count]])
    size = RATE // LOOK_RATE
    sound = heard.mono[: count * size].reshape(count, size)
    level = decibels(np.square(sound).mean(axis=1)) if count else np.zeros(0)
    return correlation(wanted, np.asarray(level, np.float64))


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Pearson's; nan of fewer than three pairs or a steady first, 0 for a steady second."""
    if len(a) < 3 or np.ptp(a) < 1e-6:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1]) if np.ptp(b) > 1e-6 else 0.0


@dataclass(frozen=True, slots=True)
class Shots:
    """Of every shot of a piece that is long enough: brightness, and log2 of the spectral centroid."""

    brightness: tuple[float, ...]
    centroid: tuple[float, ...]


def shots(heard: Heard, plan: CuePlan) -> Shots:
    """Music changes with the picture on the accent that a cut stands next to, as the lead sheet has it."""
    edges = [0.0, *cut_times(plan), plan.end]
    last = min(plan.end, heard.duration)
    hertz = np.arange(FFT // 2 + 1) * RATE / FFT
    brightness: list[float] = []
    centroid: list[float] = []
    for scene, (start, stop) in zip(plan.scenes, pairwise(edges), strict=False):
        if min(stop, last) - start < _SHORTEST:
            continue
        frames = heard.spectrum[:, heard.frames(start, min(stop, last))]
        weight = frames.sum(axis=0)
        tones = np.log2(np.maximum(hertz @ frames / np.maximum(weight, 1e-9), 20.0))
        brightness.append(scene.look[_BRIGHTNESS])
        centroid.append(float(tones.mean()))
    return Shots(tuple(brightness), tuple(centroid))


def colour_follows(pieces: Sequence[Shots]) -> float:
    """Correlation of centroid and brightness over all shots, each taken from the mean of its piece."""
    a = [np.asarray(piece.brightness) - np.mean(piece.brightness) for piece in pieces if piece.brightness]
    b = [np.asarray(piece.centroid) - np.mean(piece.centroid) for piece in pieces if piece.brightness]
    return correlation(np.concatenate(a), np.concatenate(b)) if a else float("nan")


@dataclass(frozen=True, slots=True)
class Cuts:
    """dB above 6 kHz in the 150 ms after cuts on beats, cuts on none, and beats without a cut; of one piece,
    from its own median."""

    on: tuple[float, ...]
    off: tuple[float, ...]
    beats: tuple[float, ...]


def cuts(heard: Heard, plan: CuePlan) -> Cuts:
    """How much shimmers at the cuts of a piece, and at its other beats."""
    high = np.square(heard.spectrum[int(_CYMBAL * FFT / RATE) :]).mean(axis=0)

    def level(time: float) -> float:
        return float(decibels(high[heard.frames(time, time + _AFTER)].mean())) if len(high) else -100.0

    middle = float(np.median(decibels(high)))
    on: list[float] = []
    off: list[float] = []
    for scene, time in zip(plan.scenes[1:], cut_times(plan), strict=True):
        if time < plan.end - _AFTER and time + _AFTER < heard.duration:
            near = min(abs(beat - scene.start) for beat in plan.beats) <= ON_BEAT
            (on if near else off).append(level(time) - middle)
    taken = np.array([*cut_times(plan), plan.end])
    free = [beat for beat in plan.beats if 0 <= beat < plan.end and np.abs(taken - beat).min() > 2 * _AFTER]
    heard_beats = [beat for beat in free if beat + _AFTER < heard.duration]
    return Cuts(tuple(on), tuple(off), tuple(level(beat) - middle for beat in heard_beats))


def cut_times(plan: CuePlan) -> tuple[float, ...]:
    """When the music changes with the picture."""
    room = Room.around(plan.accents)
    return tuple(room.settled(scene.start) for scene in plan.scenes[1:])


def cut_auc(pieces: Sequence[Cuts]) -> float:
    """Probability that more shimmers at a cut on a beat than at a cut on none; 0.5 is chance."""
    return auc(_all([piece.on for piece in pieces]), _all([piece.off for piece in pieces]))


def cut_beat_auc(pieces: Sequence[Cuts]) -> float:
    """Probability that more shimmers at a beat with a cut than at one without; 0.5 is chance."""
    return auc(_all([piece.on for piece in pieces]), _all([piece.beats for piece in pieces]))


def _all(parts: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    return np.array([value for part in parts for value in part], np.float64)
