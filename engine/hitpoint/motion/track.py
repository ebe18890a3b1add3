"""What was seen in a clip, frame by frame, and the same on an even time grid."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hitpoint.motion.directogram import sector_sums
from hitpoint.values import Floats

GRID_RATE = 50.0  # rows per second of everything after this module; also the rate of the music's latents
JOINTS = np.array([0, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28, 31, 32])
"""Nose, shoulders, elbows, wrists, hips, knees, ankles, toes, as mediapipe numbers its 33 landmarks."""
_SHOULDERS, _HIPS = slice(1, 3), slice(7, 9)
SURE = 0.5  # visibility below which a joint fades out
SMOOTHING_S = 0.05  # of joint paths and flow, standard deviation
FADING_S = 0.1  # in which joints that get hidden lose their weight

Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MotionTrack:
    """One row per analysed frame, ascending in clip time; lengths in shares of the picture's long side."""

    times: Times  # (frames,) seconds of the clip
    points: Floats  # (frames, people, 33, 2), NaN where a person is not seen
    visibility: Floats  # (frames, people, 33)
    camera: Floats  # (frames, 2, 3): map of the background from the frame before, see FlowStep
    sectors: Floats  # (frames, 10): movement against the background since the frame before
    looks: Floats  # (frames, 5): see hitpoint.motion.descriptors.look
    cuts: tuple[float, ...]  # clip times at which a new shot comes on screen, ascending
    duration: float
    warnings: tuple[str, ...] = ()
    soft: tuple[float, ...] = ()  # where shots change without a cut: in transitions

    def shot_edges(self) -> tuple[tuple[float, float], ...]:
        """(start, end) of every shot."""
        inner = sorted({edge for edge in (*self.cuts, *self.soft) if 0 < edge < self.duration})
        return tuple(pairwise((0.0, *inner, self.duration)))


@dataclass(frozen=True, slots=True, eq=False)
class ShotMotion:
    """Directograms of one shot on the grid rows `first` to `first + len(speed)`."""

    first: int
    pose: Floats  # (rows, 10) body lengths per second
    flow: Floats  # (rows, 10) picture lengths per second
    seen: Floats  # (rows,) 1 where somebody is in shot


def shot_motion(track: MotionTrack, start: float, end: float) -> ShotMotion:
    """Directograms of the grid times in [start, end), from the frames between the two cuts alone."""
    rows = np.arange(np.ceil(start * GRID_RATE - 1e-6), np.ceil(end * GRID_RATE - 1e-6)).astype(int)
    grid = rows / GRID_RATE
    inside = np.flatnonzero((track.times >= start - 0.5 / GRID_RATE) & (track.times < end - 1e-6))
    if start <= 0:
        inside = np.flatnonzero(track.times < end - 1e-6)  # with the frame on screen when the clip starts
    first = int(rows[0]) if len(rows) else 0
    pose = np.zeros((len(rows), track.sectors.shape[1]), np.float32)
    if len(inside) < 2 or not len(rows):
        return ShotMotion(first, pose, pose.copy(), np.zeros(len(rows), np.float32))
    seen = np.zeros(len(rows), np.float32)
    sizes = [_body_size(track.points[inside, person]) for person in range(track.points.shape[1])]
    largest = max(sizes)
    for person, size in enumerate(sizes):
        if size > 0.4 * largest > 0:  # people far behind are scenery
            motion, weight, here = _joint_motion(track, inside, person, grid, size)
            pose += sector_sums(motion, weight) * (size / largest) ** 2
            seen = np.maximum(seen, here)
    return ShotMotion(first, pose, _flow_rows(track, inside, grid), seen)


def _body_size(points: Floats) -> float:
    """Torso length of one person (frames, 33, 2): the upper quartile, as turning and bending shorten it."""
    torso = np.hypot(*(points[:, 11:13].mean(1) - points[:, 23:25].mean(1)).T)
    torso = torso[np.isfinite(torso)]
    return float(np.percentile(torso, 75)) if len(torso) else 0.0


def _joint_motion(
    track: MotionTrack, inside: NDArray[np.int64], person: int, grid: Times, size: float
) -> tuple[Floats, Floats, Floats]:
    """Joint velocities (rows, joints, 2) in body lengths per second, weights, and whether one is seen."""
    times = track.times[inside]
    points = track.points[inside][:, person, JOINTS]
    present = np.isfinite(points[:, 0, 0])
    visible = np.clip(track.visibility[inside][:, person, JOINTS] / SURE, 0, 1) ** 2 * present[:, None]
    camera = track.camera[inside]
    steps = points[1:] - (np.einsum("fab,fjb->fja", camera[1:, :, :2], points[:-1]) + camera[1:, None, :, 2])
    usable = present[1:] & present[:-1] & (np.median(np.hypot(*np.moveaxis(steps, -1, 0)), 1) < size)
    steps = np.where(usable[:, None, None], steps, 0)
    path = np.concatenate([np.zeros_like(points[:1]), np.cumsum(np.nan_to_num(steps), axis=0)])
    weight = _resampled(visible, times, grid)
    smooth = smoothed(_resampled(path, times, grid), SMOOTHING_S)
    speed = np.gradient(smooth, axis=0) * GRID_RATE / size if len(grid) > 1 else np.zeros_like(smooth)
    here = _resampled(present.astype(np.float32), times, grid) > 0.5
    return speed.astype(np.float32), smoothed(weight, FADING_S), here.astype(np.float32)


def _flow_rows(track: MotionTrack, inside: NDArray[np.int64], grid: Times) -> Floats:
    """Movement per second against the background; each step between frames lies in the middle of the two."""
    times = track.times[inside]
    steps = (track.sectors[inside][1:] / np.diff(times)[:, None]).astype(np.float32)
    rows = _resampled(steps, (times[1:] + times[:-1]) / 2, grid)
    return smoothed(rows, SMOOTHING_S)


def smoothed(rows: Floats, width_s: float) -> Floats:
    """Gaussian smoothing of grid rows (rows, ...) along time, without lag; `width_s` is one sigma.

    The ends are held. In numpy, because importing scipy takes as long as watching two seconds.
    """
    sigma = width_s * GRID_RATE
    reach = round(4 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    held = np.pad(rows, [(reach, reach), *[(0, 0)] * (rows.ndim - 1)], mode="edge")
    total = np.zeros(rows.shape, np.float64)
    for first, weight in enumerate(weights / weights.sum()):
        total += weight * held[first : first + len(rows)]
    return total.astype(np.float32)


def _resampled(values: Floats, times: Times, grid: Times) -> Floats:
    """Linear interpolation of (frames, ...) at the grid times, giving (rows, ...)."""
    at = np.clip(np.searchsorted(times, grid, side="right") - 1, 0, max(0, len(times) - 2))
    after = np.minimum(at + 1, len(times) - 1)
    share = np.clip((grid - times[at]) / np.maximum(times[after] - times[at], 1e-9), 0, 1)
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    return (values[at] * (1 - share) + values[after] * share).astype(np.float32)
