"""What a shot looks like, in ten numbers every half second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hitpoint.values import Floats, Shot

if TYPE_CHECKING:
    from hitpoint.motion.frames import Picture
    from hitpoint.motion.track import MotionTrack

STEP_S = 0.5
TYPICAL_SCALE = 0.15
SLOW, FAST = 0.25, 6.0  # movement per area of a body, per second: tai chi has 0.9, a fast solo 3.8
DESCRIPTORS = (
    "motion energy",  # movement against the background, picture lengths per second
    "brightness",  # 0 to 1
    "saturation",  # 0 to 1
    "hue, cosine",  # direction and clarity of the mean hue
    "hue, sine",
    "contrast",  # standard deviation of brightness
    "camera motion",  # picture lengths per second
    "shot scale",  # torso length of the largest person in shares of the picture's long side, 0 with nobody
    "people",  # how many are seen
    "since cut",  # seconds since the shot began, 8 at most
)
"""The columns of `Shot.descriptors`: append only, networks are trained on them."""


def look(thumb: Picture) -> Floats:
    """Brightness, saturation, hue cosine, hue sine and contrast of a BGR thumb: (5,)."""
    import cv2  # not above: planning a cue needs only the names here, and no picture

    hue, saturation, value = (
        plane.astype(np.float32) for plane in cv2.split(cv2.cvtColor(thumb, cv2.COLOR_BGR2HSV_FULL))
    )
    angle, colour = hue * (2 * np.pi / 255), saturation / 255
    return np.array(
        [
            value.mean() / 255,
            colour.mean(),
            (np.cos(angle) * colour).mean(),
            (np.sin(angle) * colour).mean(),
            value.std() / 255,
        ],
        np.float32,
    )


def describe_shots(track: MotionTrack) -> tuple[Shot, ...]:
    """The shots between the cuts, each with (rows, 10) descriptors, one row per half second begun."""
    features = _per_frame(track)
    return tuple(
        Shot(start, end - start, _rows(track, features, start, end)) for start, end in track.shot_edges()
    )


def _per_frame(track: MotionTrack) -> Floats:
    """(frames, 9): every column of DESCRIPTORS but the last."""
    seen = np.isfinite(track.points[:, :, 0, 0])
    torso = track.points[:, :, 11:13].mean(2) - track.points[:, :, 23:25].mean(2)
    scale = np.where(seen, np.hypot(torso[..., 0], torso[..., 1]), 0).max(1, initial=0)
    step = np.diff(track.times, prepend=track.times[:1] - 1)
    centre = np.array([0.5, 0.5, 1], np.float32)
    camera = np.hypot(*(track.camera @ centre - 0.5).T)
    columns = [track.sectors.sum(1) / 2 / step, *track.looks.T, camera / step, scale, seen.sum(1)]
    return np.stack(columns, 1).astype(np.float32)  # halved: neighbouring sectors overlap


def _rows(track: MotionTrack, features: Floats, start: float, end: float) -> Floats:
    """Means over each half second; one that holds no frame takes the frame before it."""
    rows = []
    for at in np.arange(start, max(end, start + 1e-3), STEP_S):
        low, high = np.searchsorted(track.times, [at - 1e-6, min(at + STEP_S, end) - 1e-6])
        low = min(low, len(features) - 1) if low < high else max(0, low - 1)
        part = features[low : max(high, low + 1)]
        rows.append(np.append(part.mean(0), min(at - start, 8.0)))
    return np.array(rows, np.float32)


def liveliness(shots: tuple[Shot, ...]) -> float:
    """How much people move, 0 (still) to 1 (a fast dance), whatever their size in the picture.

    The picture's mean movement shrinks with the area of whoever moves in it, so it is taken per area; half
    of the time there is more of it. On a logarithmic scale between a slow and a very fast clip.
    """
    rows = np.concatenate([shot.descriptors for shot in shots]) if shots else np.zeros((0, 10), np.float32)
    if not len(rows):
        return 0.0
    energy, scale = rows[:, 0], np.where(rows[:, 7] > 0, rows[:, 7], TYPICAL_SCALE)
    usual = max(float(np.median(energy / scale**2)), 1e-6)
    return float(np.clip(np.log(usual / SLOW) / np.log(FAST / SLOW), 0, 1))
