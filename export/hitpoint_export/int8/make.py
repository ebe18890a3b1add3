"""The int8 graphs of an exported bundle: calibrated, compared by ear's measure, and left out if too far."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from onnx import ModelProto

from hitpoint.cue.bundle import INT8_GRAPHS, Bundle
from hitpoint.cue.plan import STYLES
from hitpoint_export.int8.calibrate import PlainModel, Watched, calibrate, compose, sound
from hitpoint_export.int8.gate import Distance, distance, passes
from hitpoint_export.int8.products import quantise
from hitpoint_export.onnx_file import halve_weights

_TRIALS, _OTHER_SEEDS, _STEPS = 4, 1000, 4  # cues that calibration has not seen


@dataclass(frozen=True, slots=True)
class Small:
    """The int8 form of a graph and how far it sounds from float32."""

    graph: str
    data: bytes
    found: Distance

    @property
    def passed(self) -> bool:
        """Whether it may ship."""
        return passes(self.graph, self.found)


def small_graphs(bundle: Bundle) -> tuple[Small, ...]:
    """Of `step` and `decode`, where they have large products at all."""
    watched = dict(zip(INT8_GRAPHS, calibrate(bundle), strict=True))
    data = {name: _serialised(graph) for name, graph in watched.items() if graph.ranges}
    return tuple(Small(name, made, judge(bundle, name, made)) for name, made in data.items())


def _serialised(graph: Watched) -> bytes:
    model: ModelProto = quantise(graph.model, graph.weights, graph.ranges)
    halve_weights(model)
    data: bytes = model.SerializeToString()
    return data


def judge(bundle: Bundle, graph: str, data: bytes) -> Distance:
    """The worst of cues in other styles and from other seeds than those of calibration: the same noise, once
    in float32 and once with this int8 graph."""
    full = PlainModel(bundle)
    small = PlainModel(replace(bundle, step=data) if graph == "step" else replace(bundle, decode=data))
    found = []
    for number, style in enumerate(STYLES[1 :: len(STYLES) // _TRIALS]):
        seed = _OTHER_SEEDS + number
        z = compose(full, bundle, style, seed, _STEPS)
        wanted = sound(full, bundle, z)
        if graph == "step":
            made = sound(full, bundle, compose(small, bundle, style, seed, _STEPS))
        else:
            made = sound(small, bundle, z)
        found.append(distance(made, wanted))
    return max(found, key=lambda one: np.nan_to_num(one.spectral_convergence, nan=np.inf))


def write_small(smalls: tuple[Small, ...], folder: Path) -> dict[str, object]:
    """Write those that pass, remove what is left of others; the manifest's entries of them."""
    for name in INT8_GRAPHS:
        (folder / f"{name}_int8.onnx").unlink(missing_ok=True)
    described: dict[str, object] = {}
    for small in (small for small in smalls if small.passed):
        file = f"{small.graph}_int8.onnx"
        (folder / file).write_bytes(small.data)
        described[small.graph] = {
            "file": file,
            "sha256": hashlib.sha256(small.data).hexdigest(),
            "bytes": len(small.data),
            "distance": {name: round(value, 4) for name, value in asdict(small.found).items()},
        }
    return described
