"""What the shots look like, as the lead sheet has it: numbers of about 0 to 1, every half second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.plan import LOOK_RATE, Look, Scene
from hitpoint.motion.descriptors import FAST, SLOW, STEP_S, TYPICAL_SCALE
from hitpoint.values import Shot

Rows = NDArray[np.float64]

_CAMERA = 0.05  # picture lengths per second: half of the range; a hand-held shot has about as much
_CLOSE = 0.5  # torso length of a close shot, in shares of the picture's long side
_CROWD = 4  # people
_LONG_SHOT = 8.0  # seconds


def looks_of(shots: Sequence[Shot], duration: float) -> tuple[tuple[Scene, ...], tuple[Look, ...]]:
    """The scenes and, for each half second begun of `duration` seconds, the look; both empty without shots.

    A scene's look is the mean over its shot; the energy is taken per area of the body, as
    `motion.descriptors.liveliness` does.
    """
    shown = [shot for shot in shots if len(shot.descriptors) and shot.start < duration]
    if not shown:
        return (), ()
    rows = [_normal(shot.descriptors.astype(np.float64)) for shot in shown]
    scenes = tuple(
        Scene(max(0.0, float(shot.start)) if number else 0.0, _look(own.mean(0)))
        for number, (shot, own) in enumerate(zip(shown, rows, strict=True))
    )
    starts = np.array([scene.start for scene in scenes])
    looks: list[Look] = []
    for middle in np.arange(0, duration, 1 / LOOK_RATE) + 0.5 / LOOK_RATE:
        at = max(0, int(np.searchsorted(starts, middle, side="right")) - 1)
        row = int((middle - starts[at]) / STEP_S)
        looks.append(_look(rows[at][min(row, len(rows[at]) - 1)]))
    return scenes, tuple(looks)


def _normal(rows: Rows) -> Rows:
    """(rows, DESCRIPTORS) of one shot -> (rows, LOOK_NAMES)."""
    moved, camera, scale, people, since = rows[:, 0], rows[:, 6], rows[:, 7], rows[:, 8], rows[:, 9]
    seen = scale[scale > 0]
    size = float(np.median(seen)) if len(seen) else TYPICAL_SCALE  # steady: a lost pose is no lost body
    energy = np.log(np.maximum(moved / size**2, 1e-6) / SLOW) / np.log(FAST / SLOW)
    camera = np.maximum(camera, 0)
    ends = [camera / (camera + _CAMERA), scale / _CLOSE, people / _CROWD, since / _LONG_SHOT]
    normal = np.column_stack([energy, rows[:, 1:6], *ends])
    normal = np.nan_to_num(normal, nan=0.0, posinf=1.0, neginf=0.0)
    low = np.zeros(normal.shape[1])
    low[3:5] = -1  # hue has a direction
    return np.asarray(np.clip(normal, low, 1.0), np.float64)


def _look(row: Rows) -> Look:
    return tuple(row.tolist())
