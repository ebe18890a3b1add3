"""People in a frame: 33 body landmarks each, by mediapipe's PoseLandmarker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hitpoint.errors import ModelBundleError
from hitpoint.motion.frames import Picture
from hitpoint.values import Floats

if TYPE_CHECKING:
    from mediapipe.tasks.python.vision import PoseLandmarker

LANDMARKS = 33
STRETCH = 20  # clock of the landmarker against ours, see PoseTracker.people


@dataclass(frozen=True, slots=True)
class Person:
    """Landmarks (33, 2) in shares of the picture's long side, and how surely each is seen (33,), 0 to 1."""

    points: Floats
    visibility: Floats


class PoseTracker:
    """Follows people through frames that come in order of time."""

    def __init__(self, landmarker: PoseLandmarker) -> None:
        self._landmarker = landmarker
        self._clock = 0

    def people(self, picture: Picture) -> tuple[Person, ...]:
        """Find the people in an RGB picture, the most certain first.

        The landmarker smooths its output by a causal filter that lags at the start of a movement. Told that
        frames are twenty times as far apart, it lets the raw landmarks pass; we smooth them later without lag.
        """
        import mediapipe as mp

        self._clock += 33 * STRETCH
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=picture)
        found = self._landmarker.detect_for_video(image, self._clock)
        height, width = picture.shape[:2]
        scale = np.array([width, height], np.float32) / max(width, height)
        return tuple(
            Person(
                np.array([(mark.x, mark.y) for mark in person], np.float32) * scale,
                np.array([mark.visibility for mark in person], np.float32),
            )
            for person in found.pose_landmarks
        )


@contextmanager
def open_tracker(model: Path, people: int = 1) -> Iterator[PoseTracker]:
    """Load the pose model and follow up to `people` at a time. Raises ModelBundleError if it does not load."""
    from mediapipe.tasks.python import BaseOptions
    from mediapipe.tasks.python.vision import PoseLandmarker, PoseLandmarkerOptions, RunningMode

    options = PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model)),
        running_mode=RunningMode.VIDEO,
        num_poses=people,
    )
    try:
        landmarker = PoseLandmarker.create_from_options(options)
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelBundleError(
            f"The pose model {model} does not load ({error}).", "Delete the file; it will be fetched again."
        ) from error
    with landmarker:
        yield PoseTracker(landmarker)
