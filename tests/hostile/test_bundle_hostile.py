"""Bundles that must be refused before any model parser sees them, each with a named error."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from toy_bundle import write_bundle

from hitpoint.cue.bundle import SCHEMA, load_bundle
from hitpoint.cue.onnx_scan import scan_model
from hitpoint.cue.sessions import CpuModel
from hitpoint.errors import ModelBundleError


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle")


def edit(folder: Path, change: Callable[[dict], None]) -> None:
    """Change the manifest."""
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def replace_graph(folder: Path, name: str, data: bytes) -> None:
    """Put another graph in, with a manifest that vouches for it: what a malicious maker would do."""
    (folder / f"{name}.onnx").write_bytes(data)
    entry = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    edit(folder, lambda content: content["graphs"][name].update(entry))


def remodel(folder: Path, change: Callable[[onnx.ModelProto], None], name: str = "step") -> None:
    model = onnx.load(folder / f"{name}.onnx")
    change(model)
    replace_graph(folder, name, model.SerializeToString())


def refused(folder: Path) -> str:
    with pytest.raises(ModelBundleError) as caught:
        load_bundle(folder)
    assert caught.value.what
    assert caught.value.todo
    return str(caught.value)


def test_toy_bundle_is_accepted(bundle: Path) -> None:
    assert load_bundle(bundle).id.name == "toy"


def test_missing_folder(tmp_path: Path) -> None:
    refused(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["manifest.json", "cond.onnx", "step.onnx", "decode.onnx"])
def test_missing_file(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    refused(bundle)


@pytest.mark.parametrize("name", ["cond", "step", "decode"])
def test_one_changed_byte(bundle: Path, name: str) -> None:
    path = bundle / f"{name}.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    assert "changed" in refused(bundle)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_truncated(bundle: Path, share: float) -> None:
    data = (bundle / "step.onnx").read_bytes()
    (bundle / "step.onnx").write_bytes(data[: int(len(data) * share)])
    refused(bundle)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_truncated_and_vouched_for(bundle: Path, share: float) -> None:
    data = (bundle / "step.onnx").read_bytes()
    replace_graph(bundle, "step", data[: int(len(data) * share)])
    refused(bundle)


@pytest.mark.parametrize(
    "name",
    ["../step.onnx", "/etc/passwd", "a/../step.onnx", "..", "", "step\x00.onnx", "C:\\x.onnx", ".hidden", 7],
)
def test_path_traversal(bundle: Path, name: object) -> None:
    edit(bundle, lambda content: content["graphs"]["step"].update(file=name))
    refused(bundle)


def test_symlink(bundle: Path, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere.onnx"
    (bundle / "step.onnx").rename(real)
    (bundle / "step.onnx").symlink_to(real)
    refused(bundle)


def test_fifo_does_not_hang(bundle: Path) -> None:
    (bundle / "step.onnx").unlink()
    os.mkfifo(bundle / "step.onnx")
    refused(bundle)


def test_folder_in_place_of_a_file(bundle: Path) -> None:
    (bundle / "step.onnx").unlink()
    (bundle / "step.onnx").mkdir()
    refused(bundle)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"schema": 1}', "[" * 100_000, '{"schema": NaN}', "\ufeff{}"]
)
def test_broken_manifest(bundle: Path, text: str) -> None:
    (bundle / "manifest.json").write_text(text)
    refused(bundle)


def test_manifest_that_is_no_text(bundle: Path) -> None:
    (bundle / "manifest.json").write_bytes(b"\xff\xfe\x00{")
    refused(bundle)


def test_huge_manifest(bundle: Path) -> None:
    with (bundle / "manifest.json").open("wb") as file:
        file.truncate(1 << 34)
    refused(bundle)


def test_newer_bundle_says_update(bundle: Path) -> None:
    edit(bundle, lambda content: content.update(schema=SCHEMA + 1))
    assert "Update" in refused(bundle)


def test_older_bundle_asks_for_a_newer_one(bundle: Path) -> None:
    edit(bundle, lambda content: content.update(schema=1))
    assert "newer bundle" in refused(bundle)


@pytest.mark.parametrize(
    "change",
    [
        {"latent_channels": -1},
        {"latent_channels": 10**9},
        {"latent_channels": True},
        {"window": {"frames": 255, "known": 96, "minimum": 128}},
        {"window": {"frames": 96, "known": 96, "minimum": 128}},
        {"sample_rate": 44100},
        {"codec": {"n_fft": 2048, "hop": 0, "halo": 0}},
        {"graphs": {}},
        {"name": "../../x"},
    ],
)
def test_impossible_values(bundle: Path, change: dict[str, object]) -> None:
    edit(bundle, lambda content: content.update(change))
    refused(bundle)


def test_external_data(bundle: Path) -> None:
    def outside(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../../etc/passwd")

    remodel(bundle, outside)
    assert "another file" in refused(bundle)


def test_external_data_in_an_attribute(bundle: Path) -> None:
    def outside(model: onnx.ModelProto) -> None:
        tensor = numpy_helper.from_array(np.zeros(1, np.float32), "t")
        tensor.external_data.add(key="location", value="weights.bin")
        model.graph.node.append(helper.make_node("Constant", [], ["unused"], value=tensor))

    remodel(bundle, outside)
    assert "another file" in refused(bundle)


def test_foreign_domain(bundle: Path) -> None:
    def foreign(model: onnx.ModelProto) -> None:
        model.graph.node[0].domain = "com.evil"
        model.opset_import.append(helper.make_opsetid("com.evil", 1))

    remodel(bundle, foreign)
    assert "com.evil" in refused(bundle)


@pytest.mark.parametrize("operator", ["Loop", "If", "Scan", "RandomNormal", "NotAnOperator", "FusedGemm"])
def test_operator_that_is_not_arithmetic(bundle: Path, operator: str) -> None:
    remodel(bundle, lambda model: model.graph.node.append(helper.make_node(operator, [], ["unused"])))
    assert operator in refused(bundle)


def test_graph_within_a_graph(bundle: Path) -> None:
    def nest(model: onnx.ModelProto) -> None:
        model.graph.node.append(helper.make_node("Identity", ["x"], ["unused"], body=model.graph))

    remodel(bundle, nest)
    assert "graph inside" in refused(bundle)


def test_own_functions(bundle: Path) -> None:
    def define(model: onnx.ModelProto) -> None:
        node = helper.make_node("Identity", ["a"], ["b"])
        model.functions.append(
            helper.make_function("local", "f", ["a"], ["b"], [node], [helper.make_opsetid("", 20)])
        )

    remodel(bundle, define)
    assert "functions" in refused(bundle)


@pytest.mark.parametrize("data", [b"\x80\x04\x95pickle", b"PK\x03\x04", b"\x00" * 64, b"ptrt" * 100])
def test_what_is_no_model(bundle: Path, data: bytes) -> None:
    replace_graph(bundle, "step", data)
    refused(bundle)


def test_other_inputs_than_promised(bundle: Path) -> None:
    edit(bundle, lambda content: content["graphs"]["step"]["inputs"][0].update(name="y"))
    with pytest.raises(ModelBundleError, match="than promised"):
        CpuModel(load_bundle(bundle), threads=1)


def test_other_shape_than_promised(bundle: Path) -> None:
    edit(bundle, lambda content: content["graphs"]["step"]["inputs"][0].update(shape=["B", 9, "T"]))
    with pytest.raises(ModelBundleError, match="promised"):
        CpuModel(load_bundle(bundle), threads=1)


def test_thousands_of_vouched_for_mutants_end_in_a_named_error_or_in_a_scan() -> None:
    """The protobuf walk itself must never fail in another way, whatever it meets."""
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in "xy"]
    seed = helper.make_model(helper.make_graph(nodes, "g", ports[:1], ports[1:])).SerializeToString()
    rng = np.random.default_rng(1)
    outcomes = {"scanned": 0, "refused": 0}
    for _ in range(1_500):
        data = bytearray(seed)
        for place in rng.integers(0, len(data), rng.integers(1, 6)):
            data[place] = rng.integers(0, 256)
        try:
            scan_model(bytes(data[: rng.integers(1, len(data) + 1)]))
            outcomes["scanned"] += 1
        except ModelBundleError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 5
