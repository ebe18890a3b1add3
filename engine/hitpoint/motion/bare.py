"""Modules of large packages without the rest of them."""

from __future__ import annotations

import importlib.util
import sys


def bare(*packages: str) -> None:
    """Let modules of `packages` be imported without what the packages' own `__init__` would import.

    Name a package after the one that holds it. What is imported already stays as it is. mediapipe would
    import matplotlib and sounddevice (which runs a compiler to find a library), PySceneDetect would run
    ffmpeg: eight tenths of a second for nothing that is used here. A package that is not installed raises
    ImportError.
    """
    for name in packages:
        if sys.modules.get(name) is not None:
            continue
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        sys.modules[name] = importlib.util.module_from_spec(spec)
