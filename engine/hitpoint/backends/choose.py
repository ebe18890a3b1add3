"""Which backend runs a bundle here, and why."""

from __future__ import annotations

from dataclasses import dataclass

from hitpoint.backends.api import NAMES, Backend, Name
from hitpoint.backends.native import NativeBackend
from hitpoint.backends.onnx import OnnxBackend
from hitpoint.cue.bundle import Bundle
from hitpoint.errors import EngineError, UsageError

AUTO = "auto"
BEST: tuple[Name, ...] = ("tensorrt", "rtx", "cuda")
"""Before the CPU, fastest first. ONNX Runtime's TensorRT compiles for minutes each time it starts, because
its own cache takes unsealed files; so it runs only when asked for."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A loaded backend. `reason` is a sentence; `warnings` say where another one was asked for."""

    backend: Backend
    reason: str
    warnings: tuple[str, ...] = ()


def choose(bundle: Bundle, wanted: str = AUTO, threads: int | None = None) -> Choice:
    """Load the backend called `wanted`, or the best one that runs here.

    One that was asked for and does not run is replaced by the CPU, with a warning.
    Raises UsageError for an unknown name, ModelBundleError if not even the CPU can run the bundle.
    """
    asked: Name | None = next((name for name in NAMES if name == wanted), None)
    if wanted != AUTO and asked is None:
        raise UsageError(f"There is no backend {wanted!r}.", f"Use one of: {AUTO}, {', '.join(NAMES)}.")
    if asked in ("cpu", "cpu-fp32"):
        return _cpu(bundle, threads, "asked for", asked)
    failures: list[EngineError] = []
    for name in (asked,) if asked else BEST:
        try:
            return Choice(load(bundle, name), "asked for" if asked else "the fastest that runs here")
        except EngineError as error:
            failures.append(error)
    if not asked:
        why = "; ".join(
            f"{name}: {error.what.rstrip('.')}" for name, error in zip(BEST, failures, strict=True)
        )
        return _cpu(bundle, threads, f"no GPU backend runs here ({why})")
    warning = f"The music was made on the CPU, because {asked} does not run here: {failures[0]}"
    return _cpu(bundle, threads, f"{asked} was asked for and does not run here", warnings=(warning,))


def _cpu(
    bundle: Bundle, threads: int | None, why: str, name: Name = "cpu", warnings: tuple[str, ...] = ()
) -> Choice:
    """The CPU for this reason and in the precision that it says."""
    backend = OnnxBackend(bundle, name, threads)
    return Choice(backend, f"{why}; {backend.precision}", warnings)


def load(bundle: Bundle, name: Name, threads: int | None = None) -> Backend:
    """The backend of that name. Raises EngineError where it does not run, ModelBundleError."""
    if name in ("rtx", "tensorrt"):
        return NativeBackend(bundle, name)
    return OnnxBackend(bundle, name, threads)
