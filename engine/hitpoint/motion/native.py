"""Load the graphics libraries that mediapipe links against, where the system has none.

`packaging/native_libs.py` puts them into the environment; a library that is already loaded under its
soname satisfies the link of every later one. Importing this module does nothing.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

LIBRARIES = ("libGLdispatch.so.0", "libEGL.so.1", "libGLESv2.so.2")


def preload_graphics() -> None:
    """Call before `import mediapipe`. Silent: if a library is still missing, that import says so."""
    folder = Path(sys.prefix) / "lib" / "hitpoint-native"
    for name in LIBRARIES:
        if (folder / name).exists():
            ctypes.CDLL(str(folder / name), mode=ctypes.RTLD_GLOBAL)
