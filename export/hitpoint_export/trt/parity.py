"""How far a half precision graph is from the float32 one, by ONNX Runtime on the CPU.

ONNX Runtime has no half arithmetic there: it computes in float32 and leaves out the rounding between two
nodes wherever it can, overflow included. So the rounding is written into the graph, after every half tensor,
which is what tensor cores do: products and sums in float32, results in half.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from hitpoint.cue.bundle import TensorSpec
from hitpoint.errors import EngineError
from hitpoint_export.trt.half import HALF_SUFFIX, HALVES
from hitpoint_export.trt.profiles import shape_of

LARGEST = 0.02
"""Root-mean-square error relative to the output, above which a graph is refused: -34 dB."""
_FRAMES, _BATCH = 64, 2


def half_error(full: bytes, half: bytes, inputs: Sequence[TensorSpec]) -> float:
    """Relative root-mean-square error of `half` against `full` for one seeded input of 64 latent frames."""
    feed = example(inputs, _FRAMES, _BATCH)
    wanted, made = _run(full, feed), _run(rounded(half), feed)
    return float(np.sqrt(np.mean((made - wanted) ** 2) / np.mean(wanted**2)))


def check_half(full: bytes, half: bytes, inputs: Sequence[TensorSpec], name: str) -> float:
    """As `half_error`. Raises EngineError if the error is not a small number."""
    error = half_error(full, half, inputs)
    if not error <= LARGEST:  # also not-a-number, which an overflow leaves
        raise EngineError(
            f"{name} in half precision is {error:.1e} from float32.", "Build it with --precision fp32."
        )
    return error


def rounded(half: bytes) -> bytes:
    """A graph of `typed_graph` as a float32 graph that rounds where the other one does."""
    model = onnx.load_model_from_string(half)
    graph, nodes = model.graph, list[NodeProto]()
    for i, tensor in enumerate(graph.initializer):
        if tensor.data_type in HALVES.values():
            values = numpy_helper.to_array(tensor).astype(np.float32)
            graph.initializer[i].CopyFrom(numpy_helper.from_array(values, tensor.name))
    kind = next((node.attribute[0].i for node in graph.node if _to_half(node)), TensorProto.FLOAT)
    for node in graph.node:
        narrowed = [name for name in node.output if name.endswith(HALF_SUFFIX)]
        exact = {name: node.input[0] if _to_half(node) else f"{name}_exact" for name in narrowed}
        if not _to_half(node):
            for i, name in enumerate(node.output):
                node.output[i] = exact.get(name, name)
            nodes.append(node)
        for name in narrowed:
            nodes.append(helper.make_node("Cast", [exact[name]], [f"{name}_narrow"], to=kind))
            nodes.append(helper.make_node("Cast", [f"{name}_narrow"], [name], to=TensorProto.FLOAT))
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def _to_half(node: NodeProto) -> bool:
    return node.op_type == "Cast" and node.attribute[0].i in HALVES.values()


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
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, feed)[0], np.float64)
