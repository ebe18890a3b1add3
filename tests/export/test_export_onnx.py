"""A tiny run goes through the real exporter and comes out as a bundle that the engine accepts and runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from hitpoint.cue.bundle import load_bundle
from hitpoint.cue.decode import decode_chunk, identity
from hitpoint.cue.generate import Composer, Sampling
from hitpoint.cue.plan import Accent, Chord, CuePlan, Section
from hitpoint.cue.sessions import CpuModel
from hitpoint.errors import ModelBundleError
from hitpoint.progress import Progress
from hitpoint_export import bundle as bundles
from hitpoint_export import onnx_file
from hitpoint_export.graphs import graphs
from hitpoint_training.decoder import Decoder, sound
from hitpoint_training.loop import Progressed, save
from hitpoint_training.mel import FEATURES, LogMel
from hitpoint_training.recipe import CodecRecipe, FlowRecipe, Recipe
from hitpoint_training.unet import Generator

PLAN = CuePlan(
    3.0, 2.5, "pop", 120.0, 4, (0.0, 0.5, 1.0, 1.5, 2.0, 2.5), (0.0, 2.0), (Accent(1.0, 1.0),),
    (Chord(0.0, 0, (0, 4, 7), 0),), (Section(0.0, "groove", 0.5),), 0, False,
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recipe, Path]:
    """A random, tiny run on disk, and the bundle that was built from it."""
    torch.manual_seed(11)
    folder = tmp_path_factory.mktemp("run")
    codec = CodecRecipe(latent=8, width=16, blocks=1)
    flow = FlowRecipe(channels=(8, 16), context=8, embedding=8, heads=2, windows=(64, 128))
    recipe = Recipe("tiny", folder, folder, "cpu", 1, 1, codec, flow)
    decoder, generator = Decoder(8, 16, 1), Generator(8, flow)
    decoder.projection.fit(torch.randn(400, 2 * FEATURES))
    for parameter in generator.parameters():
        if parameter.abs().max() == 0:
            nn.init.normal_(parameter, std=0.1)
    for name, model in (("codec", decoder), ("flow", generator)):
        optimizer = torch.optim.AdamW(model.parameters())
        save(folder / f"{name}.safetensors", model, model, optimizer, Progressed(3, 90.0))
    bundles.build(recipe, folder / "bundle", "0.0.1")
    return recipe, folder / "bundle"


def test_the_engine_accepts_it_and_makes_sound(run: tuple[Recipe, Path]) -> None:
    bundle = load_bundle(run[1])
    model = CpuModel(bundle, threads=1)
    z = Composer(PLAN, model, bundle.manifest, Sampling(1, 2, 2.0), Progress()).compose()
    made = decode_chunk(model, bundle.manifest, z, identity(z.shape[1]), 0, 150)
    assert made.shape == (2, 3 * 48_000)
    assert bool(np.isfinite(made).all())
    assert float(np.abs(made).max()) > 1e-6


def test_engine_sound_equals_torch_sound(run: tuple[Recipe, Path]) -> None:
    """The engine's numpy overlap-add over chunks against torch.istft over the whole."""
    recipe, folder = run
    decoder, _, _ = bundles.load_run(recipe)
    bundle = load_bundle(folder)
    z = np.random.default_rng(2).standard_normal((8, 96)).astype(np.float32)
    model = CpuModel(bundle, threads=1, backend="cpu-fp32")
    chunk = decode_chunk(model, bundle.manifest, z, identity(96), 40, 60)
    with torch.no_grad():
        mel = decoder.projection.decode(torch.from_numpy(z)[None])
        whole = sound(decoder.spectrum(mel, *decoder.heads(mel), torch.tensor([0])))[0].numpy()
    wanted = whole[:, 40 * 960 : 60 * 960]
    assert np.abs(chunk - wanted).max() < 0.01 * np.abs(wanted).max()  # fp16 weights


def test_the_encoder_hears_what_the_training_heard(run: tuple[Recipe, Path]) -> None:
    """Through ONNX Runtime, from the bytes that the engine accepted, at a length that was not traced."""
    encode = load_bundle(run[1]).encode
    assert encode is not None
    sound = 0.1 * np.random.default_rng(3).standard_normal((1, 2, 960 * 40)).astype(np.float32)
    made = onnxruntime.InferenceSession(encode).run(None, {"sound": sound})[0]
    projection = bundles.load_run(run[0])[0].projection
    wanted = projection.encode(LogMel()(torch.from_numpy(sound))).numpy()
    assert made.shape == wanted.shape == (1, 8, 40)
    assert np.abs(made - wanted).max() < 1e-3 * np.abs(wanted).max()
    assert len(encode) < 3_000_000


def test_a_bundle_may_come_without_an_encoder_and_with_no_other_graph(
    run: tuple[Recipe, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(run[1], folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    encode = manifest["graphs"].pop("encode")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert load_bundle(folder).encode is None
    manifest["graphs"]["other"] = encode
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelBundleError, match="damaged"):
        load_bundle(folder)


def test_weights_are_halved_and_nothing_is_outside(run: tuple[Recipe, Path]) -> None:
    for file in run[1].glob("*.onnx"):
        model = onnx.load(file)
        kinds = {t.data_type for t in model.graph.initializer if np.prod(t.dims) >= onnx_file.SMALL}
        assert (onnx.TensorProto.FLOAT in kinds) == (file.name == "encode.onnx")
        assert all(t.data_location == onnx.TensorProto.DEFAULT for t in model.graph.initializer)
        assert model.opset_import[0].version == 20


def test_manifest_self_test_can_be_repeated(run: tuple[Recipe, Path]) -> None:
    manifest = json.loads((run[1] / "manifest.json").read_text())
    wanted = manifest["self_test"]
    again = bundles.self_test(run[1], manifest["graphs"], wanted["seed"])
    for name in ("keys", "v", "spectrum"):
        assert again[name] == pytest.approx(wanted[name], rel=1e-4, abs=1e-6)
    other = bundles.self_test(run[1], manifest["graphs"], 999)
    assert other["v"] != pytest.approx(wanted["v"], rel=1e-4)


def test_a_graph_that_differs_from_torch_is_not_shipped(
    run: tuple[Recipe, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = run[0]
    decoder, generator, _ = bundles.load_run(recipe)
    conditioner = graphs(decoder, generator, 8, recipe.flow)[0]
    export = bundles.export

    def spoilt(graph: object, path: Path) -> None:
        export(conditioner, path)
        model = onnx.load(path)
        tensor = next(t for t in model.graph.initializer if len(t.dims) == 2)
        values = onnx.numpy_helper.to_array(tensor) * 1.05
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
        onnx.save(model, path)

    monkeypatch.setattr(bundles, "export", spoilt)
    with pytest.raises(ModelBundleError, match="differs"):
        bundles.export_graph(conditioner, tmp_path)
