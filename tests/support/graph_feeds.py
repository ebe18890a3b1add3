"""Inputs for the graphs of any bundle, by its manifest."""

from __future__ import annotations

import numpy as np

from hitpoint.backends.api import Feeds
from hitpoint.cue.bundle import Bundle, TensorSpec


def some(spec: TensorSpec, frames: int, batch: int) -> np.ndarray:
    """Values of the right shape that every graph takes."""
    free = {"B": batch, "T": frames, "2T": 2 * frames}
    shape = [size if isinstance(size, int) else free[size] for size in spec.shape]
    if spec.name == "positions":
        return np.arange(shape[0], dtype=np.float32)
    if spec.type == "int64":
        return np.zeros(shape, np.int64)
    if spec.name == "t":
        return np.full(shape, 0.5, np.float32)
    return np.random.default_rng(len(spec.name)).standard_normal(shape).astype(np.float32)


def feeds(bundle: Bundle, graph: str, frames: int = 128, batch: int = 2) -> Feeds:
    inputs = bundle.manifest.graph(graph).inputs
    return {spec.name: some(spec, frames, batch) for spec in inputs}
