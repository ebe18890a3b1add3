"""ONNX Runtime on the CPU and on NVIDIA GPUs; every failure of the library becomes one of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors  # pyright: ignore

from hitpoint.backends.api import Feeds, Name
from hitpoint.backends.threads import cpu_threads, give_back, share_heaps
from hitpoint.cue.bundle import GRAPHS, Bundle, GraphSpec
from hitpoint.errors import Cancelled, EngineError, ModelBundleError
from hitpoint.values import Floats

RUNTIME_ERRORS = (
    ort_errors.EPFail,
    ort_errors.EngineError,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.ModelLoaded,
    ort_errors.NoModel,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    RuntimeError,
    ValueError,  # also UnicodeDecodeError, which the wrapper lets through
)
AGAIN = "Install the bundle again."
TYPES = {"tensor(float)": "float32", "tensor(int64)": "int64"}
CPU = "CPUExecutionProvider"
PROVIDERS: dict[Name, tuple[str, ...]] = {
    "cpu": (CPU,),
    "cpu-fp32": (CPU,),
    "cuda": ("CUDAExecutionProvider", CPU),
    "ort-tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider", CPU),
}
"""In the order in which ONNX Runtime gives them nodes."""
GPU_CHUNKS = 2  # one is decoded while the sound of the other is put together


class OnnxBackend:
    """A session per graph.

    On the CPU all threads of the library belong to `step`; `cond` is tiny, and chunks of sound do not
    depend on each other: there one thread per chunk beats many in one chunk. "cpu" takes the int8 graphs of
    a bundle that has some; `precision` says which.
    """

    def __init__(self, bundle: Bundle, name: Name = "cpu", threads: int | None = None) -> None:
        """Raises ModelBundleError, or EngineError if the provider of that name does not run here."""
        share_heaps()
        self.name: Name = name
        on_cpu = PROVIDERS[name] == (CPU,)
        self.threads = (threads or cpu_threads()) if on_cpu else GPU_CHUNKS
        counts = {graph: self.threads if graph == "step" and on_cpu else 1 for graph in GRAPHS}
        small, self.precision = _int8(bundle, name)
        specs = {graph: bundle.manifest.graph(graph) for graph in GRAPHS}
        with ThreadPoolExecutor(len(GRAPHS)) as pool:
            loading = {
                graph: pool.submit(
                    _load,
                    small.get(graph, getattr(bundle, graph)),
                    specs[graph],
                    name,
                    counts[graph],
                    arena=graph == "decode",
                )
                for graph in GRAPHS
            }
            self._sessions = {graph: future.result() for graph, future in loading.items()}
        self._outputs = {graph: [tensor.name for tensor in spec.outputs] for graph, spec in specs.items()}
        give_back()
        self._run = onnxruntime.RunOptions()

    def run(self, graph: str, feeds: Feeds) -> dict[str, Floats]:
        """See `Backend`."""
        options = self._run
        try:
            results = self._sessions[graph].run(self._outputs[graph], dict(feeds), options)
        except RUNTIME_ERRORS as error:
            if options.terminate:
                raise Cancelled("Cancelled.", "Nothing was written.") from None
            raise ModelBundleError(f"The model failed: {error}.", "Try another bundle.") from error
        made = zip(self._outputs[graph], results, strict=True)
        return {name: np.asarray(result, np.float32) for name, result in made}

    def stop(self) -> None:
        """ONNX Runtime looks at this flag before each node."""
        self._run.terminate = True

    def resume(self) -> None:
        """See `Backend`."""
        self._run = onnxruntime.RunOptions()


def _int8(bundle: Bundle, name: Name) -> tuple[Mapping[str, bytes], str]:
    """The int8 graphs to take in the place of float32 ones, and in words what is computed in and why."""
    if name != "cpu":
        return {}, "float32"
    if not bundle.int8:
        return {}, "float32, as the bundle has no int8 graphs"
    return bundle.int8, f"{' and '.join(bundle.int8)} in int8"


def _options(threads: int, arena: bool) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    # The lengths of chunks vary, and a memory plan would be kept for each of them.
    options.enable_mem_pattern = False
    # The plan of what takes whose place needs 0.4 s for the int8 graph of `step`, and saves nothing.
    options.enable_mem_reuse = False
    # It keeps what its longest run needed: right for chunks of sound, which are all alike, and 60 MB too much
    # for windows.
    options.enable_cpu_mem_arena = arena
    return options


def _load(
    data: bytes, spec: GraphSpec, name: Name, threads: int, *, arena: bool = False
) -> onnxruntime.InferenceSession:
    """A session from checked bytes, whose inputs and outputs are what the manifest promises."""
    providers = PROVIDERS[name]
    missing = set(providers) - set(onnxruntime.get_available_providers())
    if missing:
        raise EngineError(
            f"The installed ONNX Runtime has no {min(missing)}.",
            "Install onnxruntime-gpu in the place of onnxruntime: pip install 'hitpoint[gpu]'.",
        )
    try:
        session = onnxruntime.InferenceSession(data, _options(threads, arena), providers=list(providers))
    except RUNTIME_ERRORS as error:
        if providers != (CPU,):
            raise EngineError(f"{providers[0]} does not start: {error}.", _driver(name)) from error
        raise ModelBundleError(f"{spec.file} cannot be loaded: {error}.", AGAIN) from error
    session.disable_fallback()
    session._model_bytes = None  # pyright: ignore  # 40 MB, kept for that fallback alone
    if session.get_providers()[0] != providers[0]:  # the library falls back with no more than a log line
        raise EngineError(f"{providers[0]} does not start on this machine.", _driver(name))
    for promised, found in ((spec.inputs, session.get_inputs()), (spec.outputs, session.get_outputs())):
        _compare(spec.file, promised, found)
    return session


def _driver(name: Name) -> str:
    needs = "CUDA 13 and cuDNN 9" + (", and TensorRT 11" if name == "ort-tensorrt" else "")
    return f"It needs an NVIDIA GPU, its driver, {needs}."


def _compare(file: str, promised: Iterable[Any], found: Sequence[Any]) -> None:
    have = {node.name: (TYPES.get(node.type, node.type), node.shape) for node in found}
    promised = tuple(promised)
    if set(have) != {tensor.name for tensor in promised}:
        raise ModelBundleError(f"{file} has other inputs or outputs than promised.", AGAIN)
    for tensor in promised:
        kind, shape = have[tensor.name]
        fits = len(shape) == len(tensor.shape) and all(
            isinstance(want, str) or want == size for want, size in zip(tensor.shape, shape, strict=True)
        )
        if kind != tensor.type or not fits:
            raise ModelBundleError(f"{file}: {tensor.name} is not what was promised.", AGAIN)
