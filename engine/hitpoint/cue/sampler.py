"""The few-step sampler, in the symbols of the papers; it knows neither the network nor its run time.

Rectified flow (Liu et al. 2022): x_t = (1 - t) x_0 + t eps, v = eps - x_0, so dx = v dt from t = 1 to t =
0. The network tells the mean of v from t down to r (SplitMeanFlow, arXiv 2507.16884), so that few steps are
enough.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from hitpoint.values import Floats

Velocity = Callable[[Floats, float, float], Floats]
"""(x, t, r) -> mean v from t down to r, of the shape of x."""
UNGUIDED = 0.3
"""Below this t the network learned no guidance: there it does nothing but harm (Kynkäänniemi et al. 2024)."""
STRONGEST = 8.0
"""The network is told guidance in shares of this."""
NOISE_BLOCK = 8  # frames


def schedule(steps: int) -> list[float]:
    """`steps + 1` times from 1 (noise) to 0 (data), evenly spaced. Nested: 4 steps are every other of 8."""
    return [1 - i / steps for i in range(steps + 1)]


def integrate(v: Velocity, x: Floats, steps: int) -> Floats:
    """x at t = 0 from noise x at t = 1, in `steps` evaluations of v."""
    for t, r in pairwise(schedule(steps)):
        x = (x - np.float32(t - r) * v(x, t, r)).astype(np.float32, copy=False)
    return x


def given(v: Velocity, known: Floats, mask: Floats, eps: Floats) -> Velocity:
    """v that runs straight into `known` where mask is 1, so that these frames lie on their own path at any t.

    known, eps (Z, T); mask (1, T). What the network sees there is then just what it saw in training.
    """
    return lambda x, t, r: np.where(mask > 0, eps - known, v(x, t, r))


def noise(seed: int, variation: int, channels: int, first: int, frames: int) -> Floats:
    """eps (channels, frames) for the absolute latent frames from `first` on.

    One Philox stream per eight frames (Salmon et al. 2011), so a frame meets the same noise in every window
    and on every machine. `variation` (below 2^16) gives other noise for the same seed.
    """
    blocks = range(first // NOISE_BLOCK, -(-(first + frames) // NOISE_BLOCK))
    streams = (np.random.Philox(key=[seed % 2**64, variation << 48 | block]) for block in blocks)
    shape = (NOISE_BLOCK, channels)
    eps = np.concatenate([np.random.Generator(s).standard_normal(shape, np.float32) for s in streams])
    start = first - blocks.start * NOISE_BLOCK
    return np.ascontiguousarray(eps[start : start + frames].T)
