"""A trained run to a bundle folder: its graphs and a manifest that says everything about them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from hitpoint.cue.bundle import SCHEMA, load_bundle
from hitpoint.cue.plan import LOOK_NAMES, STYLES
from hitpoint.cue.tracks import LATENT_RATE, TRACK_NAMES
from hitpoint.errors import ModelBundleError
from hitpoint.values import GUIDANCE, SAMPLE_RATE, STEPS
from hitpoint_export.graphs import Graph, Port, graphs
from hitpoint_export.int8.make import Small, small_graphs, write_small
from hitpoint_export.onnx_file import OPSET, export, finish, largest_difference
from hitpoint_training.backbones import generator_of
from hitpoint_training.decoder import SIZE, Decoder
from hitpoint_training.loop import Progressed, load_mean
from hitpoint_training.mel import HOP
from hitpoint_training.recipe import Recipe
from hitpoint_training.unet import Generator

LARGEST = 65_000_000  # bytes of a whole bundle, int8 graphs included
_TOLERANCE_FP32, _TOLERANCE_FP16 = 1e-4, 1e-2
_SELF_TEST_FRAMES = 64
DATA_SHEET = (
    "Trained only on music that this repository composed from random seeds and rendered with FluidSynth "
    "and the FluidR3Mono SoundFont (MIT licence). No recording, no performance and no third-party "
    "composition was used. Instrumental, equal-tempered at A = 440 Hz; sixteen styles, 4/4, 3/4 and 6/8. It "
    "imitates the arranger of this repository and knows no other music: no voices, no live players."
)


@dataclass(frozen=True, slots=True)
class Parity:
    """How far ONNX Runtime is from PyTorch for one graph, relative to the largest output value."""

    graph: str
    full: float  # fp32 weights
    half: float  # as shipped


def load_run(recipe: Recipe) -> tuple[Decoder, Generator, tuple[Progressed, Progressed]]:
    """The averaged weights of both stages, and how long each was trained."""
    decoder = Decoder(recipe.codec.latent, recipe.codec.width, recipe.codec.blocks)
    generator = generator_of(recipe.codec.latent, recipe.flow)
    codec = load_mean(recipe.run / "codec.safetensors", decoder)
    flow = load_mean(recipe.run / "flow.safetensors", generator)
    return decoder.eval(), generator.eval(), (codec, flow)


def export_graph(graph: Graph, folder: Path) -> Parity:
    """Write one graph and compare it, at a length that it was not traced with.

    Raises `ModelBundleError` if it differs from PyTorch by more than rounding.
    """
    path = folder / f"{graph.name}.onnx"
    export(graph, path)
    full = largest_difference(graph, path, 96)
    finish(path, graph)
    parity = Parity(graph.name, full, largest_difference(graph, path, 96))
    if parity.full > _TOLERANCE_FP32 or parity.half > _TOLERANCE_FP16:
        raise ModelBundleError(f"{path.name} differs from PyTorch: {parity}.", "Do not ship this bundle.")
    return parity


def _describe(graph: Graph, folder: Path) -> dict[str, object]:
    """The manifest's entry of one graph."""
    data = (folder / f"{graph.name}.onnx").read_bytes()
    return {
        "file": f"{graph.name}.onnx",
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "inputs": [_tensor(port) for port in graph.inputs],
        "outputs": [_tensor(port) for port in graph.outputs],
    }


def _tensor(port: Port) -> dict[str, object]:
    return {"name": port.name, "type": port.kind, "shape": list(port.shape)}


def self_test(folder: Path, described: dict[str, Any], seed: int) -> dict[str, object]:
    """Statistics of what each graph of a manifest makes of seeded numbers, for a check after installation."""
    random = np.random.default_rng(seed)
    answers: dict[str, object] = {"seed": seed, "frames": _SELF_TEST_FRAMES}
    for entry in described.values():
        feed = {port["name"]: _drawn(port, random) for port in entry["inputs"]}
        session = onnxruntime.InferenceSession(folder / entry["file"], providers=["CPUExecutionProvider"])
        names = [port["name"] for port in entry["outputs"]]
        for name, made in zip(names, session.run(names, feed), strict=True):
            answers[name] = {"mean": float(np.mean(made)), "standard_deviation": float(np.std(made))}
    return answers


def _drawn(port: dict[str, Any], random: np.random.Generator) -> NDArray[Any]:
    """Uniform numbers from 0 to 1 in the shape of a port, or zeros where it wants whole ones."""
    free = {size: _SELF_TEST_FRAMES * int(size[:-1] or 1) for size in port["shape"] if isinstance(size, str)}
    shape = [free.get(size, size) for size in port["shape"]]
    return random.random(shape, np.float32) if port["type"] == "float32" else np.zeros(shape, np.int64)


def build(recipe: Recipe, folder: Path, version: str) -> tuple[tuple[Parity, ...], tuple[Small, ...]]:
    """Export a run into `folder` and write its manifest; returns the parity of each graph, and the int8
    graphs, of which those that pass their gate are in the bundle."""
    folder.mkdir(parents=True, exist_ok=True)
    decoder, generator, (codec, flow) = load_run(recipe)
    all_graphs = graphs(decoder, generator, recipe.codec.latent, recipe.flow)
    parities = tuple(export_graph(graph, folder) for graph in all_graphs)
    described = {graph.name: _describe(graph, folder) for graph in all_graphs}
    longest = max(recipe.flow.windows)
    manifest: dict[str, Any] = {
        "schema": SCHEMA,
        "name": recipe.name,
        "version": version,
        "licence": "Apache-2.0",
        "data_sheet": DATA_SHEET,
        "opset": OPSET,
        "sample_rate": SAMPLE_RATE,
        "latent_rate": LATENT_RATE,
        "latent_channels": recipe.codec.latent,
        "window": {"frames": longest, "known": longest // 4, "minimum": min(recipe.flow.windows)},
        "codec": {"n_fft": SIZE, "hop": HOP, "halo": decoder.halo},
        "default_steps": STEPS,
        "default_guidance": GUIDANCE,
        "styles": list(STYLES),
        "tracks": list(TRACK_NAMES),
        "looks": list(LOOK_NAMES),
        "training": {
            "device": recipe.device,
            "seed": recipe.seed,
            "codec_minutes": round(codec.seconds / 60, 1),
            "codec_steps": codec.step,
            "flow_minutes": round(flow.seconds / 60, 1),
            "flow_steps": flow.step,
        },
        "graphs": described,
        "parity": {p.graph: {"fp32": p.full, "fp16_weights": p.half} for p in parities},
        "self_test": self_test(folder, described, recipe.seed),
    }
    _write(folder, manifest)
    smalls = small_graphs(load_bundle(folder))
    _write(folder, manifest | {"int8": write_small(smalls, folder)})
    return parities, smalls


def _write(folder: Path, manifest: dict[str, Any]) -> None:
    """The manifest, if the graphs are small enough. Raises ModelBundleError."""
    files = [entry["file"] for part in ("graphs", "int8") for entry in manifest.get(part, {}).values()]
    total = sum((folder / file).stat().st_size for file in files)
    if total > LARGEST:
        raise ModelBundleError(f"The bundle has {total / 1e6:.1f} MB.", "Use a smaller recipe.")
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
