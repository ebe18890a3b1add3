"""Dense optical flow on small frames: how the camera moves, and how everything else does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

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
    grid = _grid(*before.shape)
    moved = (flow[::4, ::4] / max(before.shape)).reshape(-1, 2)
    camera = _background(grid, moved)
    residual = moved - grid[:, :3] @ (camera - np.eye(2, 3, dtype=np.float32)).T
    share = np.full((1, len(moved)), 1 / len(moved), np.float32)
    return FlowStep(camera, sector_sums(residual[None], share)[0])


@lru_cache(maxsize=4)
def _grid(height: int, width: int) -> Floats:
    """Every fourth pixel of a picture: x, y, 1 and x^2 + y^2 in shares of its long side, (pixels, 4)."""
    rows, columns = np.mgrid[0:height:4, 0:width:4].astype(np.float32).reshape(2, -1) / max(height, width)
    return np.stack([columns, rows, np.ones_like(rows), columns**2 + rows**2], 1)


def _background(grid: Floats, moved: Floats) -> Floats:
    """Fit shift, zoom and roll to the flow by reweighted least squares, so that people hardly count."""
    weight: Floats = np.ones(len(moved), np.float32)
    step = _fit(grid, moved, weight)
    for _ in range(_FIT_ROUNDS - 1):
        error = moved - grid[:, :3] @ step.T
        distance = np.hypot(error[:, 0], error[:, 1])
        scale = max(_median(distance), 1e-4)
        weight = (1 / (1 + (distance / (2 * scale)) ** 2)).astype(np.float32)  # Cauchy
        step = _fit(grid, moved, weight)
    return step + np.eye(2, 3, dtype=np.float32)


def _median(values: Floats) -> float:
    """What np.median says, in a tenth of its time."""
    middle = (len(values) - 1) // 2, len(values) // 2
    return float(np.partition(values, middle)[list(middle)].mean())


def _fit(grid: Floats, moved: Floats, weight: Floats) -> Floats:
    """Least squares in closed form (Umeyama 1991, in the plane): the step (2, 3) of a place (x, y, 1)."""
    x, y, total, square = (weight @ grid).tolist()
    (right_x, right_y, right), (down_x, down_y, down) = ((moved.T * weight) @ grid[:, :3]).tolist()
    spread = max(square - (x * x + y * y) / total, 1e-9)
    zoom = (right_x + down_y - (right * x + down * y) / total) / spread
    roll = (down_x - right_y - (down * x - right * y) / total) / spread
    right, down = (right - zoom * x + roll * y) / total, (down - roll * x - zoom * y) / total
    return np.array([[zoom, -roll, right], [roll, zoom, down]], np.float32)
