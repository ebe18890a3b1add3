"""Is the tune heard? The energy at its pitches while they should sound, beside other tunes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import librosa
import numpy as np

from hitpoint.cue.plan import CuePlan, Tone
from hitpoint.cue.tune import HIGHEST, LOWEST, compose_tune
from hitpoint.values import Floats
from hitpoint_training.evaluate.heard import HOP, Heard
from hitpoint_training.evaluate.sync import RATE

_LOWEST = 60  # MIDI note of 262 Hz, below which bass and chords rule
_OCTAVES = 3
_DECOYS = 8


def register(heard: Heard) -> Floats:
    """(36, frames) energy of each semitone from 262 Hz on."""
    if not np.any(heard.mono):
        return np.zeros((12 * _OCTAVES, len(heard.mono) // HOP + 1), np.float32)
    found = librosa.cqt(
        heard.mono,
        sr=RATE,
        hop_length=HOP,
        fmin=librosa.midi_to_hz(_LOWEST),
        n_bins=12 * _OCTAVES,
        tuning=0.0,
    )
    return np.asarray(np.abs(found) ** 2, np.float32)


def tune_share(high: Floats, tune: Sequence[Tone]) -> float:
    """Share of the energy above 262 Hz that is on the tune's pitch class during its notes, in the mean over
    the notes; an even spread gives 1/12, nan without a tune."""
    classes = high.reshape(_OCTAVES, 12, -1).sum(axis=0)
    return _mean([_share(classes[:, _during(tone)], tone.pitch % 12) for tone in tune])


def tune_heard(high: Floats, tune: Sequence[Tone]) -> float:
    """How often a note's pitch is louder during the note than the pitch of the note before or after it.

    Neighbours are of the same harmony, mostly: what the chords play does not decide. 0.5 is chance.
    """
    won: list[float] = []
    for one, other in pairwise(tune):
        if one.pitch != other.pitch:
            for mine, foreign in ((one, other), (other, one)):
                sound = high[:, _during(mine)].sum(axis=1)
                own, alien = sound[mine.pitch - _LOWEST], sound[foreign.pitch - _LOWEST]
                won.append(0.5 if own == alien else float(own > alien))
    return _mean(won)


def motif_heard(high: Floats, plan: CuePlan) -> float:
    """Share of other tunes for the same chords, sections and accents that fit the sound less than the plan's
    own: 1 where the motif is recognised, 0.5 by chance, nan without a tune."""
    if not plan.tune:
        return float("nan")
    others = (compose_tune(plan, np.random.default_rng((seed, _DECOYS))) for seed in range(_DECOYS))
    own = _fit(high, plan.tune)
    return _mean(
        [(own > fit) + 0.5 * (own == fit) for fit in (_fit(high, other) for other in others if other)]
    )


def _fit(high: Floats, tune: Sequence[Tone]) -> float:
    """The mean share of a tune's pitches in the energy of the tune's range while they sound."""
    sung = high[LOWEST - _LOWEST : HIGHEST + 1 - _LOWEST]
    return _mean([_share(sung[:, _during(tone)], tone.pitch - LOWEST) for tone in tune])


def _share(sound: Floats, row: int) -> float:
    whole = float(sound.sum())
    return float(sound[row].sum()) / whole if whole > 0 else 0.0


def _during(tone: Tone) -> slice:
    first = round(tone.start * RATE / HOP)
    return slice(first, max(first + 1, round((tone.start + tone.duration) * RATE / HOP)))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
