"""ONNX Runtime on the CPU behind one small class; every failure of the library becomes one of ours."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors  # pyright: ignore

from hitpoint.cue.bundle import Bundle, GraphSpec
from hitpoint.cue.generate import Arrays
from hitpoint.errors import Cancelled, ModelBundleError
from hitpoint.progress import Progress
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
CANCEL_POLL_S = 0.05
M_ARENA_MAX = -8  # of glibc's malloc.h
TYPES = {"tensor(float)": "float32", "tensor(int64)": "int64"}


def cpu_threads() -> int:
    """Physical cores that this process may use: affinity, siblings and the cgroup's quota counted."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = {_siblings(cpu) for cpu in allowed}
    return max(1, min(len(cores), _quota()))


def _siblings(cpu: int) -> str:
    try:
        path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return str(cpu)


def _quota() -> int:
    """Whole cores of the cgroup (version 2) that we are in; very many without a limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return 1 << 16 if quota == "max" else max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return 1 << 16


def _share_heaps() -> None:
    """Let all threads allocate from two heaps. glibc gives each thread one of its own, none of which
    shrinks, so that memory grew by a seventh from half a minute of music to ten."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(M_ARENA_MAX, 2)


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    # The lengths of chunks vary, and a memory plan would be kept for each of them.
    options.enable_mem_pattern = False
    return options


def _load(data: bytes, spec: GraphSpec, threads: int) -> onnxruntime.InferenceSession:
    """A session from checked bytes, whose inputs and outputs are what the manifest promises."""
    try:
        session = onnxruntime.InferenceSession(data, _options(threads), providers=["CPUExecutionProvider"])
    except RUNTIME_ERRORS as error:
        raise ModelBundleError(f"{spec.file} cannot be loaded: {error}.", AGAIN) from error
    for promised, found in ((spec.inputs, session.get_inputs()), (spec.outputs, session.get_outputs())):
        _compare(spec.file, promised, found)
    return session


def _compare(file: str, promised: tuple[Any, ...], found: Sequence[Any]) -> None:
    have = {node.name: (TYPES.get(node.type, node.type), node.shape) for node in found}
    if set(have) != {tensor.name for tensor in promised}:
        raise ModelBundleError(f"{file} has other inputs or outputs than promised.", AGAIN)
    for tensor in promised:
        kind, shape = have[tensor.name]
        fits = len(shape) == len(tensor.shape) and all(
            isinstance(want, str) or want == size for want, size in zip(tensor.shape, shape, strict=True)
        )
        if kind != tensor.type or not fits:
            raise ModelBundleError(f"{file}: {tensor.name} is not what was promised.", AGAIN)


class CpuModel:
    """The three graphs of a bundle on the CPU. `spectrum` may be called from several threads at a time.

    Shapes: B batch, Z latent channels, T latent frames (a multiple of 8), L tokens, C width.
    """

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        self.bundle = bundle
        _share_heaps()
        self._threads = threads or cpu_threads()
        spec = bundle.manifest.graph
        # Chunks of sound do not depend on each other: there one thread per chunk beats many in one chunk.
        graphs = (
            (bundle.cond, "cond", 1),
            (bundle.step, "step", self._threads),
            (bundle.decode, "decode", 1),
        )
        with ThreadPoolExecutor(len(graphs)) as pool:
            loading = [pool.submit(_load, data, spec(name), count) for data, name, count in graphs]
            self._cond, self._step, self._decode = (future.result() for future in loading)
        self._run = onnxruntime.RunOptions()

    @property
    def threads(self) -> int:
        """How many calls of `spectrum` are worth running at a time."""
        return self._threads

    @contextmanager
    def cancellable(self, progress: Progress) -> Generator[None]:
        """While inside, cancelling `progress` stops the graph that is running, within a tenth of a second."""
        done = threading.Event()
        self._run = onnxruntime.RunOptions()

        def watch() -> None:
            while not done.wait(CANCEL_POLL_S):
                if progress.cancelled.is_set():
                    self._run.terminate = True

        watcher = threading.Thread(target=watch, name="hitpoint-cancel", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
            self._run = onnxruntime.RunOptions()

    def condition(self, told: Arrays) -> Arrays:
        """Keys and values of all cross-attentions, style vector, aligner's features; constant over the
        steps."""
        names = [tensor.name for tensor in self.bundle.manifest.graph("cond").outputs]
        return dict(zip(names, self._call(self._cond, told, names), strict=True))

    def velocity(self, told: Arrays) -> Floats:
        """Mean v (1, Z, T) at x (1, Z, T), time (1, 3), known (1, Z, T), mask (1, 1, T), tracks (1, TRACKS,
        T)."""
        return self._call(self._step, told)[0]

    def spectrum(self, z: Floats, positions: Floats, first: int) -> Floats:
        """(1, 2, 2, bins, 2T): left and right, real and imaginary, 100 Hz frames.

        z (1, Z, T); positions (2T,), where each output frame is read, in 100 Hz frames of this chunk;
        first, the absolute 100 Hz frame of the chunk's start.
        """
        inputs: Arrays = {"z": z, "positions": positions, "frame": np.array([first], np.int64)}
        return self._call(self._decode, inputs)[0]

    def _call(
        self, session: onnxruntime.InferenceSession, told: Arrays, names: list[str] | None = None
    ) -> list[Floats]:
        try:
            results = session.run(names, dict(told), self._run)
        except RUNTIME_ERRORS as error:
            if self._run.terminate:
                raise Cancelled("Cancelled.", "Nothing was written.") from None
            raise ModelBundleError(f"The model failed: {error}.", "Try another bundle.") from error
        return [np.asarray(result, np.float32) for result in results]
