"""How far a half precision graph is from the float32 one, by ONNX Runtime on the CPU."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from hitpoint.cue.bundle import TensorSpec
from hitpoint_export.trt.errors import EngineError
from hitpoint_export.trt.profiles import shape_of

LARGEST = 0.02
"""Root-mean-square error relative to the output, above which a graph is refused: -34 dB."""
_FRAMES, _BATCH = 64, 2


def half_error(full: bytes, half: bytes, inputs: Sequence[TensorSpec]) -> float:
    """Relative root-mean-square error of `half` against `full` for one seeded input of 64 latent frames."""
    feed = example(inputs, _FRAMES, _BATCH)
    wanted, made = _run(full, feed), _run(half, feed)
    return float(np.sqrt(np.mean((made - wanted) ** 2) / np.mean(wanted**2)))


def check_half(full: bytes, half: bytes, inputs: Sequence[TensorSpec], name: str) -> float:
    """As `half_error`. Raises EngineError if the error is not a small number."""
    error = half_error(full, half, inputs)
    if not error <= LARGEST:  # also not-a-number, which an overflow leaves
        raise EngineError(
            f"{name} in fp16 is {error:.1e} from float32.", "Build it with --precision bf16 or fp32."
        )
    return error


def example(inputs: Sequence[TensorSpec], frames: int, batch: int) -> dict[str, NDArray[np.generic]]:
    """Seeded inputs: noise, times between 0 and 1, rising positions, small whole numbers."""
    random = np.random.default_rng(20261120)
    feed: dict[str, NDArray[np.generic]] = {}
    for spec in inputs:
        shape = shape_of(spec, frames, batch)
        if spec.type == "int64":
            feed[spec.name] = random.integers(0, 8, shape)
        elif spec.shape == ("2T",):
            feed[spec.name] = np.arange(shape[0], dtype=np.float32)
        elif len(shape) == 1:
            feed[spec.name] = random.uniform(0, 1, shape).astype(np.float32)
        else:
            feed[spec.name] = random.standard_normal(shape).astype(np.float32)
    return feed


def _run(data: bytes, feed: dict[str, NDArray[np.generic]]) -> NDArray[np.float64]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, feed)[0], np.float64)
