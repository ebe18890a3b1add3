"""Int8 graphs: right in every form, the same in chunks, refused if they sound wrong, exact on any CPU."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from toy_bundle import write_bundle

from hitpoint.backends import onnx as backend
from hitpoint.cue.bundle import STARTER, Bundle, load_bundle
from hitpoint.cue.decode import decode_chunk, identity
from hitpoint.cue.sampler import noise
from hitpoint.cue.sessions import CpuModel
from hitpoint.errors import ModelBundleError
from hitpoint_export.int8.calibrate import PlainModel, Watched
from hitpoint_export.int8.gate import GATES, distance, passes
from hitpoint_export.int8.make import Small, judge, write_small
from hitpoint_export.int8.products import quantise

CHANNELS = 96
FRAMES = 200
LOUD = np.ones((1, 16, CHANNELS), np.float32)


def network() -> onnx.ModelProto:
    """Each form that a large product of ours may have, one after the other; x (1, 96, T)."""
    random = np.random.default_rng(1)
    shapes = {"same": (96, 96, 3), "half": (96, 96, 4), "twice": (96, 96, 4), "rows": (96, 256)}
    constants = [
        numpy_helper.from_array(random.normal(0, 0.1, shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    constants.append(numpy_helper.from_array(random.normal(0, 1, 96).astype(np.float32), "bias"))
    nodes = [
        helper.make_node("Conv", ["x", "same", "bias"], ["a"], pads=[1, 1]),
        helper.make_node("Conv", ["a", "half", "bias"], ["b"], pads=[1, 1], strides=[2]),
        helper.make_node("ConvTranspose", ["b", "twice", "bias"], ["c"], pads=[1, 1], strides=[2]),
        helper.make_node("Transpose", ["c"], ["d"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["d", "rows"], ["y"]),
    ]
    ports = [
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, CHANNELS, "T"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "T", 256])],
    ]
    graph = helper.make_graph(nodes, "forms", *ports, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def ran(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    made: np.ndarray = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    return made


def test_every_form_comes_near_float32_at_any_length() -> None:
    model = network()
    random = np.random.default_rng(2)
    loud = np.ones((1, CHANNELS, 1), np.float32)
    loud[:, :3] = 30  # channels that would leave the others no codes
    watched = Watched(model.SerializeToString())
    watched.run({"x": loud * random.standard_normal((1, CHANNELS, 512)).astype(np.float32)})
    small = quantise(watched.model, watched.weights, watched.ranges)
    kinds = {tensor.name: tensor.data_type for tensor in small.graph.initializer}
    products = [node for node in small.graph.node if node.op_type == "DequantizeLinear"]
    assert sum(kinds.get(node.input[0]) == TensorProto.INT8 for node in products) == 4
    assert not {node.op_type for node in small.graph.node} & {"Conv", "ConvTranspose"}
    for frames in (8, 72):
        x = loud * random.standard_normal((1, CHANNELS, frames)).astype(np.float32)
        wanted, made = ran(model, x), ran(small, x)
        assert made.shape == wanted.shape
        assert np.sqrt(np.mean((made - wanted) ** 2) / np.mean(wanted**2)) < 0.06  # of four in a row


def test_a_form_without_an_int8_one_is_named() -> None:
    model = network()
    model.graph.node[0].attribute.append(helper.make_attribute("dilations", [2]))
    model.graph.node[0].attribute[0].CopyFrom(helper.make_attribute("pads", [2, 2]))
    watched = Watched(model.SerializeToString())
    watched.run({"x": np.ones((1, CHANNELS, 64), np.float32)})
    with pytest.raises(ModelBundleError, match="no int8 form"):
        quantise(watched.model, watched.weights, watched.ranges)


@pytest.fixture(scope="module")
def small() -> Bundle:
    """The starter bundle with an int8 decoder made from noise latents."""
    bundle = replace(load_bundle(STARTER), int8={})
    watched = Watched(bundle.decode)
    z = noise(5, 0, bundle.manifest.latent_channels, 0, FRAMES)[None]
    positions = np.arange(2 * FRAMES, dtype=np.float32)
    watched.run({"z": z, "positions": positions, "frame": np.zeros(1, np.int64)})
    data = quantise(watched.model, watched.weights, watched.ranges).SerializeToString()
    return replace(bundle, int8={"decode": data})


def test_chunks_in_int8_equal_the_whole(small: Bundle) -> None:
    model, manifest = PlainModel(replace(small, decode=small.int8["decode"])), small.manifest
    z = noise(3, 0, manifest.latent_channels, 0, FRAMES)
    positions = identity(FRAMES) + 5 * np.sin(np.arange(2 * FRAMES) / 40)
    positions = positions.clip(0, 2 * FRAMES - 1)
    whole = decode_chunk(model, manifest, z, positions, 0, FRAMES)
    parts = [decode_chunk(model, manifest, z, positions, a, b) for a, b in pairwise([0, 40, 64, 133, FRAMES])]
    assert np.abs(np.concatenate(parts, axis=1) - whole).max() < 1e-6 * np.abs(whole).max()


def test_cpu_takes_what_the_bundle_has_in_int8(small: Bundle) -> None:
    """On any processor; `cpu-fp32` never does, and the result says which ran."""
    z = noise(4, 0, small.manifest.latent_channels, 0, 64)[None]

    def made(bundle: Bundle, wanted: str) -> tuple[np.ndarray, str]:
        model = CpuModel(bundle, threads=1, backend=wanted)
        return model.spectrum(z, np.arange(128, dtype=np.float32), 0), model.backend

    float32, plain = made(small, "cpu-fp32")
    without, why = made(replace(small, int8={}), "cpu")
    int8, how = made(small, "cpu")
    assert plain == "cpu-fp32: asked for; float32"
    assert why == "cpu: asked for; float32, as the bundle has no int8 graphs"
    assert how == "cpu: asked for; decode in int8"
    assert np.array_equal(without, float32)
    assert not np.array_equal(int8, float32)


def test_sums_of_the_largest_codes_are_exact_on_every_processor() -> None:
    """Without instructions for int8 products, pairs of them are added in 16 bits, which must not overflow."""
    model = onnx.ModelProto()
    model.CopyFrom(network())
    del model.graph.node[:], model.graph.input[:]
    model.graph.node.append(helper.make_node("MatMul", ["x", "rows"], ["y"]))
    model.graph.input.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "T", CHANNELS]))
    signs = np.sign(np.random.default_rng(2).normal(size=256)).astype(np.float32)
    weights = {"rows": np.tile(signs, (CHANNELS, 1))}  # all of them as large as any of their output
    made = ran(quantise(model, weights, {"x": (np.zeros(CHANNELS), np.ones(CHANNELS))}), x=LOUD)
    assert np.allclose(made, LOUD @ weights["rows"], rtol=1e-3)


def test_the_gate_lets_a_good_graph_in_and_keeps_a_bad_one_out(tmp_path: Path) -> None:
    toy = load_bundle(write_bundle(tmp_path))
    good = Small("decode", toy.decode, judge(toy, "decode", toy.decode))
    assert good.found.spectral_convergence == 0
    bad = Small("decode", louder(toy.decode), judge(toy, "decode", louder(toy.decode)))
    assert GATES["decode"] < bad.found.spectral_convergence < 0.25  # a tenth louder
    entries = write_small((good,), tmp_path)
    accept(tmp_path, entries)
    assert load_bundle(tmp_path).int8 == {"decode": toy.decode}
    assert write_small((bad,), tmp_path) == {}
    assert not (tmp_path / "decode_int8.onnx").exists()


def louder(data: bytes) -> bytes:
    """The decoder of the toy bundle with all sound a tenth louder."""
    model = onnx.load_model_from_string(data)
    model.graph.initializer.append(numpy_helper.from_array(np.float32(1.1), "tenth"))
    for node in model.graph.node:
        for at, name in enumerate(node.output):
            if name == "spectrum":
                node.output[at] = "quieter"
    model.graph.node.append(helper.make_node("Mul", ["quieter", "tenth"], ["spectrum"]))
    made: bytes = model.SerializeToString()
    return made


def test_not_a_number_does_not_pass() -> None:
    sound = np.random.default_rng(1).standard_normal((2, 20_000)).astype(np.float32)
    assert passes("step", distance(sound, sound))
    assert not passes("step", distance(sound * np.float32("nan"), sound))


def accept(folder: Path, entries: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"int8": entries}))


def vouched(folder: Path, data: bytes, graph: str = "decode") -> None:
    """An int8 graph in a bundle, with a manifest that vouches for it."""
    (folder / "other.onnx").write_bytes(data)
    entry = {"file": "other.onnx", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    accept(folder, {graph: entry})


def test_a_changed_or_foreign_int8_graph_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    data = (folder / "decode.onnx").read_bytes()
    vouched(folder, data)
    assert load_bundle(folder).int8["decode"] == data
    (folder / "other.onnx").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ModelBundleError, match="was changed"):
        load_bundle(folder)
    model = onnx.load_model_from_string(data)
    model.graph.node[0].op_type = "Loop"
    vouched(folder, model.SerializeToString())
    with pytest.raises(ModelBundleError, match="Loop"):
        load_bundle(folder)
    vouched(folder, data, "cond")
    with pytest.raises(ModelBundleError, match="damaged"):
        load_bundle(folder)
    vouched(folder, (folder / "step.onnx").read_bytes())
    bundle = load_bundle(folder)
    with pytest.raises(ModelBundleError, match="promised"):
        backend._load(bundle.int8["decode"], bundle.manifest.graph("decode"), "cpu", 1)
