"""One typed ONNX graph to one plan, by either TensorRT library: both have the same API."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

from hitpoint.backends.engine_cache import Sealed, Summary
from hitpoint.cue.bundle import GraphSpec
from hitpoint.errors import Cancelled, EngineError, ModelBundleError
from hitpoint.progress import Progress
from hitpoint_export.trt.profiles import Profile, shapes


@dataclass(slots=True)
class _Phase:
    steps: int
    parent: str | None
    done: int = 0


@dataclass(slots=True)
class Phases:
    """The compiler's nested phases as one fraction that never goes back. Safe from several threads."""

    _open: dict[str, _Phase] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _best: float = 0.0

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """A phase of so many steps begins inside another."""
        with self._lock:
            self._open[name] = _Phase(max(1, steps), parent)

    def step(self, name: str, number: int) -> float:
        """Step `number` of a phase is done; returns the fraction of the whole."""
        with self._lock:
            if name in self._open:
                self._open[name].done = number + 1
            roots = [key for key, phase in self._open.items() if phase.parent not in self._open]
            self._best = max([self._best, *(self._fraction(root) for root in roots)])
            return self._best

    def finish(self, name: str) -> None:
        """A phase ends; what it did counts with its parent's next step."""
        with self._lock:
            self._open.pop(name, None)

    def _fraction(self, name: str) -> float:
        phase = self._open[name]
        inner = (self._fraction(key) for key, child in self._open.items() if child.parent == name)
        return min(1.0, (phase.done + max(inner, default=0.0)) / phase.steps)


def build(
    trt: ModuleType,
    graph: bytes,
    spec: GraphSpec,
    profiles: Sequence[Profile],
    stage: str,
    progress: Progress,
    *,
    only_this_gpu: bool = False,
) -> Sealed:
    """Compile a typed graph for these profiles, reporting under the name `stage`.

    `trt` is `tensorrt_rtx` or `tensorrt` 11. `only_this_gpu` (RTX) compiles for the GPU that is here; by
    default RTX compiles for compute capability 8.0 and newer.
    Raises EngineError with the library's own words, ModelBundleError, or Cancelled.
    """
    started = time.monotonic()
    errors: list[str] = []
    logger = _logger(trt, errors)
    builder = trt.Builder(logger)
    # Required by RTX; without meaning in TensorRT 11, where every network is strongly typed.
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(graph):
        found = [str(parser.get_error(i).desc()) for i in range(parser.num_errors)] or errors
        raise _refused(spec, found)
    _check_ports(network, spec)
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED  # for the inspector
    monitor = _monitor(trt, stage, progress)
    config.progress_monitor = monitor
    if only_this_gpu:
        config.num_compute_capabilities = 1
        config.set_compute_capability(trt.ComputeCapability.CURRENT, 0)
    for profile in profiles:
        config.add_optimization_profile(_profile(builder, spec, profile))
    plan = builder.build_serialized_network(network, config)
    if progress.cancelled.is_set():
        raise Cancelled("Cancelled.", "No engine was written.")
    if plan is None:
        raise _refused(spec, errors)
    data = bytes(plan)
    summary = _network_summary(trt, network, data, time.monotonic() - started)
    return Sealed(data, summary)


def inspect(trt: ModuleType, engine: Sealed) -> Sealed:
    """Add what only the finished engine tells: layers after fusion and working memory. Needs a GPU.

    Raises EngineError if the library does not load its own engine.
    """
    errors: list[str] = []
    runtime = trt.Runtime(_logger(trt, errors))  # its `engine_host_code_allowed` stays False
    loaded = runtime.deserialize_cuda_engine(engine.plan)
    if loaded is None:
        raise EngineError(f"The new engine does not load: {_words(errors)}.", "Update the NVIDIA driver.")
    told = loaded.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    summary = replace(
        engine.summary, engine_kinds=layer_kinds(told), device_memory=int(loaded.device_memory_size_v2)
    )
    return replace(engine, summary=summary)


def layer_kinds(information: str) -> tuple[tuple[str, int], ...]:
    """How many layers of each kind an engine has, from what the inspector says of it (JSON)."""
    layers = json.loads(information)["Layers"]
    kinds = Counter(layer["LayerType"] if isinstance(layer, dict) else "unnamed" for layer in layers)
    return tuple(kinds.most_common())


def _check_ports(network: Any, spec: GraphSpec) -> None:
    """The inputs and outputs are those of the manifest. Raises ModelBundleError."""
    found = {
        (tensor.name, tuple(tensor.shape))
        for tensor in (
            *(network.get_input(i) for i in range(network.num_inputs)),
            *(network.get_output(i) for i in range(network.num_outputs)),
        )
    }
    promised = {
        (tensor.name, tuple(size if isinstance(size, int) else -1 for size in tensor.shape))
        for tensor in (*spec.inputs, *spec.outputs)
    }
    if found != promised:
        raise ModelBundleError(f"{spec.file} has other inputs or outputs than promised.", "Export it again.")


def _profile(builder: Any, spec: GraphSpec, profile: Profile) -> Any:
    made = builder.create_optimization_profile()
    for shape in shapes(spec.inputs, profile):
        made.set_shape(shape.name, shape.least, shape.best, shape.greatest)
    return made


def _network_summary(trt: ModuleType, network: Any, plan: bytes, seconds: float) -> Summary:
    layers = [network.get_layer(i) for i in range(network.num_layers)]
    kinds = Counter(str(layer.type).rpartition(".")[2].lower() for layer in layers)
    types = Counter(tensor.dtype for layer in layers for tensor in _outputs(layer))
    return Summary(
        network_layers=len(layers),
        kinds=tuple(kinds.most_common()),
        half_tensors=types[trt.float16] + types[trt.bfloat16],
        tensors=types.total(),
        plan_bytes=len(plan),
        build_seconds=round(seconds, 2),
        half_error=None,
        engine_kinds=(),
        device_memory=None,
    )


def _outputs(layer: Any) -> Iterator[Any]:
    return (layer.get_output(i) for i in range(layer.num_outputs))


def _refused(spec: GraphSpec, errors: Sequence[str]) -> EngineError:
    return EngineError(f"The compiler refused {spec.file}: {_words(errors)}.", "Report it with this line.")


def _words(errors: Sequence[str]) -> str:
    return "; ".join(error.strip().rstrip(".") for error in errors) or "no reason given"


def _logger(trt: ModuleType, errors: list[str]) -> Any:
    """A logger that keeps errors for our own message, so that nothing breaks into the progress display."""

    class Keeper(trt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR):
                errors.append(message)

    return Keeper()


def _monitor(trt: ModuleType, stage: str, progress: Progress) -> Any:
    """The library's progress interface on ours; answering False stops the build."""
    phases = Phases()
    report: Callable[[str, float], None] = progress.listener

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            phases.start(phase_name, parent_phase, num_steps)

        def phase_finish(self, phase_name: str) -> None:
            phases.finish(phase_name)

        def step_complete(self, phase_name: str, step: int) -> bool:
            report(stage, phases.step(phase_name, step))
            return not progress.cancelled.is_set()

    return Monitor()
