"""Dense optical flow on small frames: how the camera moves, and how everything else does."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hitpoint.motion.directogram import SECTORS, sector_sums
from hitpoint.values import Floats

_FIT_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class FlowStep:
    """What moved between two frames; lengths in shares of the picture's long side.

    `camera` is the affine map (2, 3) that the background follows, in the same normalised coordinates;
    `sectors` (10,) is the mean residual movement per direction (Eq. 4 over pixels instead of joints).
    """

    camera: Floats
    sectors: Floats

    @staticmethod
    def still() -> FlowStep:
        """No movement: what the first frame shows."""
        return FlowStep(np.eye(2, 3, dtype=np.float32), np.zeros(SECTORS, np.float32))


def flow_step(estimator: cv2.DISOpticalFlow, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> FlowStep:
    """Measure the movement between two small grey pictures of one size."""
    flow = estimator.calc(before, after, np.zeros((*before.shape, 2), np.float32))
    height, width = before.shape
    side = max(height, width)
    rows, columns = np.mgrid[0:height:4, 0:width:4].astype(np.float32) / side
    moved = flow[::4, ::4] / side
    camera = _background(columns.ravel(), rows.ravel(), moved.reshape(-1, 2))
    ones = np.ones_like(rows)
    still = np.stack([columns, rows, ones], -1) @ (camera - np.eye(2, 3, dtype=np.float32)).T
    residual = moved - still
    share = np.full((1, columns.size), 1 / columns.size, np.float32)
    return FlowStep(camera, sector_sums(residual.reshape(1, -1, 2), share)[0])


def _background(x: Floats, y: Floats, moved: Floats) -> Floats:
    """Fit shift, zoom and roll to the flow by reweighted least squares, so that people hardly count."""
    zero, one = np.zeros_like(x), np.ones_like(x)
    system = np.concatenate([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    target = np.concatenate([moved[:, 0], moved[:, 1]])
    weight = np.ones_like(x)
    solution = np.zeros(4, np.float32)
    for _ in range(_FIT_ROUNDS):
        twice = np.concatenate([weight, weight])[:, None]
        solution = np.linalg.lstsq((system * twice).T @ system, (system * twice).T @ target, rcond=None)[0]
        error = np.hypot(*(target - system @ solution).reshape(2, -1))
        scale = max(float(np.median(error)), 1e-4)
        weight = 1 / (1 + (error / (2 * scale)) ** 2)  # Cauchy
    zoom, roll, right, down = solution
    return np.array([[1 + zoom, -roll, right], [roll, 1 + zoom, down]], np.float32)
