"""From a plan to what the network attends to: style, globals, looks and scenes, and who may see whom.

Every latent frame sees style and global numbers, looks the better the nearer they are in time, and of the
scenes only the one it lies in: the storyboard-guided cross-attention of VeM. VeM multiplies the scores with
a mask before the softmax, so that other shots leak; here the mask is added, and what lies outside gets
exactly nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.plan import LOOK_NAMES, LOOK_RATE, CuePlan
from hitpoint.cue.tracks import LATENT_RATE
from hitpoint.values import Floats

LOOKS = len(LOOK_NAMES)
GENERAL = 2
"""Tokens that are always there: style and global numbers."""
VISUAL = 42
"""Tokens of what the picture looks like, one per half second: enough for a window of 21 s."""
SCENES = 16
SCENE_FEATURES = LOOKS + 2
TOKENS = GENERAL + VISUAL + SCENES
VISUAL_TOKENS = slice(GENERAL, GENERAL + VISUAL)
SCENE_TOKENS = slice(GENERAL + VISUAL, TOKENS)
LOOK_REACH_S = 0.5
"""At this distance in time a look's weight is 1/e of what it is at its own time."""
HIDDEN = np.float32(-1e4)
"""Added to a score, it leaves exactly nothing of the weight, in fp16 too."""


def looks(plan: CuePlan, first_frame: int, frames: int) -> Floats:
    """(VISUAL, LOOKS) float32: the picture every half second from the window's start; zero where there is
    none."""
    out = np.zeros((VISUAL, LOOKS), np.float32)
    for row in range(min(VISUAL, -(-frames * LOOK_RATE // LATENT_RATE))):
        index = _first_look(first_frame) + row
        if 0 <= index < len(plan.looks):
            out[row] = plan.looks[index]
    return out


def _first_look(first_frame: int) -> int:
    """The half second that begins nearest to the window's start."""
    return int(np.floor(first_frame * LOOK_RATE / LATENT_RATE + 0.5))


def scenes(plan: CuePlan, first_frame: int, frames: int) -> Floats:
    """(SCENES, SCENE_FEATURES) float32: mean look, start (in windows of 10 s, from the window's start) and
    duration (in 10 s) of every shot that is seen in the window, the longest if there are too many."""
    out = np.zeros((SCENES, SCENE_FEATURES), np.float32)
    for row, (index, start, stop) in enumerate(_seen(plan, first_frame, frames)):
        offset = start - first_frame / LATENT_RATE
        out[row] = (*plan.scenes[index].look, offset / 10, (stop - start) / 10)
    return out


def _seen(plan: CuePlan, first_frame: int, frames: int) -> list[tuple[int, float, float]]:
    """Number, start and stop (seconds) of the shots in a window, at most SCENES, in order."""
    begin, end = first_frame / LATENT_RATE, (first_frame + frames) / LATENT_RATE
    starts = [scene.start for scene in plan.scenes]
    shots = [
        (index, start, stop)
        for index, (start, stop) in enumerate(zip(starts, [*starts[1:], plan.duration], strict=False))
        if start < end and stop > begin
    ]
    if len(shots) > SCENES:
        shots = sorted(sorted(shots, key=lambda shot: min(shot[2], end) - max(shot[1], begin))[-SCENES:])
    return shots


def attention(plan: CuePlan, first_frame: int, frames: int) -> Floats:
    """(frames, TOKENS) float32 to be added to the scores: 0 where a frame sees a token, less with the
    distance in time, HIDDEN where it does not see it."""
    out = np.full((frames, TOKENS), HIDDEN, np.float32)
    out[:, :GENERAL] = 0
    times = (first_frame + np.arange(frames)) / LATENT_RATE
    told = looks(plan, first_frame, frames).any(1)
    middles = (_first_look(first_frame) + np.arange(VISUAL) + 0.5) / LOOK_RATE
    out[:, VISUAL_TOKENS] = np.where(told, _near(times, middles), HIDDEN)
    for row, (_, start, stop) in enumerate(_seen(plan, first_frame, frames)):
        out[(times >= start) & (times < stop), SCENE_TOKENS.start + row] = 0
    return out


def _near(times: NDArray[np.float64], moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """(times, moments) minus the square of the distance in LOOK_REACH_S, not below HIDDEN."""
    near: NDArray[np.float64] = np.maximum(float(HIDDEN), -(((times[:, None] - moments) / LOOK_REACH_S) ** 2))
    return near
