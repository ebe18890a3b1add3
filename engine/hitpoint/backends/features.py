"""Which instructions for products of 8-bit integers this processor has.

Without them the library falls back to ones that saturate: slower and less exact than float32.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
PRODUCTS = {
    "amx_int8": "AMX",
    "avx512_vnni": "AVX512-VNNI",
    "avx_vnni": "AVX-VNNI",
    "asimddp": "ARM dot product",
}
"""As Linux calls them, and as people do; fastest first."""


def int8_products(cpuinfo: Path = CPUINFO) -> str:
    """The name of the fastest such instructions; empty where there are none or the system does not tell.

    Every Mac with a processor of Apple's has them. Windows does not tell: float32 there.
    """
    if sys.platform == "darwin":
        return PRODUCTS["asimddp"] if platform.machine() == "arm64" else ""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    named = [line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))]
    # Cores may differ: only what all of them have.
    have = set.intersection(*map(set, named)) if named else set[str]()
    return next((name for flag, name in PRODUCTS.items() if flag in have), "")
