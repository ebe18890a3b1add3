"""Pose to rhythm peaks as the paper states it: Eq. 4 to 7 with the values of section 5.1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hitpoint.motion.directogram import sector_sums
from hitpoint.rhythm.peaks import pick_peaks
from hitpoint.values import Floats


@dataclass(frozen=True, slots=True, eq=False)
class RhythmRow:
    """For each pose frame whether it is a peak (1) or not, and the time of the last peak until then, in
    seconds (0 before the first): the binary vector c_r and the t_i of Eq. 9."""

    peaks: Floats
    times: Floats


def onset_envelope(pose: Floats) -> Floats:
    """(frames,) from (frames, 17, 3): rises of the directogram, the largest 1 (Eq. 4 to 6).

    As the paper has it: no confidence, no smoothing, no scale of the body. All 0 where nothing moves.
    """
    motion = np.diff(pose[..., :2], axis=0)
    directogram = sector_sums(motion, np.ones(motion.shape[:2], np.float32))
    gains = np.maximum(0, np.diff(directogram, axis=0)).sum(1)
    top = float(gains.max(initial=0.0))
    rises = gains / top if top > 0 else gains
    return np.concatenate([np.zeros(min(2, len(pose))), rises]).astype(np.float32)[: len(pose)]


def rhythm_row(pose: Floats, rate: float) -> RhythmRow:
    """Peaks after Eq. 7 of a pose at `rate` Hz, and their true times, to a fraction of a frame."""
    found = pick_peaks(onset_envelope(pose), rate)
    peaks, times = np.zeros(len(pose), np.float32), np.zeros(len(pose), np.float32)
    for peak in found:
        frame = min(len(pose) - 1, round(peak.time * rate))
        peaks[frame] = 1
        times[frame:] = peak.time
    return RhythmRow(peaks, times)
