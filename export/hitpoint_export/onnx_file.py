"""One graph to one ONNX file: opset 20, no external data, weights as fp16 that are cast when loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper

from hitpoint.errors import ModelBundleError
from hitpoint_export.graphs import Graph, Port

OPSET = 20
_SMALL = 256  # values; smaller tensors stay fp32 (norms, biases, constants)


def _axes(port: Port, batch: torch.export.Dim, eighth: torch.export.Dim) -> dict[int, torch.export.Dim]:
    """The free axes: "B", and multiples of "T" (itself a multiple of 8) such as "2T"."""
    named = {i: size for i, size in enumerate(port.shape) if isinstance(size, str)}
    return {i: batch if size == "B" else 8 * int(size[:-1] or 1) * eighth for i, size in named.items()}


def export(graph: Graph, path: Path, frames: int = 64) -> None:
    """Trace the module with free batch and length, and write it as fp32 ONNX."""
    batch, eighth = torch.export.Dim("B", min=1, max=64), torch.export.Dim("eighth", min=1, max=4096)
    program = torch.onnx.export(
        graph.module.eval(),
        graph.example(frames),
        dynamo=True,
        opset_version=OPSET,
        input_names=[port.name for port in graph.inputs],
        output_names=[port.name for port in graph.outputs],
        dynamic_shapes=tuple(_axes(port, batch, eighth) for port in graph.inputs),
        optimize=True,
        verbose=False,
    )
    if program is None:
        raise ModelBundleError(f"{graph.name} could not be exported.", "See PyTorch's messages above.")
    program.save(str(path), external_data=False)


def finish(path: Path, halved: bool) -> None:
    """Take out what does not belong into a shipped file, and halve its weights if so wished."""
    model = onnx.load(path)
    if halved:
        halve_weights(model)
    forget_origin(model)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def halve_weights(model: onnx.ModelProto) -> None:
    """Store large fp32 initialisers as fp16 with a Cast, which runtimes fold at load."""
    casts: list[onnx.NodeProto] = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < _SMALL or np.abs(values).max() > 6e4:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def forget_origin(model: onnx.ModelProto) -> None:
    """Take out the exporter's notes: stack traces of every node, with the paths of whoever exported it."""
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""


def largest_difference(graph: Graph, path: Path, frames: int) -> float:
    """Of ONNX Runtime against PyTorch, relative to the largest output, at another length than traced."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = graph.example(frames)
    with torch.no_grad():
        wanted = graph.module(*inputs).numpy()
    feed = {port.name: value.numpy() for port, value in zip(graph.inputs, inputs, strict=True)}
    made = session.run(None, feed)[0]
    return float(np.abs(made - wanted).max() / np.abs(wanted).max())
