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
    camera = _background(grid.system, moved)
    residual = moved - grid.places @ (camera - np.eye(2, 3, dtype=np.float32)).T
    share = np.full((1, len(moved)), 1 / len(moved), np.float32)
    return FlowStep(camera, sector_sums(residual[None], share)[0])


@dataclass(frozen=True, slots=True)
class _Grid:
    """Every fourth pixel of a picture: (x, y, 1) of each, and what shift, zoom and roll do to it."""

    places: Floats  # (pixels, 3)
    system: Floats  # (2 * pixels, 4): x first, then y; by zoom, roll, right, down


@lru_cache(maxsize=4)
def _grid(height: int, width: int) -> _Grid:
    rows, columns = np.mgrid[0:height:4, 0:width:4].astype(np.float32).reshape(2, -1) / max(height, width)
    zero, one = np.zeros_like(rows), np.ones_like(rows)
    upper, lower = np.stack([columns, -rows, one, zero], 1), np.stack([rows, columns, zero, one], 1)
    return _Grid(np.stack([columns, rows, one], 1), np.concatenate([upper, lower]))


def _background(system: Floats, moved: Floats) -> Floats:
    """Fit shift, zoom and roll to the flow by reweighted least squares, so that people hardly count."""
    target = moved.T.ravel()
    weight = np.ones(len(moved), np.float32)
    solution = np.zeros(4, np.float32)
    for _ in range(_FIT_ROUNDS):
        weighted = system.T * np.concatenate([weight, weight])
        solution = np.linalg.lstsq(weighted @ system, weighted @ target, rcond=None)[0]
        error = np.hypot(*(target - system @ solution).reshape(2, -1))
        scale = max(float(np.median(error)), 1e-4)
        weight = 1 / (1 + (error / (2 * scale)) ** 2)  # Cauchy
    zoom, roll, right, down = solution
    return np.array([[1 + zoom, -roll, right], [roll, 1 + zoom, down]], np.float32)
