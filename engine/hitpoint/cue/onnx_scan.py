"""Reads the bare structure of an ONNX file before any library parses it: a wire-level protobuf walk.

ONNX Runtime has loaded foreign files through external data and runs loops without end
(docs of `onnx`, "external data security"); both are visible in the raw message, so they are refused here.
`onnx` itself is not a dependency of the engine, and its parser would be the first thing a hostile file meets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hitpoint.errors import ModelBundleError

_OPERATORS = """
Abs Add AveragePool Cast Ceil Clip Concat Constant Conv ConvTranspose Cos DequantizeLinear Div Equal Erf Exp
Expand Flatten Floor Gather GatherElements GatherND Gelu Gemm Greater Identity LSTM LayerNormalization Less
Log MatMul Max Min Mod Mul Neg Pad Pow QuantizeLinear RMSNormalization Range Reciprocal ReduceL2 ReduceMax
ReduceMean ReduceSum Relu Reshape Round Shape Sigmoid Sin Slice Softmax Split Sqrt Squeeze Sub Swish Tanh
Transpose Unsqueeze Where
"""
ALLOWED_OPERATORS = frozenset(_OPERATORS.split())
"""Arithmetic only: nothing that loops, branches, draws random numbers or holds another graph."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

# Field numbers of onnx.proto3. Only what must be looked into is listed; scalars are passed over.
MODEL_GRAPH, MODEL_OPSET, MODEL_TRAINING, MODEL_FUNCTIONS = 7, 8, 20, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_SPARSE = 1, 5, 15
NODE_OPERATOR, NODE_ATTRIBUTE, NODE_DOMAIN = 4, 5, 7
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = 5, 6, 10, 11
ATTRIBUTE_SPARSE = (22, 23)
TENSOR_EXTERNAL, TENSOR_LOCATION = 13, 14
OPSET_DOMAIN = 1
OWN_DOMAINS = (b"", b"ai.onnx")


@dataclass(slots=True)
class Scan:
    """What a model is made of, as far as trust needs to know."""

    operators: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("number too long")


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(field number, value) of a message; bytes as views. Raises ValueError, IndexError."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == BYTES:
            size, at = _varint(data, at)
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
        else:
            raise ValueError(f"unknown wire type {kind}")
        if at + size > len(data):
            raise ValueError("message is cut off")
        yield number, data[at : at + size]
        at += size


def _view(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("number where a message was expected")
    return value


def _tensor(data: memoryview, scan: Scan) -> None:
    for number, value in _fields(data):
        if number == TENSOR_EXTERNAL or (number == TENSOR_LOCATION and value != 0):
            scan.problems.append("its weights are in another file")


def _attribute(data: memoryview, scan: Scan) -> None:
    for number, value in _fields(data):
        if number in (ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS):
            scan.problems.append("it holds a graph inside a graph")
        elif number in (ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS):
            _tensor(_view(value), scan)
        elif number in ATTRIBUTE_SPARSE:
            scan.problems.append("it holds sparse tensors")


def _node(data: memoryview, scan: Scan) -> None:
    operator = b""
    for number, value in _fields(data):
        if number == NODE_OPERATOR:
            operator = bytes(_view(value))
        elif number == NODE_DOMAIN and bytes(_view(value)) not in OWN_DOMAINS:
            scan.problems.append(f"it asks for operators of {bytes(_view(value))[:60]!r}")
        elif number == NODE_ATTRIBUTE:
            _attribute(_view(value), scan)
    name = operator.decode("ascii", "backslashreplace")
    scan.operators.add(name)
    if name not in ALLOWED_OPERATORS:
        scan.problems.append(f"it uses the operator {name[:60]!r}")


def _graph(data: memoryview, scan: Scan) -> None:
    for number, value in _fields(data):
        if number == GRAPH_NODE:
            _node(_view(value), scan)
        elif number == GRAPH_INITIALIZER:
            _tensor(_view(value), scan)
        elif number == GRAPH_SPARSE:
            scan.problems.append("it holds sparse tensors")


def scan_model(data: bytes) -> Scan:
    """Walk a serialised ModelProto (field numbers of onnx.proto3).

    Raises ModelBundleError if the bytes are no protobuf message with exactly one graph.
    """
    scan, graphs = Scan(), 0
    try:
        for number, value in _fields(memoryview(data)):
            if number == MODEL_GRAPH:
                graphs += 1
                _graph(_view(value), scan)
            elif number == MODEL_OPSET:
                _opset(_view(value), scan)
            elif number in (MODEL_TRAINING, MODEL_FUNCTIONS):
                scan.problems.append("it brings its own functions or training steps")
    except (ValueError, IndexError) as error:
        raise ModelBundleError(f"A model graph is damaged ({error}).", "Install the bundle again.") from error
    if graphs != 1:
        raise ModelBundleError("A model file holds no single graph.", "Install the bundle again.")
    return scan


def _opset(data: memoryview, scan: Scan) -> None:
    for number, value in _fields(data):
        if number == OPSET_DOMAIN and bytes(_view(value)) not in OWN_DOMAINS:
            scan.problems.append(f"it asks for operators of {bytes(_view(value))[:60]!r}")


def check_model(data: bytes, name: str) -> None:
    """Refuse a graph that could reach beyond its own bytes. Raises ModelBundleError with the reason."""
    scan = scan_model(data)
    if scan.problems:
        raise ModelBundleError(
            f"The model graph {name} is not acceptable: {scan.problems[0]}.",
            "Use a bundle exported by hitpoint_export, or ask whoever made this one.",
        )
