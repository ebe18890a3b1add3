"""The beat metrics of VeM (AAAI 2026): BIoU and TBIoU, for comparison with its table.

BIoU  = |truth's beats and generated beats| / |either|
TBIoU = |video's transitions and beats of the music| / |either|

Both match within 0.5 s. The paper does not say how; here each event is matched at most once and as many as
can be (mir_eval). Half a second is as long as a beat at 120 bpm, so nearly every cut is matched by any steady
beat, and as all beats stand below the line, the fewer the better: a metronome on the slow side wins.
"""

from __future__ import annotations

from collections.abc import Sequence

import mir_eval.util
import numpy as np

from hitpoint_training.evaluate.sync import Times

WITHIN = 0.5  # seconds


def intersection_over_union(first: Times, second: Times, within: float = WITHIN) -> float:
    """Matched events over all events, a matched pair counted once; nan where neither has any."""
    if not len(first) and not len(second):
        return float("nan")
    if not len(first) or not len(second):
        return 0.0
    matched = len(mir_eval.util.match_events(np.sort(first), np.sort(second), within))
    return matched / (len(first) + len(second) - matched)


def biou(truth: Sequence[Times], generated: Sequence[Times]) -> float:
    """Beats of each generated file against those of its truth, the mean over the files."""
    return _mean(truth, generated)


def tbiou(transitions: Sequence[Times], beats: Sequence[Times]) -> float:
    """Cuts of each video against the beats of its music, the mean over the files."""
    return _mean(transitions, beats)


def _mean(first: Sequence[Times], second: Sequence[Times]) -> float:
    found = [intersection_over_union(one, other) for one, other in zip(first, second, strict=True)]
    known = [value for value in found if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
