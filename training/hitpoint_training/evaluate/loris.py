"""The beat metrics of LORIS (ICML 2023) and, before it, of CDCD, for comparison with published tables.

They see one bit per second: a metronome scores as high as the music itself. They are never our own figure.
Three variants are in print, and figures of one do not compare with another, so a table must name it:

- `RELEASED`: LORIS's `beats_scores.py`. Local means over 3 frames each way.
- `PAPER`: LORIS's Appendix B.3. Local means over 2 frames each way, all else the same.
- `CDCD`: its `inference_aist.py`. Smaller windows, and BCS = beats generated / beats of the truth, which
  rewards having many and can exceed 1. CDCD also passes its sounds through `noisereduce`; not done here.

In both LORIS variants BCS = hits / beats generated, BHS = hits / beats of the truth. By those formulas BCS is
the precision and BHS the recall; the paper's text has it the other way round.
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
class Variant:
    """How onsets are picked, in frames of 512 samples at 22,050 Hz. All wait 1 and ask for delta 0.2."""

    name: str
    pre_avg: int
    post_avg: int
    pre_max: int
    post_max: int


RELEASED = Variant("LORIS, released code", 3, 3, 3, 3)
PAPER = Variant("LORIS, Appendix B.3", 2, 2, 3, 3)
CDCD = Variant("CDCD", 1, 1, 1, 1)  # pre_max is librosa's own, 30 ms: one frame


@dataclass(frozen=True, slots=True)
class LorisScore:
    """Means over the files as fractions, `f1` the harmonic mean of the two means; `csd` and `hsd` are sample
    standard deviations over the files (nan for one file)."""

    bcs: float
    bhs: float
    f1: float
    csd: float
    hsd: float


def loris_onsets(audio: Floats, sr: int, variant: Variant = RELEASED) -> Times:
    """Onsets in seconds, picked as the variant says."""
    times = onset_detect(
        y=mono(audio, sr), sr=RATE, units="time", wait=1, delta=0.2,
        pre_avg=variant.pre_avg, post_avg=variant.post_avg,
        pre_max=variant.pre_max, post_max=variant.post_max,
    )  # fmt: skip
    return np.asarray(times, np.float64)


def loris_bins(times: Times, length: float) -> Bins:
    """One bin per second, true where there is an onset: all the timing that these metrics see."""
    bins = np.zeros(max(1, int(np.ceil(length))), bool)
    bins[np.minimum(times.astype(int), len(bins) - 1)] = True
    return bins


def loris_score(generated: Sequence[Bins], truth: Sequence[Bins]) -> LorisScore:
    """LORIS's scores from the bins of each generated file and of its truth, which is cut to its length.

    The released code stops where the truth is the shorter one; here the seconds beyond it cannot be hit.
    """
    coverage, hit = [], []
    for mine, theirs in _pairs(generated, truth):
        size = min(len(mine), len(theirs))
        both = int(np.sum(mine[:size] & theirs[:size]))
        coverage.append(both / mine.sum() if mine.any() else 0.0)
        hit.append(both / theirs[:size].sum() if theirs[:size].any() else 0.0)
    return _score(coverage, hit)


def cdcd_score(generated: Sequence[Bins], truth: Sequence[Bins]) -> LorisScore:
    """CDCD's scores; a truth without beats, where its code divides by zero, is left out.

    CDCD publishes neither F1 nor deviations; they are formed as in LORIS.
    """
    pairs = [(mine, theirs) for mine, theirs in _pairs(generated, truth) if theirs.any()]
    if not pairs:
        return LorisScore(*[float("nan")] * 5)
    if any(len(mine) != len(theirs) for mine, theirs in pairs):
        raise UsageError("CDCD compares files of one length.", "Cut both to the same whole seconds.")
    coverage = [float(mine.sum() / theirs.sum()) for mine, theirs in pairs]
    hit = [float((mine & theirs).sum() / theirs.sum()) for mine, theirs in pairs]
    return _score(coverage, hit)


def _pairs(generated: Sequence[Bins], truth: Sequence[Bins]) -> list[tuple[Bins, Bins]]:
    if len(generated) != len(truth) or not len(truth):
        raise UsageError("LORIS scores need as many ground truths as generated files.", "Pair them.")
    return list(zip(generated, truth, strict=True))


def _score(coverage: Sequence[float], hit: Sequence[float]) -> LorisScore:
    bcs, bhs = float(np.mean(coverage)), float(np.mean(hit))
    spread = [float(np.std(x, ddof=1)) if len(x) > 1 else float("nan") for x in (coverage, hit)]
    return LorisScore(bcs, bhs, 2 * bcs * bhs / (bcs + bhs) if bcs + bhs else 0.0, *spread)
