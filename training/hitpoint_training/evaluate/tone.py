"""Is it music? Key clarity, agreement with the planned chords, pulse."""

from __future__ import annotations

from itertools import pairwise

import librosa
import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.plan import CuePlan
from hitpoint.values import Floats
from hitpoint_training.evaluate.beats import autocorrelation
from hitpoint_training.evaluate.sync import RATE, OnsetCurve, auc, mono, onset_curve

_CHROMA_HOP = 512
_WINDOW = 8.0  # seconds
_BESIDE = 0.4  # seconds on each side of a chord change
_SILENCE = 1e-4  # root mean square below which a window says nothing

# Krumhansl and Kessler (1982), probe-tone ratings from the tonic upwards.
_MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
_PROFILES = np.stack([np.roll(profile, k) for profile in (_MAJOR, _MINOR) for k in range(12)])


def pitch_classes(mixed: Floats) -> Floats:
    """(12, frames) energy of the pitch classes (constant Q), every 23 ms; `mixed` is mono at 22,050 Hz."""
    if not np.any(mixed):
        return np.zeros((12, len(mixed) // _CHROMA_HOP + 1), np.float32)
    found = librosa.feature.chroma_cqt(y=mixed, sr=RATE, hop_length=_CHROMA_HOP, norm=None, tuning=0.0)
    return np.asarray(found, np.float32) ** 2


def key_correlations(mean_chroma: NDArray[np.floating]) -> NDArray[np.float64]:
    """(24,) Pearson correlation of a mean chroma with the Krumhansl profiles: 12 major keys, 12 minor."""
    spread = np.asarray(mean_chroma, np.float64)
    if np.ptp(spread) < 1e-9:
        return np.zeros(24)
    return np.asarray(np.corrcoef(np.vstack([spread, _PROFILES]))[0, 1:], np.float64)


def key_clarity(audio: Floats, sr: int) -> float:
    """Best Krumhansl correlation of the mean chroma of each 8 s window, averaged over the windows.

    A last window shorter than 4 s is left out if there is another; silence gives 0.
    """
    mixed = mono(audio, sr)
    return clarity_of(pitch_classes(mixed), mixed)


def clarity_of(energies: Floats, mixed: Floats) -> float:
    """`key_clarity` of a mono sound at 22,050 Hz whose `pitch_classes` are known."""
    size = round(_WINDOW * RATE)
    starts = [s for s in range(0, len(mixed), size) if s == 0 or len(mixed) - s >= size // 2]
    level = np.sqrt(energies)
    level = level / np.maximum(level.max(axis=0, keepdims=True), 1e-9)
    found: list[float] = []
    for start in starts:
        window = mixed[start : start + size]
        frames = level[:, start // _CHROMA_HOP : (start + size) // _CHROMA_HOP]
        loud = float(np.sqrt(np.mean(window**2))) >= _SILENCE
        found.append(float(key_correlations(frames.mean(axis=1)).max()) if loud else 0.0)
    return float(np.mean(found))


def chord_agreement(audio: Floats, sr: int, plan: CuePlan) -> float:
    """Share of the chroma's energy on pitch classes of the plan's chord, weighted by loudness, 0 to 1.

    Even noise gives the share of the twelve pitch classes that the chords use (0.25 to 0.33).
    """
    return chord_share(pitch_classes(mono(audio, sr)), plan)


def chord_share(frames: Floats, plan: CuePlan) -> float:
    """`chord_agreement` of a sound whose `pitch_classes` are known."""
    times = np.arange(frames.shape[1]) * _CHROMA_HOP / RATE
    starts = np.array([chord.start for chord in plan.chords])
    which = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, len(starts) - 1)
    allowed = np.zeros((len(starts), 12))
    for index, chord in enumerate(plan.chords):
        allowed[index, list(chord.pitch_classes)] = 1
    level = frames.sum()
    return float((frames * allowed[which].T).sum() / level) if level > 0 else 0.0


def tempo_error(estimated: float, true: float) -> float:
    """Relative error of a tempo, the octave (x 1/3, 1/2, 2, 3) forgiven."""
    return min(abs(estimated * factor / true - 1) for factor in (1 / 3, 0.5, 1, 2, 3))


def chord_changes(frames: Floats, plan: CuePlan) -> float:
    """Probability that the harmony moves more at a planned chord change than in the middle of a chord.

    Moves: the cosine distance between the mean `pitch_classes` of the 0.4 s before and after. 0.5 is chance;
    nan without a change.
    """
    edges = [*(chord.start for chord in plan.chords), plan.end]
    pairs = [(a, b) for a, b in pairwise(plan.chords) if set(a.pitch_classes) != set(b.pitch_classes)]
    changes = np.array([_novelty(frames, b.start) for _, b in pairs if b.start < plan.end])
    middles = np.array([_novelty(frames, (a + b) / 2) for a, b in pairwise(edges) if b - a >= 4 * _BESIDE])
    return auc(changes, middles)


def _novelty(frames: Floats, time: float) -> float:
    at, size = round(time * RATE / _CHROMA_HOP), round(_BESIDE * RATE / _CHROMA_HOP)
    level = np.sqrt(frames)
    before, after = level[:, max(0, at - size) : at].sum(1), level[:, at : at + size].sum(1)
    scale = float(np.linalg.norm(before) * np.linalg.norm(after))
    return 1 - float(before @ after) / scale if scale > 0 else 0.0


def pulse_clarity(audio: Floats, sr: int) -> float:
    """Greatest autocorrelation of the onset strength between 40 and 200 beats per minute, 0 to 1.

    After Lartillot et al. (ISMIR 2008), "maximum of the autocorrelation".
    """
    return pulse_of(onset_curve(audio, sr))


def pulse_of(curve: OnsetCurve) -> float:
    """`pulse_clarity` of a sound whose onset strength is known."""
    first, last = round(curve.rate * 60 / 200), round(curve.rate * 60 / 40)
    return float(np.clip(autocorrelation(curve.values)[first:last].max(initial=0.0), 0, 1))
