"""Which NVIDIA GPUs are here, by NVML: the management library that comes with every driver."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from hitpoint.errors import EngineError

NONE = "none"
"""In place of a GPU where there is none."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU as an engine depends on it."""

    name: str
    uuid: str
    capability: tuple[int, int]
    driver: str
    memory: int  # bytes


def find_gpus() -> tuple[Gpu, ...]:
    """All GPUs in the driver's order; none where there is no driver. Raises EngineError if it is broken."""
    try:
        pynvml = import_module("pynvml")
    except ImportError:
        raise EngineError("nvidia-ml-py is not installed.", "Run: pip install nvidia-ml-py") from None
    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError_LibraryNotFound, pynvml.NVMLError_DriverNotLoaded):
        return ()
    except pynvml.NVMLError as error:
        raise EngineError(
            f"The NVIDIA driver does not answer: {error}.", "Install it again, or restart."
        ) from error
    try:
        driver = str(pynvml.nvmlSystemGetDriverVersion())
        return tuple(_describe(pynvml, index, driver) for index in range(pynvml.nvmlDeviceGetCount()))
    except pynvml.NVMLError as error:
        raise EngineError(f"A GPU does not answer: {error}.", "Restart, and look at nvidia-smi.") from error
    finally:
        pynvml.nvmlShutdown()


def identity(gpus: tuple[Gpu, ...]) -> str:
    """The GPUs as a recipe names them. All of them: which one CUDA takes first, it alone knows."""
    return "; ".join(f"{gpu.name} {gpu.uuid} driver {gpu.driver}" for gpu in gpus) or NONE


def _describe(pynvml: ModuleType, index: int, driver: str) -> Gpu:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    return Gpu(
        str(pynvml.nvmlDeviceGetName(handle)),
        str(pynvml.nvmlDeviceGetUUID(handle)),
        (int(major), int(minor)),
        driver,
        int(pynvml.nvmlDeviceGetMemoryInfo(handle).total),
    )
