"""Load the graphics libraries that mediapipe links against, where the system has none.

`packaging/native_libs.py` puts them into the environment; a library that is already loaded under its
soname satisfies the link of every later one. Importing this module does nothing.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

LIBRARIES = ("libGLdispatch.so.0", "libEGL.so.1", "libGLESv2.so.2")


def graphics_load() -> bool:
    """Load them, and say whether mediapipe's own library can be loaded now. Call before using mediapipe."""
    if not sys.platform.startswith("linux"):
        return True
    folder = Path(sys.prefix) / "lib" / "hitpoint-native"
    try:
        for name in LIBRARIES:
            ours = folder / name
            ctypes.CDLL(str(ours) if ours.exists() else name, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    return True
