"""Which values the inputs of large products take while the network of a bundle makes music of every style."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
import onnxruntime

from hitpoint.cue.bundle import Bundle
from hitpoint.cue.decode import decode_chunk, identity
from hitpoint.cue.generate import Arrays, Composer, Model, Sampling
from hitpoint.cue.plan import STYLES, Accent, CuePlan
from hitpoint.cue.planner import plan_cue
from hitpoint.cue.tracks import LATENT_RATE
from hitpoint.progress import Progress
from hitpoint.values import Floats, TempoMap, TempoPoint
from hitpoint_export.int8.products import large_products, unhalved

STEPS, GUIDANCE = (4, 2, 1), 2.0
WINDOWS = 0.6  # of the longest one; begun with the shortest, so that something is given and continued
PIECE = 128  # latent frames that are decoded at a time


class Graph:
    """A graph in a session of one thread."""

    def __init__(self, data: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def run(self, feeds: Arrays) -> dict[str, Floats]:
        """All outputs by name."""
        names = [port.name for port in self._session.get_outputs()]
        return dict(zip(names, self._session.run(names, dict(feeds)), strict=True))


class Watched(Graph):
    """A float32 graph that remembers the range of the inputs of its large products over all runs."""

    def __init__(self, data: bytes) -> None:
        self.model = onnx.load_model_from_string(data)
        self.weights = unhalved(self.model)
        self.ranges: dict[str, tuple[Floats, Floats]] = {}
        products = large_products(self.model, self.weights)
        self._channels = {node.input[0]: -1 if node.op_type == "MatMul" else 1 for node in products}
        shown = onnx.ModelProto()
        shown.CopyFrom(self.model)
        have = {port.name for port in (*shown.graph.output, *shown.graph.input)}
        for name in self._channels.keys() - have:
            shown.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
        super().__init__(shown.SerializeToString())

    def run(self, feeds: Arrays) -> dict[str, Floats]:
        """All outputs by name, those under watch among them."""
        made = super().run(feeds)
        for name, axis in self._channels.items():
            value = np.asarray(made.get(name, feeds.get(name)))
            channels = np.moveaxis(value, axis, 0).reshape(value.shape[axis], -1)
            low, high = self.ranges.get(name, (np.float32(0), np.float32(0)))
            self.ranges[name] = (np.minimum(low, channels.min(1)), np.maximum(high, channels.max(1)))
        return made


class PlainModel:
    """The graphs of a bundle as they are, on one thread, so that export needs no choice of backend."""

    threads = 1

    def __init__(self, bundle: Bundle) -> None:
        self._cond, self._step, self._decode = (Graph(d) for d in (bundle.cond, bundle.step, bundle.decode))

    def condition(self, told: Arrays) -> Arrays:
        """See `Model`."""
        return self._cond.run(told)

    def velocity(self, told: Arrays) -> Floats:
        """See `Model`."""
        return self._step.run(told)["v"]

    def spectrum(self, z: Floats, positions: Floats, first: int) -> Floats:
        """See `Model`."""
        told: Arrays = {"z": z, "positions": positions, "frame": np.array([first], np.int64)}
        return self._decode.run(told)["spectrum"]


class WatchedModel(PlainModel):
    """The same, with `step` and `decode` under watch."""

    def __init__(self, bundle: Bundle) -> None:
        self._cond = Graph(bundle.cond)
        self._step = self.step = Watched(bundle.step)
        self._decode = self.decode = Watched(bundle.decode)


def calibrate(bundle: Bundle) -> tuple[Watched, Watched]:
    """`step` and `decode` of a bundle with the ranges of a cue per style."""
    model = WatchedModel(bundle)
    for number, style in enumerate(STYLES):
        sound(model, bundle, compose(model, bundle, style, number, STEPS[number % len(STEPS)]))
    return model.step, model.decode


def compose(model: Model, bundle: Bundle, style: str, seed: int, steps: int) -> Floats:
    """(Z, frames) latents of a cue in two windows."""
    seconds = WINDOWS * bundle.manifest.window_frames / LATENT_RATE
    sampling = Sampling(seed, steps, GUIDANCE, quick=True)
    return Composer(plan_of(seconds, style, seed), model, bundle.manifest, sampling, Progress()).compose()


def plan_of(seconds: float, style: str, seed: int) -> CuePlan:
    """A cue with an accent about every three seconds and a cut every six."""
    random = np.random.default_rng(seed)
    even = np.arange(1.5, seconds - 1, 3)
    times = even + random.uniform(-1, 1, len(even))
    hits = [Accent(float(time), float(random.uniform(0.4, 1))) for time in times]
    tempo = TempoMap((TempoPoint(0.0, float(random.uniform(80, 150))),), 0.0)
    cuts = [float(cut) for cut in np.arange(6.0, seconds, 6)]
    return plan_cue(seconds, hits, tempo, cuts, style, float(random.uniform(0.2, 1)), seed)


def sound(model: Model, bundle: Bundle, z: Floats) -> Floats:
    """(2, samples) of all latents, piece by piece as the engine decodes them."""
    return np.concatenate(list(_pieces(model, bundle, z)), axis=1)


def _pieces(model: Model, bundle: Bundle, z: Floats) -> Iterator[Floats]:
    frames = z.shape[1]
    for first in range(0, frames, PIECE):
        stop = min(frames, first + PIECE)
        yield decode_chunk(model, bundle.manifest, z, identity(frames), first, stop)
