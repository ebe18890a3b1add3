"""The strongly typed graph that TensorRT compiles, made from the float32 graph of a bundle.

TensorRT 11 takes every precision from the graph itself. The rule here, node by node in the graph's order:

- convolutions and products over frames run in half precision; that is where the time goes;
- what only moves, adds or scales halves stays half;
- all else stays float32: norms (with the squares that feed them), softmax, sines, everything that is
  computed once per window (`Gemm`: time and style), and everything after an `Exp`, where numbers are sound.

Converters of other projects choose by operator name only, so they halve the squares of a norm, which overflow
from 256 on, and they know no bfloat16.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from hitpoint.errors import EngineError

HALVES = {"fp16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}
_LARGEST = {"fp16": 65504.0, "bf16": 3e38}
HALF_SUFFIX = "__half"
PRODUCTS = frozenset({"Conv", "ConvTranspose", "MatMul"})
_FOLLOWERS = """
Add AveragePool Concat Expand Gather Identity Mul Pad Relu Reshape Sigmoid Slice Split Squeeze Sub Transpose
Unsqueeze
"""
FOLLOWERS = frozenset(_FOLLOWERS.split())


def typed_graph(data: bytes, precision: str) -> bytes:
    """A serialised ONNX graph of a bundle as `fp32`, `fp16` or `bf16`; inputs and outputs keep their types.

    Raises EngineError if the types of the graph cannot be told.
    """
    model = onnx.load_model_from_string(data)
    _unpack_weights(model.graph)
    if precision != "fp32":
        _Halver(model, precision).rewrite()
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _unpack_weights(graph: onnx.GraphProto) -> None:
    """Bundles store weights as fp16 with a Cast; put the float32 value in the place of both."""
    stored = {tensor.name: tensor for tensor in graph.initializer}
    kept: list[NodeProto] = []
    for node in graph.node:
        to_single = node.op_type == "Cast" and node.attribute[0].i == TensorProto.FLOAT
        if to_single and node.input[0] in stored:
            values = numpy_helper.to_array(stored[node.input[0]]).astype(np.float32)
            graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
        else:
            kept.append(node)
    _replace(graph, kept)


def _replace(graph: onnx.GraphProto, nodes: list[NodeProto]) -> None:
    """Give the graph these nodes, and drop the weights that none of them reads."""
    del graph.node[:]
    graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input}
    weights = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(weights)


class _Halver:
    """One pass over a graph. Tensors keep their names in float32; their half version ends in `__half`."""

    def __init__(self, model: onnx.ModelProto, precision: str) -> None:
        self.graph = model.graph
        self.kind, self.largest = HALVES[precision], _LARGEST[precision]
        self.weights = {tensor.name: tensor for tensor in model.graph.initializer}
        self.floats = _float_tensors(model)
        self.readers: dict[str, list[str]] = {}
        for node in model.graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node.op_type)
        self.half: set[str] = set()  # tensors that are computed in half precision
        self.sound: set[str] = set()  # tensors after an Exp
        self.single = set(self.weights) | {port.name for port in model.graph.input}  # exist in float32
        self.halved: set[str] = set()  # exist in half precision
        self.nodes: list[NodeProto] = []

    def rewrite(self) -> None:
        for node in list(self.graph.node):
            self._place(node)
        for port in self.graph.output:
            self._as(port.name, half=False)
        _replace(self.graph, self.nodes)
        del self.graph.value_info[:]  # types that were true before

    def _place(self, node: NodeProto) -> None:
        """Decide for one node, and append it with the casts that it needs."""
        if node.op_type == "Exp" or any(name in self.sound for name in node.input):
            self.sound.update(name for name in node.output if name in self.floats)
        half = self._is_half(node)
        placed = NodeProto()
        placed.CopyFrom(node)
        for i, name in enumerate(node.input):
            if name in self.floats:
                placed.input[i] = self._as(name, half)
        floats = [name for name in node.output if name in self.floats]
        if half:
            for i, name in enumerate(node.output):
                placed.output[i] = f"{name}{HALF_SUFFIX}"
            self.half.update(floats)
        (self.halved if half else self.single).update(floats)
        self.nodes.append(placed)

    def _is_half(self, node: NodeProto) -> bool:
        inputs = [name for name in node.input if name in self.floats]
        if any(name in self.sound for name in (*inputs, *node.output)) or not self._fits(inputs):
            return False
        if node.op_type in PRODUCTS:
            return True
        moving = [name for name in inputs if name not in self.weights]
        follows = bool(moving) and all(name in self.half for name in moving)
        return node.op_type in FOLLOWERS and follows and not self._only_feeds_singles(node)

    def _only_feeds_singles(self, node: NodeProto) -> bool:
        """As the square inside a norm: rounding it first would only lose digits, and may overflow."""
        readers = [reader for name in node.output for reader in self.readers.get(name, [])]
        return bool(readers) and not any(reader in PRODUCTS | FOLLOWERS for reader in readers)

    def _fits(self, inputs: list[str]) -> bool:
        weights = [numpy_helper.to_array(self.weights[name]) for name in inputs if name in self.weights]
        return all(np.abs(values).max(initial=0.0) <= self.largest for values in weights)

    def _as(self, name: str, half: bool) -> str:
        """The name under which a float tensor exists in that precision; converted once, when first needed."""
        wanted = f"{name}{HALF_SUFFIX}" if half else name
        existing = self.halved if half else self.single
        if name in existing:
            return wanted
        existing.add(name)
        if name in self.weights:
            values = numpy_helper.to_array(self.weights[name]).astype(
                helper.tensor_dtype_to_np_dtype(self.kind)
            )
            self.graph.initializer.append(numpy_helper.from_array(values, wanted))
        else:
            source, kind = (name, self.kind) if half else (f"{name}{HALF_SUFFIX}", TensorProto.FLOAT)
            self.nodes.append(helper.make_node("Cast", [source], [wanted], to=kind))
        return wanted


def _float_tensors(model: onnx.ModelProto) -> set[str]:
    """Names of all float32 tensors. Raises EngineError if a tensor's type cannot be told."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    ports = (*graph.value_info, *graph.input, *graph.output)
    kinds = {port.name: port.type.tensor_type.elem_type for port in ports}
    kinds.update((tensor.name, tensor.data_type) for tensor in graph.initializer)
    unknown = [name for node in graph.node for name in node.output if not kinds.get(name)]
    if unknown:
        raise EngineError(f"The type of {unknown[0]} cannot be told.", "Build it with --precision fp32.")
    return {name for name, kind in kinds.items() if kind == TensorProto.FLOAT}
