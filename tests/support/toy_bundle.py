"""A bundle whose music is known exactly: a burst of noise at every accent, a set time too late.

Its flow is the exact one of a single data point per condition, v = (x - x_0) / t, so any sampler that is
right ends at x_0 whatever its steps. x_0 is a filtered accent track; accents weaker than `DEAF` are mute.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hitpoint.cue.plan import Accent, Chord, CuePlan, Section
from hitpoint.cue.tokens import LOOKS, SCENE_FEATURES, SCENES, TOKENS, VISUAL
from hitpoint.cue.tracks import GLOBALS, TRACKS

CHANNELS = 8
BINS = 1025
TABLE = 211  # frames of noise before it repeats
DEAF = 0.3
LATE_FRAMES = 2  # latent frames of 20 ms
KEPT_NOISE = 0.03
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def _constant(name: str, value: object, kind: type = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value, kind), name)


def _save(name: str, nodes, inputs, outputs, constants) -> bytes:
    ports = [
        [helper.make_tensor_value_info(n, kind, shape) for n, kind, shape in side]
        for side in (inputs, outputs)
    ]
    graph = helper.make_graph(nodes, name, *ports, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _ports(side) -> list[dict[str, object]]:
    kinds = {FLOAT: "float32", INT64: "int64"}
    return [{"name": name, "type": kinds[kind], "shape": list(shape)} for name, kind, shape in side]


def cond_graph():
    node = helper.make_node
    inputs = [("style", INT64, [1]), ("globals", FLOAT, [1, GLOBALS]),
              ("looks", FLOAT, [1, VISUAL, LOOKS]),
              ("scenes", FLOAT, [1, SCENES, SCENE_FEATURES]), ("tracks", FLOAT, [1, TRACKS, "T"]),
              ("transitions", FLOAT, [1, 1, "T"])]  # fmt: skip
    outputs = [("vector", FLOAT, [1, 2 * GLOBALS])]
    nodes = [
        node("Cast", ["style"], ["s"], to=FLOAT),
        node("Reshape", ["s", "column"], ["s1"]),
        node("ReduceSum", ["looks", "axes"], ["e"], keepdims=0),
        node("ReduceSum", ["e", "last"], ["e1"], keepdims=1),
        node("Add", ["s1", "e1"], ["se"]),
        node("Add", ["globals", "se"], ["g"]),
        node("Concat", ["g", "g"], ["vector"], axis=1),
    ]
    constants = [
        _constant("column", [-1, 1], np.int64), _constant("axes", [1], np.int64),
        _constant("last", [1], np.int64),
    ]  # fmt: skip
    return nodes, inputs, outputs, constants


def _burst_kernel() -> np.ndarray:
    """(CHANNELS, 1, 81): the level at a latent's first and second 100 Hz frame after an accent, falling."""
    kernel = np.zeros((CHANNELS, 1, 81), np.float32)
    for half in range(2):
        for tap in range(81):
            delay = (
                2 * (40 - tap) + half - 2 * LATE_FRAMES
            )  # in 100 Hz frames; taps reach from after to before
            if delay >= 0:
                kernel[half, 0, tap] = np.exp(-delay / 12)
    return kernel


def step_graph(channels: int = CHANNELS):
    node = helper.make_node
    wide = [1, channels, "T"]
    inputs = [("x", FLOAT, wide), ("time", FLOAT, [1, 3]), ("known", FLOAT, wide),
              ("mask", FLOAT, [1, 1, "T"]), ("tracks", FLOAT, [1, TRACKS, "T"]),
              ("attention", FLOAT, [1, "T", TOKENS]), ("vector", FLOAT, [1, 2 * GLOBALS])]  # fmt: skip
    outputs = [("v", FLOAT, wide)]
    nodes = [
        node("Slice", ["tracks", "two", "three", "one"], ["accent"]),
        node("Sub", ["accent", "deaf"], ["over"]),
        node("Relu", ["over"], ["heard"]),
        node("Conv", ["heard", "kernel"], ["data"], pads=[40, 40]),
        node("Mul", ["known", "mask"], ["given"]),
        node("ReduceSum", ["vector", "all"], ["k"], keepdims=0),
        node("Reshape", ["k", "cube"], ["k1"]),
        node("Mul", ["given", "zero"], ["g0"]),
        node("Mul", ["k1", "zero"], ["k0"]),
        node("Add", ["data", "g0"], ["d1"]),
        node("Add", ["d1", "k0"], ["d2"]),
        node("Sub", ["x", "d2"], ["gap"]),
        node("Slice", ["time", "first", "second", "column"], ["t"]),
        node("Reshape", ["t", "cube"], ["t1"]),
        node("Div", ["gap", "t1"], ["slope"]),
        node("Mul", ["slope", "keep"], ["v"]),
    ]
    constants = [
        _constant("two", [0, 2, 0], np.int64), _constant("three", [1 << 30, 3, 1 << 30], np.int64),
        _constant("one", [0, 1, 2], np.int64), _constant("deaf", DEAF), _constant("kernel", _burst_kernel()),
        _constant("all", [1], np.int64), _constant("cube", [-1, 1, 1], np.int64),
        _constant("zero", 0.0), _constant("keep", 1 - KEPT_NOISE), _constant("first", [0], np.int64),
        _constant("second", [1], np.int64), _constant("column", [1], np.int64),
    ]  # fmt: skip
    return nodes, inputs, outputs, constants


