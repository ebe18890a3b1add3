"""Three readings of the same movement: where it begins, where it stops, where it is slowest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from hitpoint.motion.directogram import fall, rise
from hitpoint.motion.track import GRID_RATE, MotionTrack, ShotMotion, shot_motion
from hitpoint.values import AccentKind, Floats, MotionSource

SMOOTHING_S = 0.05  # of directograms before their differences are taken
FINE_S, COARSE_S = 0.06, 0.24  # speed against its surroundings, for `pulse`
SEEN_SHARE = 0.5  # of a shot that somebody must be in for the pose to be used
AGREEMENT_S = 0.12  # smoothing of the two speeds before they are compared
LEAST_TRUST, MOST_TRUST = 0.15, 0.5  # of the pose against the flow where somebody is seen


@dataclass(frozen=True, slots=True)
class AccentCurve:
    """How strongly each grid row is accented (rows,), not normalised, and what it was read from."""

    values: Floats
    source: MotionSource


def accent_curve(track: MotionTrack, kind: AccentKind) -> AccentCurve:
    """Read the accents of a clip, shot by shot, so that no difference is taken across a cut.

    `onset`: LORIS Eq. 6, movement that begins. `impact`: the same with the sign turned, movement that stops,
    lands or changes direction. `pulse`: valleys of the speed, the kinematic beat of AIST++.
    """
    rows = max(1, int(np.ceil(track.duration * GRID_RATE)))
    values = np.zeros(rows, np.float32)
    shots = tuple(shot_motion(track, start, end) for start, end in track.shot_edges())
    posed = [shot for shot in shots if len(shot.seen) and shot.seen.mean() >= SEEN_SHARE]
    trust = _trust(posed)
    pose_level, flow_level = _level([shot.pose for shot in posed]), _level([shot.flow for shot in shots])
    for shot in shots:
        share = trust if shot in posed else 0.0
        mixed = np.concatenate([shot.pose * share / pose_level, shot.flow * (1 - share) / flow_level], 1)
        values[shot.first : shot.first + len(mixed)] = _curve(mixed, kind)
    followed = sum(len(shot.seen) for shot in posed)
    return AccentCurve(values, "pose" if followed >= rows / 2 else "flow")


def _trust(shots: list[ShotMotion]) -> float:
    """Weight of the joints against the flow of the whole picture.

    The two measure the same movement where one dancer is followed well, and together repeat better than either
    alone. In a crowd, or where the tracker jumps from one person to the next, they do not agree; then the
    flow, which sees everybody, is the better witness (docs/decisions/0001-accents-and-tempo.md).
    """
    width = AGREEMENT_S * GRID_RATE
    speeds = [
        [gaussian_filter1d(rows.sum(1), width) for rows in (shot.pose, shot.flow)]
        for shot in shots
        if len(shot.pose) > GRID_RATE
    ]
    if not speeds:
        return MOST_TRUST if shots else 0.0
    centred = [np.array(pair) - np.mean(pair, axis=1, keepdims=True) for pair in speeds]
    pose, flow = np.concatenate(centred, axis=1)
    agreement = float(pose @ flow) / max(float(np.linalg.norm(pose) * np.linalg.norm(flow)), 1e-9)
    return float(np.interp(agreement, [0.2, 0.45], [LEAST_TRUST, MOST_TRUST]))


def _level(parts: list[Floats]) -> float:
    """Mean movement of the clip, by which body lengths and picture lengths become comparable."""
    rows = sum(len(part) for part in parts)
    return max(sum(float(part.sum()) for part in parts) / max(rows, 1), 1e-6)


def _curve(directogram: Floats, kind: AccentKind) -> Floats:
    smooth = gaussian_filter1d(directogram, SMOOTHING_S * GRID_RATE, axis=0, mode="nearest")
    if kind == "onset":
        return rise(smooth)
    if kind == "impact":
        return fall(smooth)
    speed = directogram.sum(1)
    fine, coarse = (
        gaussian_filter1d(speed, width * GRID_RATE, mode="nearest") for width in (FINE_S, COARSE_S)
    )
    return np.maximum(0, coarse - fine)
