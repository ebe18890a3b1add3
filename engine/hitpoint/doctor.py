"""What works on this machine and what is missing, in plain words. Nothing is changed or downloaded."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hitpoint.errors import HitpointError


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of the product: does it work here, and what follows. Optional parts may be missing."""

    part: str
    works: bool
    text: str
    optional: bool = False


def examine() -> tuple[Finding, ...]:
    """Look at every part that a user may need; never raises for a part that is broken."""
    return tuple(check() for check in CHECKS)


def _python() -> Finding:
    version = platform.python_version()
    works = (3, 11) <= sys.version_info < (3, 14)
    return Finding("Python", works, f"{version}" if works else f"{version}; use Python 3.11 to 3.13.")


def _cores() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Finding("Processor", True, f"{cores} cores for this process, {platform.machine()}.")


def _module(part: str, module: str, purpose: str, *, optional: bool = False) -> Callable[[], Finding]:
    def check() -> Finding:
        try:
            found = importlib.import_module(module)
        except (ImportError, OSError) as error:
            return Finding(part, False, f"{purpose}; it cannot be loaded ({error}).", optional)
        return Finding(part, True, f"{purpose} ({module} {getattr(found, '__version__', '')}).", optional)

    return check


def _pose() -> Finding:
    from hitpoint.motion.native import graphics_load
    from hitpoint.motion.pose_model import pose_model_path

    purpose = "finds people in the picture"
    if not graphics_load():
        todo = "On Debian: apt-get install libegl1 libgles2. Until then movement comes from optical flow."
        return Finding("Pose", False, f"{purpose}; libEGL or libGLESv2 is missing. {todo}", optional=True)
    try:
        importlib.import_module("mediapipe.tasks.python.vision")
    except (ImportError, OSError) as error:
        return Finding("Pose", False, f"{purpose}; mediapipe does not load ({error}).", optional=True)
    if not pose_model_path().exists():
        return Finding("Pose", True, f"{purpose}; its model will be fetched at the first use.")
    return Finding("Pose", True, f"{purpose}; the model is on this machine.")


def _bundle() -> Finding:
    from hitpoint.cue.bundle import load_bundle

    try:
        bundle = load_bundle(None)
    except HitpointError as error:
        return Finding("Music model", False, str(error))
    return Finding("Music model", True, f"{bundle.id.name} ({bundle.id.sha256[:12]}).")


def _runtime() -> Finding:
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError:
        return Finding("Model runtime", False, "ONNX Runtime is missing: pip install 'hitpoint[cpu]'.")
    return Finding("Model runtime", True, f"ONNX Runtime {runtime.__version__}.")


def _backends() -> Finding:
    from hitpoint.backends.choose import choose
    from hitpoint.cue.bundle import load_bundle

    try:
        choice = choose(load_bundle(None))
    except (HitpointError, ImportError) as error:
        return Finding("Backend", False, f"{error}")
    return Finding("Backend", True, f"{choice.backend.name}: {choice.reason}.")


def _space() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    works = free > 1 << 30
    return Finding("Disk", works, f"{free / (1 << 30):.1f} GB free here." + ("" if works else " Make room."))


CHECKS: tuple[Callable[[], Finding], ...] = (
    _python,
    _cores,
    _space,
    _module("Timelines", "opentimelineio", "reads and writes OpenTimelineIO"),
    _module("Video", "av", "decodes video with FFmpeg's libraries"),
    _module("OpenCV", "cv2", "looks at pictures; on Debian: apt-get install libgl1 libglib2.0-0"),
    _pose,
    _runtime,
    _bundle,
    _backends,
    _module("Panel", "PyQt6.QtWidgets", "the window; pip install 'hitpoint[plugin]'", optional=True),
)
