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
from hitpoint_training.unet import LONGEST

OPSET = 20
SMALL = 32768  # values; smaller tensors stay fp32: a cast costs a node, and they are few


def _axes(port: Port, eighth: torch.export.Dim) -> dict[int, torch.export.Dim]:
    """The free axes: multiples of "T" (itself a multiple of 8) such as "2T"."""
    named = {i: size for i, size in enumerate(port.shape) if isinstance(size, str)}
    return {i: 8 * int(size[:-1] or 1) * eighth for i, size in named.items()}


def export(graph: Graph, path: Path, frames: int = 64) -> None:
    """Trace the module with a free length, and write it as fp32 ONNX."""
    eighth = torch.export.Dim("eighth", min=1, max=LONGEST // 8)
    program = torch.onnx.export(
        graph.module.eval(),
        graph.example(frames),
        dynamo=True,
        opset_version=OPSET,
        input_names=[port.name for port in graph.inputs],
        output_names=[port.name for port in graph.outputs],
        dynamic_shapes=tuple(_axes(port, eighth) for port in graph.inputs),
        optimize=True,
        verbose=False,
    )
    if program is None:
        raise ModelBundleError(f"{graph.name} could not be exported.", "See PyTorch's messages above.")
    program.save(str(path), external_data=False)


def finish(path: Path, graph: Graph) -> None:
    """Take out what does not belong into a shipped file, and halve its weights if so wished."""
    model = onnx.load(path)
    name_products(model, graph.module)
    if graph.halved:
        halve_weights(model)
    forget_origin(model)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def name_products(model: onnx.ModelProto, module: torch.nn.Module) -> None:
    """Give the transposed weights of linear layers their names again, with ".T", so that a bundle can be
    turned back into a run."""
    known = {
        name: parameter.detach().T for name, parameter in module.named_parameters() if parameter.ndim == 2
    }
    names: dict[str, str] = {}
    for tensor in model.graph.initializer:
        values = torch.from_numpy(numpy_helper.to_array(tensor).copy())
        if values.ndim != 2 or not values.is_floating_point():
            continue
        fitting = (
            n for n, wanted in known.items() if wanted.shape == values.shape and torch.equal(wanted, values)
        )
        name = next(fitting, None)
        if name is not None:
            del known[name]  # two layers of the same values are two
            names[tensor.name] = f"{name}.T"
            tensor.name = f"{name}.T"
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = names.get(name, name)


def halve_weights(model: onnx.ModelProto) -> None:
    """Store large fp32 initialisers as fp16 with a Cast, which runtimes fold at load."""
    casts: list[onnx.NodeProto] = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < SMALL or np.abs(values).max() > 6e4:
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
        wanted = graph.module(*inputs)
    feed = {port.name: value.numpy() for port, value in zip(graph.inputs, inputs, strict=True)}
    made = session.run([port.name for port in graph.outputs], feed)
    pairs = zip(made, wanted if isinstance(wanted, tuple) else (wanted,), strict=True)
    return max(float(np.abs(ours - its.numpy()).max() / its.abs().max()) for ours, its in pairs)
