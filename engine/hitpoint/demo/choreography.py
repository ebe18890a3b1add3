"""What the drawn dancer does: poses on the beats of a tempo, each reached by a move that stops dead.

Because every movement is written down, the moments at which something visibly stops are known exactly. That
is what the extractor is measured against.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

# One row per pose, in body units (1 = torso length) and degrees. Angles of limbs: 0 hangs down, 90 points
# outwards, 180 up. Left means the left of the picture.
PARTS = (
    "hip x", "hip drop", "lean", "head tilt",
    "left arm", "left elbow", "right arm", "right elbow",
    "left foot x", "left foot lift", "right foot x", "right foot lift",
)  # fmt: skip
REST = (0.0, 0.05, 0, 0, 18, 14, 18, 14, 0.34, 0.0, 0.34, 0.0)
POSES: tuple[tuple[float, ...], ...] = (
    (0.12, 0.14, 6, 6, 30, 40, 162, 8, 0.55, 0, 0.42, 0),  # point to the ceiling
    (-0.12, 0.14, -6, -6, 162, 8, 30, 40, 0.42, 0, 0.55, 0),
    (0.0, 0.20, 0, 0, 92, 4, 92, 4, 0.62, 0, 0.62, 0),  # both arms out
    (0.0, 0.32, 0, 0, 70, 120, 70, 120, 0.74, 0, 0.74, 0),  # low, hands on the hips
    (0.22, 0.12, -10, -8, 100, 2, 45, 110, 0.70, 0, 0.22, 0),  # punch to the left
    (-0.22, 0.12, 10, 8, 45, 110, 100, 2, 0.22, 0, 0.70, 0),
    (0.08, 0.06, 4, 4, 140, 60, 120, 70, 0.30, 0.62, 0.30, 0),  # knee up
    (-0.08, 0.06, -4, -4, 120, 70, 140, 60, 0.30, 0, 0.30, 0.62),
    (0.0, 0.05, 0, 0, 168, 10, 168, 10, 0.42, 0, 0.42, 0),  # both arms up
    (0.18, 0.26, 12, 10, 128, 30, 60, 20, 0.85, 0, 0.40, 0),  # lunge and slice
    (-0.18, 0.26, -12, -10, 60, 20, 128, 30, 0.40, 0, 0.85, 0),
    (0.0, 0.10, 0, 0, 55, 150, 55, 150, 0.36, 0, 0.36, 0),  # arms folded in front
)
PATTERNS = (
    (0, 2),
    (0, 1, 2),
    (0, 2, 3),
    (0, 1.5, 3),
    (0, 1, 2.5),
    (0, 1.5, 2.5),
)  # beats of a bar that are hit
BEATS_PER_BAR = 4
MOVE_S = 0.34  # a move takes this long or, if less, MOVE_SHARE of the time since the last impact
MOVE_SHARE = 0.62
SETTLE = 0.05  # a stopped limb springs back by this share of its way,
SETTLE_S = 0.07  # swinging with this time constant


@dataclass(frozen=True, slots=True)
class Choreography:
    """Poses (impacts + 1, 12) and when each is reached; the first is held from the beginning."""

    bpm: float
    impacts: tuple[float, ...]
    poses: Vector

    def pose_at(self, time: float) -> Vector:
        """All PARTS at a moment: held, moving, or springing back after an impact."""
        index = int(np.searchsorted(self.impacts, time))  # impacts already behind
        held: Vector = self.poses[index] + self._spring(index, time) + _breath(time)
        if index == len(self.impacts):
            return held
        reached = self.impacts[index]
        since = reached - (self.impacts[index - 1] if index else 0.0)
        way = 1 - (reached - time) / min(MOVE_S, MOVE_SHARE * since)
        if way <= 0:
            return held
        faster = way**2 * (1.5 - 0.5 * way)  # until it stops
        moving: Vector = held + (self.poses[index + 1] - held) * faster
        return moving

    def _spring(self, index: int, time: float) -> Vector:
        if index == 0:
            return np.zeros(len(PARTS))
        after = time - self.impacts[index - 1]
        way: Vector = self.poses[index] - self.poses[index - 1]
        swing: Vector = way * SETTLE * np.exp(-after / SETTLE_S) * np.sin(after / SETTLE_S * 2)
        return swing


def choreograph(seconds: float, seed: int, bpm: float | None = None) -> Choreography:
    """Make up a dance. The same seed gives the same dance; the tempo is 92 to 124 where none is given."""
    chance = np.random.default_rng(seed)
    tempo = float(bpm or chance.integers(92, 125))
    beat = 60 / tempo
    impacts: list[float] = []
    start = beat * 0.75
    for bar in range(int(seconds / (BEATS_PER_BAR * beat)) + 1):
        pattern = PATTERNS[chance.integers(len(PATTERNS))]
        impacts += [start + (bar * BEATS_PER_BAR + at) * beat for at in pattern]
    impacts = [at for at in impacts if at < seconds - 0.25]
    table = np.array([*POSES, REST], np.float64)
    order = [len(POSES)]
    for _ in impacts:
        order.append(int(chance.choice(_contrasting(table, order[-2:]))))
    return Choreography(tempo, tuple(impacts), table[order])


def _contrasting(table: Vector, before: list[int]) -> list[int]:
    """The half of the poses that differ most from the last one, without those just seen."""
    now = table[before[-1]]
    limbs = np.abs(table[: len(POSES)] - now) @ np.array([90, 90, 1, 1, 1, 0.5, 1, 0.5, 60, 60, 60, 60])
    return [int(pose) for pose in np.argsort(-limbs)[: len(POSES) // 2 + 1] if pose not in before]


def _breath(time: float) -> Vector:
    """Nobody stands perfectly still."""
    sway = np.zeros(len(PARTS))
    sway[0], sway[1], sway[2] = (
        0.012 * np.sin(1.9 * time),
        0.008 * np.sin(2.6 * time),
        0.8 * np.sin(1.3 * time),
    )
    return sway
