# ruff: noqa: E501 (prose of the report)
"""The GPU rows of docs/benchmarks.md: PyTorch with CUDA graphs, and whatever else runs on the GPU that is here.

python tests/bench/gpu.py [--device cuda|cpu] [--lengths 5,30,120,600] [--runs 5] [-o FILE]

Without a GPU it says so and ends with exit code 1. `--device cpu` is a rehearsal: the same program without the
capture, whose figures mean nothing; it prints them, or writes them where -o says.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import ours
import torch
from measure import Row, machine, table, timed, version

from hitpoint.backends.choose import BEST, load
from hitpoint.cli import console
from hitpoint.cue.bundle import Bundle, load_bundle
from hitpoint.cue.stream import preview
from hitpoint.errors import HitpointError
from hitpoint.values import GUIDANCE, SAMPLE_RATE, STEPS, Floats
from hitpoint_export.cuda_graphs import CudaGraphs, found

REPORT = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
HEADING = "## On a GPU"
REHEARSED = "## The GPU rows, rehearsed on the CPU: no figures of a GPU"
LENGTHS = (5.0, 30.0, 120.0, 600.0)
FIELDS = (
    "name",
    "driver_version",
    "clocks.sm",
    "clocks.max.sm",
    "clocks.mem",
    "clocks.max.mem",
    "power.limit",
)
LIBRARIES = ("onnxruntime-gpu", "onnxruntime", "tensorrt-cu13", "tensorrt-rtx-cu13", "cuda-bindings")


class Loaded(ours.CpuModel):
    """The networks of a bundle on a backend that is loaded already, whichever it is."""

    def __init__(self, bundle: Bundle, backend) -> None:
        self._backend, self.backend, self.warnings, self.bundle = backend, backend.name, (), bundle


def heard(model: ours.CpuModel, duration: float) -> Floats:
    """(2, samples) of the cue that is timed."""
    return np.concatenate(list(preview(ours.composer(model, duration), int(duration * SAMPLE_RATE))), 1)


def difference(have: Floats, want: Floats) -> float:
    """Root mean square, relative to what is wanted."""
    return float(np.sqrt(np.mean((have - want) ** 2) / np.mean(want**2)))


def rows(model: Loaded, what: str, lengths: tuple[float, ...], runs: int, wanted: Floats) -> Iterator[Row]:
    """Generation at each length; the first length is also compared with float32 on the CPU."""
    note = f"sound of {lengths[0]:g} s differs by {difference(heard(model, lengths[0]), wanted):.1e}"
    for duration in lengths:
        made = ours.composer(model, duration)
        yield timed(
            f"generation of {duration:g} s: {what}",
            lambda made=made: ours.decode(model, made.compose()),
            duration, runs if duration < 300 else min(3, runs), note,
        )  # fmt: skip


def section(device: str, lengths: tuple[float, ...], runs: int) -> str:
    """The part of the report. Raises EngineError where there is no such device."""
    found(device)
    bundle = load_bundle()
    wanted = heard(ours.CpuModel(bundle, backend="cpu-fp32"), lengths[0])
    backends: dict[str, Callable[[], object]] = {
        "PyTorch CUDA graphs, fp16": lambda: CudaGraphs(bundle, device, "fp16"),
        "PyTorch CUDA graphs, fp32": lambda: CudaGraphs(bundle, device, "fp32"),
        **{f"backend {name}": lambda name=name: load(bundle, name) for name in BEST},
    }
    told, left_out, state = [], [], card()
    for what, make in backends.items():
        try:
            told += rows(Loaded(bundle, make()), what, lengths, runs, wanted)
            state = card()  # at once, as clocks fall where there is nothing to do
        except HitpointError as error:
            left_out.append(f"- {what}: {error}")
    text = [
        HEADING if device == "cuda" else REHEARSED,
        f"Written by `python tests/bench/gpu.py`, which `make bench` calls where there is a GPU. {state}. {libraries()}. "
        f"{machine()}. Bundle {bundle.id.name} {bundle.id.sha256[:12]}, {STEPS} steps, guidance {GUIDANCE:g}. The clocks "
        "are those right after the last run. Network and decoder with its inverse transform, which stays on the "
        "processor; capture and warm-up lie before the first run. The note compares the sound with float32 on the "
        "CPU (root mean square, relative).",
        table(told),
        *(["Left out, in their own words:", "\n".join(left_out)] if left_out else []),
    ]
    return "\n\n".join(text)


def card() -> str:
    """Name, driver, clocks and power limit of PyTorch's first GPU, by nvidia-smi."""
    query = ["nvidia-smi", f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits"]
    if torch.cuda.is_available():
        query.append(f"--id=GPU-{torch.cuda.get_device_properties(0).uuid}")
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return described("")
    return described(done.stdout)


def described(answer: str) -> str:
    """The first line of nvidia-smi's answer in words; what it does not tell is unknown."""
    told = [value.strip() for value in (answer.splitlines() or [""])[0].split(",")]
    told = [value if value and not value.startswith("[") else "unknown" for value in told]
    name, driver, sm, most_sm, memory, most_memory, power = (told + len(FIELDS) * ["unknown"])[: len(FIELDS)]
    return (
        f"GPU {name}, driver {driver}, clock {sm} of {most_sm} MHz, memory {memory} of {most_memory} MHz, "
        f"power limit {power} W"
    )


def libraries() -> str:
    """CUDA and cuDNN of PyTorch, and what runs the other backends."""
    cudnn = torch.backends.cudnn.version() or "unknown"
    others = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"CUDA {torch.version.cuda or 'unknown'} and cuDNN {cudnn} of PyTorch; {others}"


def kept(report: Path) -> list[str]:
    """The section that a report has already, from a machine with a GPU; nothing if it has none."""
    _, heading, rest = (report.read_text(encoding="utf-8") if report.exists() else "").partition(HEADING)
    return [(heading + rest.partition("\n## ")[0]).strip()] if heading else []


def placed(report: str, part: str) -> str:
    """The report with this section in the place of the one of the same heading, or at its end."""
    before, heading, rest = report.partition(part.splitlines()[0])
    _, following, after = rest.partition("\n## ") if heading else ("", "", "")
    return f"{before.rstrip()}\n\n{part}\n{following}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--lengths", default=",".join(f"{length:g}" for length in LENGTHS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "-o", "--output", type=Path, help="a report; by default, of a GPU, docs/benchmarks.md"
    )
    options = parser.parse_args()
    try:
        part = section(options.device, tuple(map(float, options.lengths.split(","))), options.runs)
    except HitpointError as error:
        console.fail(error)
    output = options.output or (REPORT if options.device == "cuda" else None)
    if output:
        report = output.read_text(encoding="utf-8") if output.exists() else "# Benchmarks\n"
        output.write_text(placed(report, part), encoding="utf-8")
    print(part)


if __name__ == "__main__":
    main()
