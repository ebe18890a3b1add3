"""People in a frame: 33 body landmarks each, by mediapipe's PoseLandmarker."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hitpoint.errors import ModelBundleError
from hitpoint.motion.bare import bare
from hitpoint.motion.frames import Picture
from hitpoint.motion.native import graphics_load
from hitpoint.motion.offline import without_network
from hitpoint.values import Floats

if TYPE_CHECKING:
    from mediapipe.tasks.python.vision.pose_landmarker import PoseLandmarker

LANDMARKS = 33
_PACKAGES = ("mediapipe", "mediapipe.tasks", "mediapipe.tasks.python", "mediapipe.tasks.python.vision")
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
        self._spoken = False  # native code comments on the first picture and on the first person

    def people(self, picture: Picture) -> tuple[Person, ...]:
        """Find the people in an RGB picture, the most certain first.

        The landmarker smooths its output by a causal filter that lags at the start of a movement. Told
        that frames are twenty times as far apart, it lets the raw landmarks pass; we smooth them without lag.
        """
        from mediapipe.tasks.python.vision.core.image import Image, ImageFormat

        self._clock += 33 * STRETCH
        side = max(picture.shape[:2])
        square = np.zeros((side, side, 3), np.uint8)  # of other shapes, it projects turned bodies askew
        square[: picture.shape[0], : picture.shape[1]] = picture
        image = Image(image_format=ImageFormat.SRGB, data=square)
        with nullcontext() if self._spoken else _native_silence():
            found = self._landmarker.detect_for_video(image, self._clock)
        self._spoken = self._spoken or bool(found.pose_landmarks)
        return tuple(
            Person(
                np.array([(mark.x, mark.y) for mark in person], np.float32),
                np.array([mark.visibility for mark in person], np.float32),
            )
            for person in found.pose_landmarks
        )


@contextmanager
def open_tracker(model: Path, people: int = 1) -> Generator[PoseTracker | None]:
    """Load the pose model and follow up to `people` at a time; None where mediapipe does not load.

    Its Linux wheels want libEGL and libGLESv2, see hitpoint.motion.native. Raises ModelBundleError if the
    model file does not load.
    """
    if not graphics_load():
        yield None
        return
    try:
        bare(*_PACKAGES)
        from mediapipe.tasks.python.core.base_options import BaseOptions
        from mediapipe.tasks.python.vision.core.vision_task_running_mode import VisionTaskRunningMode
        from mediapipe.tasks.python.vision.pose_landmarker import PoseLandmarker, PoseLandmarkerOptions
    except (ImportError, OSError):
        yield None
        return
    options = PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model)),
        running_mode=VisionTaskRunningMode.VIDEO,
        num_poses=people,
    )
    try:
        with _native_silence():
            landmarker = without_network(partial(PoseLandmarker.create_from_options, options))
    except OSError as error:
        if not Path(model).is_file():
            raise ModelBundleError(
                f"There is no pose model {model}.", "It is fetched when a clip is scored online."
            ) from error
        yield None
        return
    except (RuntimeError, ValueError) as error:
        raise ModelBundleError(
            f"The pose model {model} does not load ({error}).", "Delete the file; it will be fetched again."
        ) from error
    with landmarker:
        yield PoseTracker(landmarker)


@contextmanager
def _native_silence() -> Generator[None]:
    """Drop what native code writes to stderr: mediapipe's start-up chatter has no other switch."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
