"""A float32 graph with its large products in int8, written as QuantizeLinear and DequantizeLinear.

Weights are symmetric with a scale per output; inputs are uint8 with one fixed scale, so that no frame depends
on another one. Outputs, norms, softmax and biases stay float32. A convolution becomes a product over shifted
copies of its quantised input: ONNX Runtime has fast int8 products with float32 output, but no such
convolutions. The transposes around it are taken out by ONNX Runtime where they meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from hitpoint.errors import ModelBundleError
from hitpoint.values import Floats

SMALLEST = 20_000  # values of a weight; below, the product takes no time worth saving
KEPT = ("projection.", "bank.", "noise.")
"""Weights by the beginning of their name whose errors would be heard as wrong levels and tones."""
LARGEST = 64
"""The largest code of a weight. Processors without instructions for such products (AVX2) add two of them in
16 bits, and 2 * 255 * 64 still fits: the sums are exact and the same on every processor."""
END = np.iinfo(np.int64).max
Ranges = Mapping[str, tuple[Floats, Floats]]
"""The lowest and the highest value of each channel, (channels,), of a tensor by its name."""


@dataclass(slots=True)
class _Writer:
    """Nodes in order, and constants that are kept once."""

    model: onnx.ModelProto
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    names: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)

    def constant(self, values: NDArray[Any] | np.generic | list[int]) -> str:
        array = np.asarray(values)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.names:
            self.names[key] = f"int8_{len(self.names)}"
            self.model.graph.initializer.append(numpy_helper.from_array(array, self.names[key]))
        return self.names[key]

    def node(self, operator: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        output = output or f"int8_{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output


def unhalved(model: onnx.ModelProto) -> dict[str, Floats]:
    """Turn weights that are stored as fp16 with a Cast into fp32 ones, in place; all float32 ones by name."""
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in list(model.graph.node):
        if node.op_type == "Cast" and node.input[0] in stored:
            values = numpy_helper.to_array(stored[node.input[0]]).astype(np.float32)
            stored[node.input[0]].CopyFrom(numpy_helper.from_array(values, node.output[0]))
            model.graph.node.remove(node)
    floats = (tensor for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT)
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in floats}


def large_products(model: onnx.ModelProto, weights: Mapping[str, Floats]) -> list[onnx.NodeProto]:
    """The nodes that `quantise` rewrites."""
    return [node for node in model.graph.node if _is_large(node, weights)]


def _is_large(node: onnx.NodeProto, weights: Mapping[str, Floats]) -> bool:
    if node.op_type not in ("MatMul", "Conv", "ConvTranspose") or node.input[1] not in weights:
        return False
    grouped = any(attribute.name == "group" and attribute.i != 1 for attribute in node.attribute)
    return weights[node.input[1]].size >= SMALLEST and not grouped and not node.input[1].startswith(KEPT)


def quantise(model: onnx.ModelProto, weights: Mapping[str, Floats], ranges: Ranges) -> onnx.ModelProto:
    """A copy of the model whose large products are in int8. `ranges` holds the input of each of them.

    Raises ModelBundleError for a convolution of a form that none of our networks has.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    writer = _Writer(made)
    for node in model.graph.node:
        if _is_large(node, weights):
            _product(writer, node, weights, ranges[node.input[0]])
        else:
            writer.nodes.append(node)
    del made.graph.node[:], made.graph.value_info[:]
    made.graph.node.extend(writer.nodes)
    used = {name for node in made.graph.node for name in node.input}
    for tensor in [tensor for tensor in made.graph.initializer if tensor.name not in used]:
        made.graph.initializer.remove(tensor)
    onnx.checker.check_model(made)
    return made


