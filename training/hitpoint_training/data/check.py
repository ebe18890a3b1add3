"""What a sample must be before anything learns from it; each fault is a named error."""

from __future__ import annotations

import numpy as np

from hitpoint.errors import MediaError
from hitpoint.values import SAMPLE_RATE
from hitpoint_training.data.sample import JOINTS, Sample

SHAPES = {"composed": (SAMPLE_RATE, 2), "video": (SAMPLE_RATE, 2), "loris": (22_050, 1)}
"""Sample rate and channels by source."""
SHORTEST = 3.0  # seconds
_SILENT = 1e-4  # greatest sample
_LENGTHS = 0.6  # seconds by which the lengths of sound and picture may differ
_UNSEEN = 0.5  # share of pose frames without anybody that is too much


def check(sample: Sample) -> Sample:
    """The sample itself. Raises MediaError: wrong rate, NaN, too short, silent, other lengths, no joints."""
    _check_sound(sample)
    if sample.plan is not None and abs(sample.plan.duration - sample.duration) > 0.1:
        raise _fault(sample, f"{sample.duration:.2f} s of sound, a plan of {sample.plan.duration:.2f} s")
    _check_pose(sample)
    if sample.video is not None:
        _check_length(sample, "video rows", len(sample.video), sample.video_rate)
    for name, rows in (("pose", sample.pose), ("video", sample.video), ("hits", sample.hits)):
        if rows is not None and not np.isfinite(rows).all():
            raise _fault(sample, f"its {name} holds values that are no numbers")
    return sample


def _check_sound(sample: Sample) -> None:
    rate, channels = SHAPES[sample.source]
    if sample.rate != rate:
        raise _fault(sample, f"its sound is at {sample.rate} Hz, {rate} are asked for")
    if len(sample.sound) != channels:
        raise _fault(sample, f"its sound has {len(sample.sound)} channels, {channels} are asked for")
    if not np.isfinite(sample.sound).all():
        raise _fault(sample, "its sound holds values that are no numbers")
    if sample.duration < SHORTEST:
        raise _fault(sample, f"{sample.duration:.2f} s is too short, {SHORTEST:.0f} s are asked for")
    if np.abs(sample.sound).max() < _SILENT:
        raise _fault(sample, "its sound is silent")


def _check_pose(sample: Sample) -> None:
    if sample.pose is None:
        return
    if sample.pose.ndim != 3 or sample.pose.shape[1:] != (JOINTS, 3):
        raise _fault(
            sample, f"its pose has the shape {sample.pose.shape}, (frames, {JOINTS}, 3) is asked for"
        )
    _check_length(sample, "pose frames", len(sample.pose), sample.pose_rate)
    unseen = float((~(sample.pose[..., 2] > 0).any(1)).mean())
    if unseen > _UNSEEN and sample.source != "video":  # in a user's own film there need be nobody
        raise _fault(sample, f"nobody is seen in {unseen:.0%} of its pose frames")


def _check_length(sample: Sample, what: str, count: int, rate: float) -> None:
    if abs(count / rate - sample.duration) > max(_LENGTHS, 1 / rate):
        raise _fault(sample, f"{count} {what} at {rate:g} Hz, {sample.duration:.2f} s of sound")


def _fault(sample: Sample, what: str) -> MediaError:
    return MediaError(f"{sample.key}: {what}.", "Mend it, or leave it out with --skip-bad.")
