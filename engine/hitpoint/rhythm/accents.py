"""Three readings of the same movement: where it begins, where it stops, where it is slowest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hitpoint.motion.directogram import fall, rise
from hitpoint.motion.track import GRID_RATE, MotionTrack, ShotMotion, shot_motion, smoothed
from hitpoint.values import AccentKind, Floats, MotionSource

# Every constant was chosen by the figures of docs/decisions/0001-accents-and-tempo.md.
POSE_SMOOTHING_S, FLOW_SMOOTHING_S = 0.08, 0.06  # of directograms before their differences are taken
FINE_S, COARSE_S = 0.06, 0.24  # speed against its surroundings, for `pulse`
SEEN_SHARE = 0.5  # of a shot that somebody must be in for the pose to be used
SATURATION = 2.0  # pose accents this many times their mean count half: the tracker's slips are huge
AGREEMENT_S = 0.12  # smoothing of the two speeds before they are compared
LEAST_SHARE, MOST_SHARE = 0.1, 0.3  # of the pose in the sum where somebody is seen


@dataclass(frozen=True, slots=True)
class AccentCurve:
    """How strongly each grid row is accented (rows,), not normalised, and what it was read from."""

    values: Floats
    source: MotionSource


def accent_curve(track: MotionTrack, kind: AccentKind) -> AccentCurve:
    """Read the accents of a clip, shot by shot, so that no difference is taken across a cut.

    `onset`: LORIS Eq. 6, movement that begins. `impact`: the same with the sign turned, movement that stops,
    lands or changes direction. `pulse`: valleys of the speed, the kinematic beat of AIST++.

    There are two witnesses, the joints of whoever is followed and the flow of the whole picture. Joints know
    the dancer from the crowd and the camera; flow never slips and sees everybody.
    """
    rows = max(1, int(np.ceil(track.duration * GRID_RATE)))
    pose, flow = np.zeros(rows, np.float32), np.zeros(rows, np.float32)
    shots = tuple(shot_motion(track, start, end) for start, end in track.shot_edges())
    posed = [shot for shot in shots if len(shot.seen) and shot.seen.mean() >= SEEN_SHARE]
    for shot in shots:
        place = slice(shot.first, shot.first + len(shot.flow))
        flow[place] = _curve(shot.flow, kind, FLOW_SMOOTHING_S)
        if shot in posed:
            pose[place] = _curve(shot.pose, kind, POSE_SMOOTHING_S)
    share = _pose_share(posed)
    pose, flow = pose / max(float(pose.mean()), 1e-9), flow / max(float(flow.mean()), 1e-9)
    saturated = (1 + SATURATION) * pose / (pose + SATURATION)
    followed = sum(len(shot.seen) for shot in posed)
    values = (share * saturated + (1 - share) * flow).astype(np.float32)
    return AccentCurve(values, "pose" if followed >= rows / 2 else "flow")


def _pose_share(shots: list[ShotMotion]) -> float:
    """More where joints and flow agree on when there is movement.

    They do where one dancer is followed well. In a crowd, or where the tracker jumps from one person to the
    next, they do not, and the flow is the better witness.
    """
    speeds = [
        [smoothed(rows.sum(1), AGREEMENT_S) for rows in (shot.pose, shot.flow)]
        for shot in shots
        if len(shot.pose) > GRID_RATE
    ]
    if not speeds:
        return LEAST_SHARE if shots else 0.0
    centred = [np.array(pair) - np.mean(pair, axis=1, keepdims=True) for pair in speeds]
    pose, flow = np.concatenate(centred, axis=1)
    agreement = float(pose @ flow) / max(float(np.linalg.norm(pose) * np.linalg.norm(flow)), 1e-9)
    return float(np.interp(agreement, [0.2, 0.6], [LEAST_SHARE, MOST_SHARE]))


def _curve(directogram: Floats, kind: AccentKind, smoothing_s: float) -> Floats:
    smooth = smoothed(directogram, smoothing_s)
    if kind == "onset":
        return rise(smooth)
    if kind == "impact":
        return fall(smooth)
    speed = directogram.sum(1)
    valleys: Floats = np.maximum(0, smoothed(speed, COARSE_S) - smoothed(speed, FINE_S))
    return valleys
