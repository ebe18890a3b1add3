"""Do the sounds land on the hits? Hit AUC, hit rate, onsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import librosa
import numpy as np
from librosa.onset import onset_detect, onset_strength
from numpy.typing import NDArray

from hitpoint.cue.plan import Accent
from hitpoint.values import Floats

Times = NDArray[np.float64]

RATE = 22_050
"""Hertz: everything is measured at this rate."""
HOP = 128
"""Samples, 5.8 ms."""
_WITHIN = 0.040  # seconds: half the window in which the greatest onset strength counts
_AWAY = 0.120  # seconds: control moments keep this far from every strong hit
_CONTROLS = 2000


@dataclass(frozen=True, slots=True)
class OnsetCurve:
    """librosa's onset strength (spectral flux of the log-mel spectrum), `rate` values per second."""

    values: Floats
    rate: float

    def strongest(self, times: Times) -> Times:
        """The greatest value within 40 ms of each time."""
        reach = round(_WITHIN * self.rate)
        padded = np.pad(self.values, reach, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)
        index = np.clip(np.round(times * self.rate).astype(int), 0, len(windows) - 1)
        return np.asarray(windows[index], np.float64)


def mono(audio: Floats, rate: int) -> Floats:
    """(samples,) at 22,050 Hz from (samples,) or (samples, channels)."""
    mixed = audio.mean(axis=1) if audio.ndim == 2 else audio
    return np.asarray(librosa.resample(mixed.astype(np.float32), orig_sr=rate, target_sr=RATE), np.float32)


def onset_curve(audio: Floats, rate: int) -> OnsetCurve:
    """The onset strength of a sound, a value every 5.8 ms."""
    values = onset_strength(y=mono(audio, rate), sr=RATE, hop_length=HOP)
    return OnsetCurve(values.astype(np.float32), RATE / HOP)


def strong(hits: Sequence[Accent]) -> Times:
    """Times of the strong hits: of at least half the greatest strength."""
    most = max((hit.strength for hit in hits), default=0.0)
    return np.array([hit.time for hit in hits if hit.strength >= most / 2], np.float64)


def auc(positives: Times, negatives: Times) -> float:
    """Probability that a positive exceeds a negative, ties half (Mann-Whitney); nan if either is empty."""
    if not len(positives) or not len(negatives):
        return float("nan")
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, side="left")
    upto = np.searchsorted(ordered, positives, side="right")
    return float(np.mean((below + upto) / 2) / len(ordered))


def hit_auc(audio: Floats, sr: int, hits: Sequence[Accent], rng: np.random.Generator) -> float:
    """Probability that the onset strength (greatest within 40 ms) at a strong hit is higher than at a
    random moment at least 120 ms away from all strong hits. 0.5 is chance; nan where there is none.

    `audio`: (samples,) or (samples, channels) at `sr` Hz.
    """
    return curve_auc(onset_curve(audio, sr), len(audio) / sr, hits, rng)


def curve_auc(curve: OnsetCurve, length: float, hits: Sequence[Accent], rng: np.random.Generator) -> float:
    """`hit_auc` of a sound of `length` seconds whose onset strength is known."""
    times = strong(hits)
    times = times[(times >= 0) & (times < length)]
    if not len(times):
        return float("nan")
    moments = rng.uniform(0, length, _CONTROLS)
    distance = np.abs(moments[:, None] - times[None]).min(axis=1)
    return auc(curve.strongest(times), curve.strongest(moments[distance >= _AWAY]))


def hit_distances(achieved: Sequence[float], requested: Sequence[float]) -> Times:
    """Seconds from each requested time to the nearest achieved one; infinite where there is none."""
    if not len(achieved):
        return np.full(len(requested), np.inf)
    gaps = np.abs(np.asarray(requested, np.float64)[:, None] - np.asarray(achieved, np.float64)[None])
    return np.asarray(gaps.min(axis=1, initial=np.inf), np.float64)


def hits_within(achieved: Sequence[float], requested: Sequence[float], tolerance: float) -> float:
    """Share of requested times with an achieved one at most `tolerance` seconds away; nan of none."""
    if not len(requested):
        return float("nan")
    return float(np.mean(hit_distances(achieved, requested) <= tolerance + 1e-12))


def onsets(audio: Floats, sr: int) -> Times:
    """Times of the onsets that librosa picks from the onset strength, in seconds."""
    return picked(onset_curve(audio, sr))


def picked(curve: OnsetCurve) -> Times:
    """Times of the onsets of an onset strength, in seconds."""
    frames = onset_detect(onset_envelope=curve.values, sr=RATE, hop_length=HOP)
    return np.asarray(frames, np.float64) / curve.rate
