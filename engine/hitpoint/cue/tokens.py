"""From a plan to what the network attends to: style, globals, accents, looks and scenes, and who may see
whom.

Every latent frame sees style and global numbers, accents and looks the better the nearer they are in time,
and of the scenes only the one it lies in: the storyboard-guided cross-attention of VeM. VeM multiplies the
scores with a mask before the softmax, so that other shots leak; here the mask is added, and what lies
outside gets exactly nothing.
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
EVENTS = 32
"""At most so many accents of a window become tokens (the strongest are kept)."""
EVENT_FEATURES = 4
VISUAL = 42
"""Tokens of what the picture looks like, one per half second: enough for a window of 21 s."""
SCENES = 16
SCENE_FEATURES = LOOKS + 2
TOKENS = GENERAL + EVENTS + VISUAL + SCENES
EVENT_TOKENS = slice(GENERAL, GENERAL + EVENTS)
VISUAL_TOKENS = slice(GENERAL + EVENTS, GENERAL + EVENTS + VISUAL)
SCENE_TOKENS = slice(GENERAL + EVENTS + VISUAL, TOKENS)
EVENT_REACH_S, LOOK_REACH_S = 1.0, 0.5
"""At this distance in time a token's weight is 1/e of what it is at its own time."""
HIDDEN = np.float32(-1e4)
"""Added to a score, it leaves exactly nothing of the weight, in fp16 too."""


def events(plan: CuePlan, first_frame: int, frames: int) -> Floats:
    """(EVENTS, EVENT_FEATURES) float32: per accent of the window its time (in windows of 10 s, from the
    window's start), strength, time since the accent before (seconds, at most 4) and 1; zero rows pad.

    True event times, as the Hawkes encoding of LORIS (Eq. 9) intends and its released code omits.
    """
    start, stop = first_frame / LATENT_RATE, (first_frame + frames) / LATENT_RATE
    inside = [i for i, accent in enumerate(plan.accents) if start <= accent.time < stop]
    strongest = sorted(sorted(inside, key=lambda i: -plan.accents[i].strength)[:EVENTS])
    out = np.zeros((EVENTS, EVENT_FEATURES), np.float32)
    for row, i in enumerate(strongest):
        accent = plan.accents[i]
        before = plan.accents[i - 1].time if i else accent.time - 4.0
        out[row] = ((accent.time - start) / 10, accent.strength, min(4.0, accent.time - before), 1)
    return out


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
    told, seen = events(plan, first_frame, frames), looks(plan, first_frame, frames)
    moments = first_frame / LATENT_RATE + 10 * told[:, 0].astype(np.float64)
    middles = (_first_look(first_frame) + np.arange(VISUAL) + 0.5) / LOOK_RATE
    out[:, EVENT_TOKENS] = np.where(told[:, 3] > 0, _near(times, moments, EVENT_REACH_S), HIDDEN)
    out[:, VISUAL_TOKENS] = np.where(seen.any(1), _near(times, middles, LOOK_REACH_S), HIDDEN)
    for row, (_, start, stop) in enumerate(_seen(plan, first_frame, frames)):
        out[(times >= start) & (times < stop), SCENE_TOKENS.start + row] = 0
    return out


def _near(times: NDArray[np.float64], moments: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """(times, moments) minus the square of the distance in `reach`, not below HIDDEN."""
    near: NDArray[np.float64] = np.maximum(float(HIDDEN), -(((times[:, None] - moments) / reach) ** 2))
    return near
