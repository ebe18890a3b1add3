"""All that is measured of one sound for one plan: figures, and what gives one over many pieces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hitpoint.cue.plan import CuePlan
from hitpoint.values import Floats
from hitpoint_training.evaluate import finish, melody, picture
from hitpoint_training.evaluate.beats import beat_f, steady_error, tracked
from hitpoint_training.evaluate.frechet import Moments
from hitpoint_training.evaluate.heard import Heard
from hitpoint_training.evaluate.loris import CDCD, PAPER, RELEASED, Bins, loris_bins, loris_onsets
from hitpoint_training.evaluate.patches import log_mel, patches
from hitpoint_training.evaluate.sync import RATE, Times, curve_auc, hit_distances, strong
from hitpoint_training.evaluate.tone import chord_changes, chord_share, clarity_of, pulse_of

LATE = 0.0145
"""Seconds that librosa's onsets come after the start of a struck note: the median over composed pieces, where
notes stand within 3 ms of their place."""


@dataclass(frozen=True, slots=True)
class Impression:
    """What the distances and the listener need of a sound."""

    patches: Floats  # (patches, FEATURES)
    mel: Moments  # of frames of decibels in 64 bands


@dataclass(frozen=True, slots=True)
class Measured:
    """One sound and the plan that it should follow."""

    figures: dict[str, float]
    hits: Times  # seconds from each strong hit to the nearest onset, less what librosa is late
    shots: picture.Shots
    cuts: picture.Cuts
    bins: dict[str, Bins]  # seconds with an onset, for each variant of LORIS's metric
    beats: Times  # as the tracker has them
    impression: Impression


def impression(heard: Heard) -> Impression:
    """Of a sound, whatever it was made for."""
    return Impression(patches(heard), Moments.of(log_mel(heard)))


def measure(heard: Heard, plan: CuePlan, rng: np.random.Generator) -> Measured:
    """Everything; `rng` draws the moments that hits are compared with."""
    high = melody.register(heard)
    beats = tracked(heard.curve)
    until = float(np.sum(heard.onsets < plan.end))
    figures = {
        "hit AUC": curve_auc(heard.curve, heard.duration, plan.accents, rng),
        "beat F": beat_f(beats, plan),
        "tempo error": steady_error(heard.curve, plan),
        "key clarity": clarity_of(heard.pitches, heard.mono),
        "chords": chord_share(heard.pitches, plan),
        "chord changes": chord_changes(heard.pitches, plan),
        "pulse": pulse_of(heard.curve),
        "onsets per s": until / max(plan.end, 1e-3),
        "energy": picture.energy_follows(heard, plan),
        "tune share": melody.tune_share(high, plan.tune),
        "tune": melody.tune_heard(high, plan.tune),
        "motif": melody.motif_heard(high, plan),
        "LUFS": finish.loudness(heard),
        "clipped": finish.clipped(heard),
        "silence s": finish.longest_silence(heard, plan),
        "decay dB": finish.decay(heard, plan),
    }
    return Measured(
        figures=figures,
        hits=hit_distances((heard.onsets - LATE).tolist(), strong(plan.accents).tolist()),
        shots=picture.shots(heard, plan),
        cuts=picture.cuts(heard, plan),
        bins={
            variant.name: loris_bins(loris_onsets(heard.mono, RATE, variant), plan.duration)
            for variant in (RELEASED, PAPER, CDCD)
        },
        beats=beats,
        impression=impression(heard),
    )
