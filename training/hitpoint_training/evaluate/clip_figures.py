"""What the sounds of real clips are worth: figures of one, and of a row of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hitpoint_training.evaluate.clip_sounds import Clip
from hitpoint_training.evaluate.compositions import mean_known
from hitpoint_training.evaluate.loris import PAPER, RELEASED, LorisScore, Variant, loris_score
from hitpoint_training.evaluate.measured import Measured
from hitpoint_training.evaluate.table import Figures, hit_figures
from hitpoint_training.evaluate.vem import intersection_over_union

ON_PICTURE = (
    "hit AUC", "hit error ms", "in half a frame", "in 40 ms", "in 70 ms", "in 100 ms", "beat F",
    "tempo error", "TBIoU", "key clarity",
)  # fmt: skip
TO_OWN = (
    "LORIS BCS", "LORIS BHS", "LORIS F1", "LORIS CSD", "LORIS HSD", "LORIS F1 (paper)", "BIoU",
)  # fmt: skip


def clip_figures(found: Measured, clip: Clip, own: Measured | None) -> Figures:
    """Of one sound for one clip. `own`: the clip's own sound track, the truth of `BIoU`; nan without it."""
    kept = ("hit AUC", "beat F", "tempo error", "key clarity")
    cuts = np.array([shot.start for shot in clip.result.shots[1:]])
    figures = {name: found.figures[name] for name in kept} | hit_figures(found.hits, clip.tolerance)
    figures["TBIoU"] = intersection_over_union(cuts, found.beats) if len(cuts) else float("nan")
    figures["BIoU"] = float("nan") if own is None else intersection_over_union(own.beats, found.beats)
    return figures


def row_figures(
    each: Sequence[Figures | None], found: Sequence[Measured | None], own: Sequence[Measured | None]
) -> Figures:
    """Of a sound over all clips, None where one lacks it: means, and LORIS's scores against `own`."""
    there = [one for one in each if one]
    figures = {name: mean_known([one[name] for one in there]) for name in (*ON_PICTURE, "BIoU") if there}
    figures["clips"] = float(len(there))
    return figures | _loris([(one, true) for one, true in zip(found, own, strict=True) if one and true])


def _loris(pairs: Sequence[tuple[Measured, Measured]]) -> Figures:
    """LORIS's scores with the clips' own sound as truth, as its paper uses them."""

    def score(variant: Variant) -> LorisScore:
        mine, theirs = ([one.bins[variant.name] for one in side] for side in zip(*pairs, strict=True))
        return loris_score(mine, theirs)

    if not pairs:
        return {}
    loris = score(RELEASED)
    return {
        "LORIS BCS": loris.bcs, "LORIS BHS": loris.bhs, "LORIS F1": loris.f1, "LORIS CSD": loris.csd,
        "LORIS HSD": loris.hsd, "LORIS F1 (paper)": score(PAPER).f1,
    }  # fmt: skip
