"""How many processor cores there are for us, and what keeps the C library's heap small and flat."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

M_ARENA_MAX = -8  # of glibc's malloc.h


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


def give_back() -> None:
    """Return freed memory to the system: 50 MB after a bundle is loaded, 30 MB after a cue is rendered."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "malloc_trim"):
            libc.malloc_trim(0)


def share_heaps() -> None:
    """Let all threads allocate from two heaps. glibc gives each thread one of its own, none of which
    shrinks, so that memory grew by a seventh from half a minute of music to ten."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(M_ARENA_MAX, 2)
