"""Do the sounds land on the hits? Hit AUC, hit rate, and the published LORIS metric for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import librosa
import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.plan import Accent
from hitpoint.errors import UsageError
from hitpoint.values import Floats

Times = NDArray[np.float64]

_RATE = 22_050
_HOP = 128  # 5.8 ms
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
        return windows[index].astype(np.float64)


def mono(audio: Floats, rate: int) -> Floats:
    """(samples,) at 22,050 Hz from (samples,) or (samples, channels)."""
    mixed = audio.mean(axis=1) if audio.ndim == 2 else audio
    return librosa.resample(mixed.astype(np.float32), orig_sr=rate, target_sr=_RATE)


def onset_curve(audio: Floats, rate: int) -> OnsetCurve:
    """The onset strength of a sound, a value every 5.8 ms."""
    values = librosa.onset.onset_strength(y=mono(audio, rate), sr=_RATE, hop_length=_HOP)
    return OnsetCurve(values.astype(np.float32), _RATE / _HOP)


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
    times = strong(hits)
    length = len(audio) / sr
    times = times[(times >= 0) & (times < length)]
    if not len(times):
        return float("nan")
    curve = onset_curve(audio, sr)
    moments = rng.uniform(0, length, _CONTROLS)
    distance = np.abs(moments[:, None] - times[None]).min(axis=1)
    return auc(curve.strongest(times), curve.strongest(moments[distance >= _AWAY]))


def hits_within(achieved: Sequence[float], requested: Sequence[float], tolerance: float) -> float:
    """Share of requested times with an achieved one at most `tolerance` seconds away; nan if none requested."""
    if not len(requested):
        return float("nan")
    if not len(achieved):
        return 0.0
    distance = np.abs(np.asarray(requested)[:, None] - np.asarray(achieved)[None]).min(axis=1)
    return float(np.mean(distance <= tolerance + 1e-12))


def onsets(audio: Floats, sr: int) -> Times:
    """Times of the onsets that librosa picks from the onset strength, in seconds."""
    curve = onset_curve(audio, sr)
    frames = librosa.onset.onset_detect(onset_envelope=curve.values, sr=_RATE, hop_length=_HOP)
    return frames / curve.rate


@dataclass(frozen=True, slots=True)
class LorisScore:
    """Beat coverage (precision by its formula), beat hit (recall) and the harmonic mean of their means,
    as fractions; `csd` and `hsd` are standard deviations over the files (nan for one file)."""

    bcs: float
    bhs: float
    f1: float
    csd: float
    hsd: float


def loris_onsets(audio: Floats, sr: int) -> Times:
    """Onsets by the settings of LORIS's `beats_scores.py`, in seconds.

    The released code averages over 3 frames each way where the paper's Appendix B.3 says 2.
    """
    return librosa.onset.onset_detect(
        y=mono(audio, sr), sr=_RATE, wait=1, delta=0.2, pre_avg=3, post_avg=3, pre_max=3, post_max=3, units="time"
    )


def loris_bins(times: Times, length: float) -> NDArray[np.bool_]:
    """One bin per second, true where there is an onset: all the timing that the LORIS metric sees."""
    bins = np.zeros(max(1, int(np.ceil(length))), bool)
    bins[np.minimum(times.astype(int), len(bins) - 1)] = True
    return bins


def loris_score(
    generated: Sequence[NDArray[np.bool_]], truth: Sequence[NDArray[np.bool_]]
) -> LorisScore:
    """The metric of LORIS (ICML 2023, released code), from `loris_bins` of each file and its ground truth."""
    if len(generated) != len(truth) or not len(truth):
        raise UsageError("LORIS scores need as many ground truths as generated files.", "Pair them.")
    coverage, hit = [], []
    for mine, theirs in zip(generated, truth, strict=True):
        size = min(len(mine), len(theirs))
        both = int(np.sum(mine[:size] & theirs[:size]))
        coverage.append(both / mine.sum() if mine.any() else 0.0)
        hit.append(both / theirs[:size].sum() if theirs[:size].any() else 0.0)
    bcs, bhs = float(np.mean(coverage)), float(np.mean(hit))
    spread = [float(np.std(x, ddof=1)) if len(x) > 1 else float("nan") for x in (coverage, hit)]
    return LorisScore(bcs, bhs, 2 * bcs * bhs / (bcs + bhs) if bcs + bhs else 0.0, *spread)