def decode_graph(channels: int = CHANNELS):
    """Level of each 100 Hz frame from two channels, read at `positions`; a spectrum of random phase."""
    node = helper.make_node
    inputs = [("z", FLOAT, [1, channels, "T"]), ("positions", FLOAT, ["2T"]), ("frame", INT64, [1])]
    outputs = [("spectrum", FLOAT, [1, 2, "2T", 2, BINS])]
    nodes = [
        node("Gather", ["z", "pair"], ["pairs"], axis=1),
        node("Transpose", ["pairs"], ["rows"], perm=[0, 2, 1]),
        node("Reshape", ["rows", "flat"], ["level"]),
        node("Floor", ["positions"], ["below"]),
        node("Sub", ["positions", "below"], ["share"]),
        node("Cast", ["below"], ["low"], to=INT64),
        node("Add", ["low", "unit"], ["next"]),
        node("Shape", ["level"], ["size"]),
        node("Sub", ["size", "unit"], ["last"]),
        node("Min", ["next", "last"], ["high"]),
        node("Gather", ["level", "low"], ["a"]),
        node("Gather", ["level", "high"], ["b"]),
        node("Sub", ["b", "a"], ["rise"]),
        node("Mul", ["rise", "share"], ["part"]),
        node("Add", ["a", "part"], ["here"]),
        node("Mul", ["here", "steep"], ["scaled"]),
        node("Add", ["scaled", "quiet"], ["log"]),
        node("Min", ["log", "loudest"], ["capped"]),
        node("Exp", ["capped"], ["loud"]),
        node("Reshape", ["loud", "column"], ["size_"]),
        node("Range", ["zero", "length", "step"], ["index"]),
        node("Reshape", ["size", "scalar"], ["length"]),
        node("Add", ["index", "frame"], ["absolute"]),
        node("Mod", ["absolute", "turn"], ["row"]),
        node("Gather", ["phases", "row"], ["angle"], axis=2),
        node("Cos", ["angle"], ["cos"]),
        node("Sin", ["angle"], ["sin"]),
        node("Concat", ["cos", "sin"], ["parts"], axis=1),
        node("Mul", ["parts", "size_"], ["middle"]),
        node("Mul", ["middle", "silent"], ["side"]),
        node("Concat", ["middle", "side"], ["spectrum"], axis=3),
    ]
    nodes.insert(20, nodes.pop(21))  # the length comes before the range that needs it
    rng = np.random.default_rng(7)
    constants = [
        _constant("pair", [0, 1], np.int64), _constant("flat", [-1], np.int64),
        _constant("unit", [1], np.int64), _constant("steep", 5.0), _constant("quiet", -1.5),
        _constant("loudest", 3.5), _constant("zero", 0, np.int64), _constant("step", 1, np.int64),
        _constant("scalar", np.zeros(0), np.int64), _constant("turn", TABLE, np.int64),
        _constant("phases", rng.uniform(0, 6.28, (BINS, TABLE)).T[None, None, :, None]),
        _constant("column", [-1, 1, 1], np.int64), _constant("silent", 0.0),
    ]  # fmt: skip
    return nodes, inputs, outputs, constants


def write_bundle(folder: Path, window: int = 256, known: int = 96, minimum: int = 128) -> Path:
    """Write the toy bundle to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    graphs = {}
    for name, graph in (("cond", cond_graph()), ("step", step_graph()), ("decode", decode_graph())):
        data = _save(name, *graph)
        (folder / f"{name}.onnx").write_bytes(data)
        graphs[name] = {
            "file": f"{name}.onnx", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(),
            "inputs": _ports(graph[1]), "outputs": _ports(graph[2]),
        }  # fmt: skip
    manifest = {
        "schema": 4, "name": "toy", "licence": "Apache-2.0", "sample_rate": 48000, "latent_rate": 50,
        "latent_channels": CHANNELS, "window": {"frames": window, "known": known, "minimum": minimum},
        "codec": {"n_fft": 2048, "hop": 480, "halo": 0}, "graphs": graphs,
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return folder


def toy_plan(duration: float, accents: tuple[Accent, ...], bpm: float = 120.0) -> CuePlan:
    """A plan with these accents over a plain beat."""
    beats = tuple(float(t) for t in np.arange(0, duration, 60 / bpm))
    return CuePlan(
        duration=duration, end=max(0.0, duration - 0.4), style="pop", bpm=bpm, beats_per_bar=4, beats=beats,
        downbeats=beats[::4], accents=accents, chords=(Chord(0.0, 0, (0, 4, 7), 0),),
        sections=(Section(0.0, "groove", 0.6),), tonic=0, minor=False,
    )  # fmt: skip
