"""The sync metric of LORIS (ICML 2023) as its released `beats_scores.py` computes it, for comparison.

It sees one bit per second: a metronome scores as high as the music itself. It is never our own figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from librosa.onset import onset_detect
from numpy.typing import NDArray

from hitpoint.errors import UsageError
from hitpoint.values import Floats
from hitpoint_training.evaluate.sync import RATE, Times, mono

Bins = NDArray[np.bool_]


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
    times = onset_detect(
        y=mono(audio, sr), sr=RATE, units="time", wait=1, delta=0.2,
        pre_avg=3, post_avg=3, pre_max=3, post_max=3,
    )  # fmt: skip
    return np.asarray(times, np.float64)


def loris_bins(times: Times, length: float) -> Bins:
    """One bin per second, true where there is an onset: all the timing that the LORIS metric sees."""
    bins = np.zeros(max(1, int(np.ceil(length))), bool)
    bins[np.minimum(times.astype(int), len(bins) - 1)] = True
    return bins


def loris_score(generated: Sequence[Bins], truth: Sequence[Bins]) -> LorisScore:
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
