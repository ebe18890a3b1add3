"""Few enough to matter: which moments the music must land on."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hitpoint.values import HitPoint, MarkedHits, Peak

MIN_GAP_S = 0.25
PER_SECOND = 1.5  # at most, over the whole clip
FLOOR = 0.25  # movement weaker than this share of the strong ones is no accent
CUT_STRENGTH = 0.8
CUT_FREE_S = 0.1  # a cut nearer than this to an end of the clip is the end itself


def full_strength(peaks: tuple[Peak, ...], duration: float) -> float:
    """What counts as strength 1: the mean of the strongest peaks, one for every two seconds of the clip.

    One outlier (a slip of the tracker, a flash) must not make everything else look weak.
    """
    strongest = sorted((peak.strength for peak in peaks), reverse=True)[: max(1, round(duration / 2))]
    return float(np.mean(strongest)) if strongest else 1.0


def choose_hit_points(
    peaks: tuple[Peak, ...],
    cuts: tuple[float, ...],
    user: tuple[HitPoint, ...],
    duration: float,
    marked: MarkedHits | None = None,
) -> tuple[HitPoint, ...]:
    """The user's points, then cuts, then the strongest movement that keeps its distance, ascending.

    `peaks` have strengths up to 1. All the user's points within the clip are kept and locked as they are, and
    so are those of `marked`, where nothing is added to them.
    """
    chosen = [point for point in (*user, *(marked.hits if marked else ())) if 0 <= point.time < duration]
    spans = marked.spans if marked else ()
    cuts = tuple(cut for cut in cuts if not any(start <= cut < end for start, end in spans))
    peaks = tuple(peak for peak in peaks if not any(start <= peak.time < end for start, end in spans))
    _add(
        chosen,
        (HitPoint(cut, CUT_STRENGTH, "cut") for cut in cuts if CUT_FREE_S < cut < duration - CUT_FREE_S),
    )
    most = max(1, round(PER_SECOND * duration))
    strong = sorted((peak for peak in peaks if peak.strength >= FLOOR), key=lambda peak: -peak.strength)
    _add(chosen, (HitPoint(peak.time, peak.strength) for peak in strong if 0 <= peak.time < duration), most)
    chosen.sort(key=lambda point: point.time)
    if marked is not None:
        return tuple(chosen)  # as strong as they were before
    top = max((point.strength for point in chosen), default=1.0) or 1.0
    return tuple(HitPoint(p.time, min(1.0, p.strength / top), p.kind, p.locked) for p in chosen)


def _add(chosen: list[HitPoint], candidates: Iterable[HitPoint], most: int | None = None) -> None:
    """Append what is at least MIN_GAP_S away from everything chosen so far, until there are `most`."""
    for point in candidates:
        if most is not None and len(chosen) >= most:
            return
        if all(abs(point.time - other.time) >= MIN_GAP_S for other in chosen):
            chosen.append(point)
