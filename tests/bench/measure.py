"""Times of repeated work, and what machine they were taken on."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report. `audio` is how many seconds of sound the work makes, 0 where none."""

    what: str
    seconds: tuple[float, ...]
    audio: float = 0.0
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def ratio(self) -> float:
        """Times faster than real time."""
        return self.audio / self.median


def timed(
    what: str,
    work: Callable[[], object],
    audio: float = 0.0,
    runs: int = 5,
    note: str = "",
    scale: float = 1.0,
) -> Row:
    """`work` once to warm up and `runs` times for the clock. `scale` is for work that is only a part."""
    work()
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        seconds.append(scale * (time.perf_counter() - began))
    return Row(what, tuple(seconds), audio, note)


def table(rows: Iterable[Row]) -> str:
    """The rows in Markdown."""
    lines = ["| what | median | spread | runs | times real time | note |", "|---|---|---|---|---|---|"]
    for row in rows:
        ratio = f"{row.ratio:.3g}" if row.audio else "-"
        spread = f"{min(row.seconds):.3g} to {max(row.seconds):.3g} s"
        lines.append(
            f"| {row.what} | {row.median:.3g} s | {spread} | {len(row.seconds)} | {ratio} | {row.note} |"
        )
    return "\n".join(lines)


def machine() -> str:
    """Processor, cores for this process, system and versions."""
    cpu = next(
        (line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = ", ".join(
        f"{name} {version(name)}" for name in ("onnxruntime", "numpy", "torch", "transformers")
    )
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{cpu}, {cores} cores; {system}; {versions}"


def peak_memory() -> float:
    """Peak resident memory of this process in MB. Not by `getrusage`: that begins with the parent's."""
    kilobytes = next(line.split()[1] for line in _lines("/proc/self/status") if line.startswith("VmHWM"))
    return int(kilobytes) * 1024 / 1e6


def load() -> float:
    """How many other processes wanted the processor in the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def version(name: str) -> str:
    """Of an installed distribution."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