def _product(
    writer: _Writer, node: onnx.NodeProto, weights: Mapping[str, Floats], ranges: tuple[Floats, Floats]
) -> None:
    """Write the int8 form of a product or convolution."""
    weight, share, span = _equalised(node, weights[node.input[1]], ranges)
    scale = [writer.constant(_scale(span)), writer.constant(_zero(span))]
    if node.op_type == "MatMul":
        evened = writer.node("Mul", [node.input[0], writer.constant(share)])
        codes = writer.node("QuantizeLinear", [evened, *scale])
        writer.node("MatMul", _both(writer, codes, scale, weight), node.output[0])
        return
    bias = weights[node.input[2]]
    rows = writer.node("Transpose", [node.input[0]], perm=[0, 2, 1])
    codes = writer.node("QuantizeLinear", [writer.node("Mul", [rows, writer.constant(share)]), *scale])
    form = _form(node, weight)
    if form == "up":
        weight, bias = _lifting(weight), np.tile(bias, 2)
        codes = _shifted(writer, _padded(writer, codes, scale[1], (1, 1)), 3)
    elif form == "down":
        pairs = [_padded(writer, codes, scale[1], (1, 1)), writer.constant([1, -1, 2 * weight.shape[1]])]
        codes = _shifted(writer, writer.node("Reshape", pairs), 2)
    else:
        count = weight.shape[2]
        codes = _shifted(writer, _padded(writer, codes, scale[1], (count // 2, count // 2)), count)
    if form != "up":
        weight = weight.transpose(2, 1, 0).reshape(-1, len(weight))
    made = writer.node("MatMul", _both(writer, codes, scale, weight))
    made = writer.node("Add", [made, writer.constant(bias)])
    if form == "up":  # each row holds two frames
        made = writer.node("Reshape", [made, writer.constant([1, -1, len(bias) // 2])])
    writer.node("Transpose", [made], node.output[0], perm=[0, 2, 1])


def _equalised(
    node: onnx.NodeProto, weight: Floats, ranges: tuple[Floats, Floats]
) -> tuple[Floats, Floats, tuple[float, float]]:
    """The weight, what each channel of the input is to be multiplied with, (channels,), and their span then.

    Half of a channel's size goes over into the weight (SmoothQuant, arXiv 2211.10438): a few loud channels
    would leave the others a handful of codes.
    """
    axis = {"MatMul": 0, "Conv": 1, "ConvTranspose": 0}[node.op_type]
    others = tuple(i for i in range(weight.ndim) if i != axis)
    low, high = ranges
    size, heard = np.maximum(-low, high), np.abs(weight).max(others)
    used = (size > 0) & (heard > 0)
    share = np.sqrt(np.divide(heard, size, out=np.ones_like(size), where=used)).astype(np.float32)
    share[~used] = 1
    shape = [-1 if i == axis else 1 for i in range(weight.ndim)]
    return weight / share.reshape(shape), share, (float((low * share).min()), float((high * share).max()))


def _form(node: onnx.NodeProto, weight: Floats) -> str:
    """Whether a convolution keeps, halves ("down") or doubles ("up") the rate."""
    said = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    stride, pads = list(said.get("strides", [1])), list(said.get("pads", [0, 0]))
    taps, plain = weight.shape[2], list(said.get("dilations", [1])) == [1]
    if plain and (stride, pads, taps) == ([2], [1, 1], 4):
        return "up" if node.op_type == "ConvTranspose" else "down"
    if plain and node.op_type == "Conv" and stride == [1] and pads == [taps // 2] * 2 and taps % 2:
        return "same"
    raise ModelBundleError(f"There is no int8 form of {node.name}.", "Add it to hitpoint_export/int8.")


def _lifting(weight: Floats) -> Floats:
    """(3 * inside, 2 * outside) of a doubling convolution: the frames before, here and after to two new."""
    inside, outside, _ = weight.shape
    rows = np.zeros((3, inside, 2, outside), np.float32)
    rows[0, :, 0], rows[1, :, 0] = weight[..., 3], weight[..., 1]
    rows[1, :, 1], rows[2, :, 1] = weight[..., 2], weight[..., 0]
    return rows.reshape(3 * inside, 2 * outside)


def _padded(writer: _Writer, codes: str, zero: str, sides: tuple[int, int]) -> str:
    """`codes` (1, frames, channels) with silence before and after."""
    if not any(sides):
        return codes
    return writer.node("Pad", [codes, writer.constant([0, sides[0], 0, 0, sides[1], 0]), zero])


def _shifted(writer: _Writer, codes: str, count: int) -> str:
    """Each frame of (1, frames, channels) beside the `count` - 1 after it, (1, fewer, count * channels)."""
    if count == 1:
        return codes
    ends = [*range(1 - count, 0), END]
    parts = [
        writer.node("Slice", [codes, writer.constant([start]), writer.constant([end]), writer.constant([1])])
        for start, end in enumerate(ends)
    ]
    return writer.node("Concat", parts, axis=2)


def _both(writer: _Writer, codes: str, scale: list[str], weight: Floats) -> list[str]:
    """Both sides of a product, dequantised: ONNX Runtime sees the pair and multiplies the codes instead."""
    step = np.maximum(np.abs(weight).max(0) / LARGEST, np.finfo(np.float32).tiny).astype(np.float32)
    rounded = np.round(weight / step).clip(-LARGEST, LARGEST).astype(np.int8)
    right = [writer.constant(rounded), writer.constant(step)]
    return [
        writer.node("DequantizeLinear", [codes, *scale]),
        writer.node("DequantizeLinear", right, axis=1),
    ]


def _scale(span: tuple[float, float]) -> np.float32:
    """Of one code, so that 256 of them reach over the span and 0, which stays exact."""
    low, high = min(span[0], 0.0), max(span[1], 0.0)
    return np.float32(max((high - low) / 255, 1e-8))


def _zero(span: tuple[float, float]) -> np.uint8:
    """The code of 0."""
    return np.uint8(np.clip(round(-min(span[0], 0.0) / float(_scale(span))), 0, 255))
