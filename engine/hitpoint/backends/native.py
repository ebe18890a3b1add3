"""TensorRT and TensorRT-RTX: engines from the sealed cache of `export/build_trt.py`, on one GPU."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hitpoint.backends.api import Feeds, Name
from hitpoint.backends.engine_cache import Recipe, engines_folder, find
from hitpoint.backends.gpu import NONE, find_gpus, identity
from hitpoint.backends.install_key import read_key
from hitpoint.backends.runtimes import check_gpus, find_runtime, system_version
from hitpoint.cue.bundle import GRAPHS, Bundle
from hitpoint.errors import Cancelled, EngineError
from hitpoint.values import Floats

BUILD = "Build the engines: python export/build_trt.py BUNDLE --runtime {}."
CUDA = "Install it with: pip install cuda-bindings."
CHUNKS = 2  # one is decoded while the sound of the other is put together


class NativeBackend:
    """An engine per graph, one CUDA stream, one call at a time."""

    threads = CHUNKS

    def __init__(self, bundle: Bundle, name: Literal["rtx", "tensorrt"], folder: Path | None = None) -> None:
        """Raises EngineError: no GPU, no library, or no engine of this bundle for them."""
        self.name: Name = name
        runtime, gpus = find_runtime(name), find_gpus()
        if not gpus:
            raise EngineError("There is no NVIDIA GPU or driver here.", "Use --backend cpu.")
        check_gpus(runtime, gpus)
        here, version = (identity(gpus), *((NONE,) if name == "rtx" else ())), system_version(runtime)

        def fits(sha256: str, recipe: Recipe) -> bool:
            ours = (recipe.onnx_sha256, recipe.runtime, recipe.runtime_version) == (sha256, name, version)
            return ours and recipe.gpu in here

        key, where = read_key(), folder or engines_folder()
        plans: dict[str, bytes] = {}
        for graph in GRAPHS:
            found = find(where, key, graph, partial(fits, bundle.manifest.graph(graph).sha256))
            if isinstance(found, str):
                raise EngineError(f"There is no {name} engine for {graph}: {found}.", BUILD.format(name))
            plans[graph] = found.plan
        self._lock, self._stopped = threading.Lock(), False
        device, library = _Device(), runtime.load()
        self._engines = {graph: _Engine(library, device, plan, graph) for graph, plan in plans.items()}

    def run(self, graph: str, feeds: Feeds) -> Floats:
        """See `Backend`. A graph takes milliseconds here, so `stop` only looks between two of them."""
        with self._lock:
            if self._stopped:
                raise Cancelled("Cancelled.", "Nothing was written.")
            return self._engines[graph].run(feeds)

    def stop(self) -> None:
        """See `Backend`."""
        self._stopped = True

    def resume(self) -> None:
        """See `Backend`."""
        self._stopped = False


class _Device:
    """The first GPU's memory and one stream, by NVIDIA's own bindings. Memory only grows."""

    def __init__(self) -> None:
        try:
            runtime = import_module("cuda.bindings.runtime")
        except ImportError:
            raise EngineError("cuda-bindings is not installed.", CUDA) from None
        self._cuda: Any = runtime
        self.stream = int(self._checked(runtime.cudaStreamCreate()))
        self._held: dict[str, tuple[int, int]] = {}

    def memory(self, name: str, size: int) -> int:
        """The address of at least `size` bytes under this name."""
        address, have = self._held.get(name, (0, 0))
        if have < size:
            if have:
                self._checked(self._cuda.cudaFree(address))
            address = int(self._checked(self._cuda.cudaMalloc(size)))
            self._held[name] = (address, size)
        return address

    def upload(self, name: str, array: NDArray[Any]) -> int:
        """Copy a contiguous array to the device; its address there."""
        address = self.memory(name, array.nbytes)
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._checked(self._cuda.cudaMemcpyAsync(address, array.ctypes.data, array.nbytes, kind, self.stream))
        return address

    def download(self, address: int, array: NDArray[Any]) -> None:
        """Fill an array from the device when all work before it is done."""
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._checked(self._cuda.cudaMemcpyAsync(array.ctypes.data, address, array.nbytes, kind, self.stream))
        self._checked(self._cuda.cudaStreamSynchronize(self.stream))

    def _checked(self, result: tuple[Any, ...]) -> Any:
        """The value of a CUDA call. Raises EngineError with the name of its error."""
        error, *values = result
        if int(error):
            raise EngineError(f"CUDA failed: {error.name}.", "Use --backend cpu, or restart.")
        return values[0] if values else None


class _Engine:
    """One engine, with an execution context per profile made when first needed."""

    def __init__(self, library: ModuleType, device: _Device, plan: bytes, graph: str) -> None:
        self._device, self._graph = device, graph
        self._runtime: Any = library.Runtime(library.Logger(library.Logger.ERROR))
        self._engine: Any = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise EngineError(f"The engine of {graph} does not load.", "Update the NVIDIA driver.")
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        is_input: Callable[[str], bool] = lambda name: (  # noqa: E731
            self._engine.get_tensor_mode(name) == library.TensorIOMode.INPUT
        )
        self._inputs = tuple(name for name in names if is_input(name))
        self._output = next(name for name in names if not is_input(name))
        self._contexts: dict[int, Any] = {}

    def run(self, feeds: Feeds) -> Floats:
        """The first output for these inputs."""
        context = self._context(feeds)
        kept = {name: np.ascontiguousarray(feeds[name]) for name in self._inputs}
        for name, array in kept.items():
            context.set_input_shape(name, array.shape)
            context.set_tensor_address(name, self._device.upload(f"{self._graph}.{name}", array))
        result = np.empty(tuple(context.get_tensor_shape(self._output)), np.float32)
        address = self._device.memory(f"{self._graph}.{self._output}", result.nbytes)
        context.set_tensor_address(self._output, address)
        if not context.execute_async_v3(self._device.stream):
            raise EngineError(f"The engine of {self._graph} failed.", "Use --backend cpu.")
        self._device.download(address, result)
        return result

    def _context(self, feeds: Feeds) -> Any:
        """That of the first profile which these shapes fit."""
        for profile in range(self._engine.num_optimization_profiles):
            if all(self._inside(name, profile, feeds[name].shape) for name in self._inputs):
                if profile not in self._contexts:
                    context = self._engine.create_execution_context()
                    context.set_optimization_profile_async(profile, self._device.stream)
                    self._contexts[profile] = context
                return self._contexts[profile]
        raise EngineError(
            f"The engine of {self._graph} was not built for this length.", "Build it with --profile long."
        )

    def _inside(self, name: str, profile: int, shape: tuple[int, ...]) -> bool:
        least, _, most = self._engine.get_tensor_profile_shape(name, profile)
        return all(low <= size <= high for low, size, high in zip(least, shape, most, strict=True))
