"""The two TensorRT libraries: which is installed, what it needs, and words for when something is missing."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib import import_module, metadata
from types import ModuleType

from hitpoint.backends.gpu import Gpu
from hitpoint.errors import EngineError

INSTALL_RTX = "Install it with: pip install 'hitpoint[tensorrt-rtx]' (about 100 MB)."
INSTALL_TENSORRT = (
    "Install it with: pip install 'hitpoint[tensorrt]' (its libraries come from NVIDIA's own package index), "
    "or use --runtime rtx."
)


@dataclass(frozen=True, slots=True)
class Runtime:
    """A TensorRT library as this machine has it."""

    name: str  # rtx, tensorrt
    module: str
    version: str

    def load(self) -> ModuleType:
        """Import the library: seconds, so only when there is something to build. Raises EngineError."""
        try:
            return import_module(self.module)
        except (ImportError, OSError) as error:  # OSError: a shared library that it needs is not there
            raise EngineError(f"{self.module} cannot be loaded: {error}.", _install(self.name)) from error


_PACKAGES = {"rtx": ("tensorrt_rtx", "tensorrt-rtx-cu13"), "tensorrt": ("tensorrt", "tensorrt-cu13")}
RUNTIMES = tuple(_PACKAGES)
_OLDEST = {"rtx": (1, 7), "tensorrt": (11, 4)}
RTX_CAPABILITIES = ((7, 5), (8, 0), (8, 6), (8, 9), (12, 0), (12, 1))
"""Of TensorRT-RTX 1.7, as its `ComputeCapability` lists them: no data-centre GPU since Hopper."""


def find_runtime(name: str) -> Runtime:
    """The installed library called `rtx` or `tensorrt`. Raises EngineError: not installed, or too old."""
    module, package = _PACKAGES[name]
    try:
        version = metadata.version(package)
    except metadata.PackageNotFoundError:
        raise EngineError(f"{package} is not installed.", _install(name)) from None
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST[name]:
        oldest = ".".join(map(str, _OLDEST[name]))
        raise EngineError(f"{package} {version} is too old; {oldest} is needed.", _install(name))
    return Runtime(name, module, version)


def system_version(runtime: Runtime) -> str:
    """The version as a recipe names it: an engine belongs to one kind of system too."""
    return f"{runtime.version} {platform.system()} {platform.machine()}"


def check_gpus(runtime: Runtime, gpus: tuple[Gpu, ...]) -> None:
    """Raises EngineError if the library cannot build for what is here."""
    (_need_rtx if runtime.name == "rtx" else _need_tensorrt)(gpus)


def _need_rtx(gpus: tuple[Gpu, ...]) -> None:
    """RTX builds without a GPU, for all of its kinds; with one that it cannot run on, it would be in vain."""
    if gpus and not any(gpu.capability in RTX_CAPABILITIES for gpu in gpus):
        first, capability = gpus[0], ".".join(map(str, gpus[0].capability))
        raise EngineError(
            f"TensorRT-RTX does not run on the {first.name} (compute capability {capability}).",
            "Use --runtime tensorrt, or the onnxruntime backends.",
        )


def _need_tensorrt(gpus: tuple[Gpu, ...]) -> None:
    if not gpus:
        raise EngineError(
            "TensorRT builds for the GPU it runs on, and there is no NVIDIA GPU or driver here.",
            "Install NVIDIA's driver (580 or newer for CUDA 13), or use --runtime rtx: that needs no GPU.",
        )


def _install(name: str) -> str:
    return INSTALL_RTX if name == "rtx" else INSTALL_TENSORRT
