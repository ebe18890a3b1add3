"""The GPU rows of the benchmark: without a GPU everything but the capture runs, and nothing is claimed."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

from hitpoint.cue.bundle import STARTER

BENCH = Path(__file__).parent
pytestmark = pytest.mark.skipif(
    not (STARTER / "manifest.json").exists(), reason="the starter bundle is not there"
)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCH))
    return import_module("gpu")


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCH / "gpu.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)


def test_the_whole_of_it_on_the_cpu(tmp_path: Path) -> None:
    report = tmp_path / "benchmarks.md"
    report.write_text("# Benchmarks\n\n## Generation\n\nfigures\n")
    done = call("--device", "cpu", "--lengths", "5", "--runs", "1", "-o", report)
    assert done.returncode == 0, done.stderr
    text = report.read_text()
    print(text)
    assert text.startswith(
        "# Benchmarks\n\n## Generation\n\nfigures\n\n## The GPU rows, rehearsed on the CPU"
    )
    table = [line.split(" | ") for line in text.splitlines() if line.startswith("| generation of 5 s: ")]
    told = {line[0].partition(": ")[2]: float(line[-1].split()[-2]) for line in table}
    assert 0 < told["PyTorch CUDA graphs, fp32"] < 1e-2
    assert told["PyTorch CUDA graphs, fp32"] < told["PyTorch CUDA graphs, fp16"] < 0.1
    for name in ("tensorrt", "rtx", "cuda"):  # timed, or left out with the reason
        assert (f"backend {name}" in told) != (f"- backend {name}: " in text)
    assert "CUDA graphs" not in text.partition("Left out")[2]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_what_to_do_and_writes_nothing(tmp_path: Path) -> None:
    done = call("-o", tmp_path / "benchmarks.md")
    assert (done.returncode, done.stdout) == (1, "")
    assert "EngineError" in done.stderr
    assert "NVIDIA GPU" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="never run here: PyTorch finds no NVIDIA GPU")
def test_on_the_gpu(tmp_path: Path) -> None:
    report = tmp_path / "benchmarks.md"
    done = call("--lengths", "5,30", "--runs", "1", "-o", report)
    assert done.returncode == 0, done.stderr
    text = report.read_text()
    assert "| generation of 30 s: PyTorch CUDA graphs, fp16" in text
    assert "GPU unknown" not in text


def test_the_card_in_words(gpu) -> None:
    answer = "NVIDIA GeForce RTX 4090, 580.65, 2745, 3105, 10501, 10501, 450.00\nanother, 1, 2, 3, 4, 5, 6\n"
    assert gpu.described(answer) == (
        "GPU NVIDIA GeForce RTX 4090, driver 580.65, clock 2745 of 3105 MHz, memory 10501 of 10501 MHz, "
        "power limit 450.00 W"
    )
    assert gpu.described("Some card, 580.65, [N/A], 3105").endswith(
        "clock unknown of 3105 MHz, memory unknown of unknown MHz, power limit unknown W"
    )


def test_the_section_takes_the_place_of_the_one_before(gpu, tmp_path: Path) -> None:
    report = tmp_path / "benchmarks.md"
    assert gpu.kept(report) == []
    report.write_text(gpu.placed("# Benchmarks\n\n## A\n\na\n", f"{gpu.HEADING}: not measured\n\nold"))
    assert gpu.kept(report) == [f"{gpu.HEADING}: not measured\n\nold"]
    longer = report.read_text() + "\n## B\n\nb\n"
    assert gpu.HEADING in gpu.placed(longer, gpu.REHEARSED)  # a rehearsal replaces no figures
    assert gpu.placed(longer, f"{gpu.HEADING}\n\nnew") == (
        f"# Benchmarks\n\n## A\n\na\n\n{gpu.HEADING}\n\nnew\n\n## B\n\nb\n"
    )
