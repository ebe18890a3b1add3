"""The two pose networks as the Tasks API wants them: with their input normalisation, without the mask."""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any


def with_normalisation(content: bytes, mean: float, std: float) -> bytes:
    """The network with it written down that it reads (pixel - mean) / std, pixels from 0 to 255."""
    with _version_module():
        from mediapipe.tasks.python.metadata.metadata_writers.metadata_writer import MetadataWriter

        writer = MetadataWriter.create(bytearray(content))
        writer.add_image_input([mean], [std])
        bundled = bytes(writer.populate()[0])
        del writer
        gc.collect()  # it is in a cycle, and its finaliser complains when it runs as the program ends
        return bundled


def without_output(content: bytes, shape: Sequence[int], instead: Sequence[int]) -> bytes:
    """The network without the operators that only the output of `shape` needs.

    The API asks for the number of outputs that it knows, so the output of shape `instead` is given a second
    time in its place. All other outputs stay the same to the bit.
    """
    import flatbuffers
    from mediapipe.tasks.metadata import schema_py_generated as schema

    model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    graph: Any = model.subgraphs[0]  # generated code: its types leave open what a file holds
    by_shape = {tuple(graph.tensors[tensor].shape): tensor for tensor in graph.outputs}
    gone, given = by_shape[tuple(shape)], by_shape[tuple(instead)]
    graph.outputs = [given if tensor == gone else tensor for tensor in graph.outputs]
    maker = {tensor: index for index, made in enumerate(graph.operators) for tensor in made.outputs}
    needed: set[int] = set()
    wanted = list(graph.outputs)
    while wanted:
        index = maker.get(wanted.pop())
        if index is not None and index not in needed:
            needed.add(index)
            wanted.extend(graph.operators[index].inputs)
    graph.operators = [made for index, made in enumerate(graph.operators) if index in needed]
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@contextmanager
def _version_module() -> Generator[None]:
    """Stand in for the one C++ module that mediapipe's metadata writer wants and its wheel does not bring."""
    name = "mediapipe.tasks.cc.metadata.python._pywrap_metadata_version"
    parts = name.split(".")
    modules = {".".join(parts[:n]): types.ModuleType(parts[n - 1]) for n in range(3, len(parts) + 1)}
    modules[name].GetMinimumMetadataParserVersion = lambda _: "1.0.0"  # type: ignore[attr-defined]
    modules[name.rpartition(".")[0]]._pywrap_metadata_version = modules[name]  # type: ignore[attr-defined]
    missing = {key: module for key, module in modules.items() if key not in sys.modules}
    sys.modules.update(missing)
    try:
        yield
    finally:
        for key in missing:
            del sys.modules[key]
