# ruff: noqa: E501 (tables and prose of the report)
"""`make bench`: measures, and writes docs/benchmarks.md. Needs a quiet machine and about a quarter of an hour.

python tests/bench/run.py [--quick] [--no-peers] [-o FILE]
"""

from __future__ import annotations

import argparse
import gc
import statistics
from pathlib import Path

import gpu
import ours
import peers
import torch
from measure import Row, load, machine, table

from hitpoint.backends.threads import cpu_threads

Peaks = list[tuple[float, list[float]]]
OUT = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
PUBLISHED = """\
| system | hardware | seconds of sound | time | times real time | source |
|---|---|---|---|---|---|
| Stable Audio 3 small, CoreML and TFLite | Mac M4, CPU only | 30 / 120 | 1.72 / 5.92 s | 17.4 / 20.3 | its README, "Mac CPU" |
| Stable Audio 3 small, TensorRT | H200 | 30 / 120 | 0.022 / 0.044 s | 1,364 / 2,727 | its README, "Performance" |
| Stable Audio Open Small, int8 | a phone (Vivo X200 Pro) | 11 | 6.6 s | 1.7 | arXiv 2505.08175 |
| Stable Audio Open Small | H100 | 12 | 75 ms | 160 | arXiv 2505.08175 |
| RAVE, decoder only, mono | laptop | - | - | 20 | arXiv 2111.05011 |
| Magenta RealTime 2, small | Apple Silicon | streaming | 200 ms to first sound | about 1 | its README |

For MusicGen-small and LORIS no time on a CPU is published that we know of."""


def _peers(quick: bool) -> list[Row]:
    rows = []
    for peer in (peers.stable_audio_small, peers.musicgen, peers.loris):
        try:
            rows.append(peer(1) if quick else peer())
        except (ImportError, MemoryError) as error:
            print(f"{peer.__name__} left out: {error}")
        gc.collect()
    return rows


def _peak_table(peaks: Peaks) -> str:
    rows = [
        f"| {seconds:g} s | {statistics.median(found):.0f} MB | {min(found):.0f} to {max(found):.0f} MB | {len(found)} |"
        for seconds, found in peaks
    ]
    return "\n".join(["| music | median | spread | runs |", "|---|---|---|---|", *rows])


def _goals(rows: list[Row], peaks: Peaks, others: list[Row]) -> str:
    """What was asked of the engine beside what was found in this run."""
    named = {row.what: row for row in rows}
    lengths = [named[f"generation of {seconds} s: network and decoder"] for seconds in (30, 120, 600)]
    warm, cold = named["first sound, warm"], named["first sound, new process"]
    clip = next(row for row in rows if row.what.startswith("the whole command"))
    medians = [statistics.median(found) for _, found in peaks]
    told = [
        (
            "80 times real time at 30 s, 70 at 120 s and 10 minutes",
            ", ".join(f"{row.ratio:.0f}" for row in lengths),
        ),
        (
            "25 times the speed of Stable Audio's small architecture, 1,000 times LORIS's",
            ", ".join(
                f"{lengths[0].ratio / row.ratio:,.0f}" for row in others if row.what != "MusicGen-small"
            ),
        ),
        (
            "first sound within 0.1 s warm, 0.8 s in a new process",
            f"{warm.median:.2f}, {cold.median:.2f} (slowest of {len(cold.seconds)} {max(cold.seconds):.2f})",
        ),
        (
            "350 MB at most, flat within 5 % from 30 s to 10 minutes",
            f"at most {max(peak for _, found in peaks for peak in found):.0f} MB; medians differ by "
            f"{max(medians) / min(medians) - 1:.1%}",
        ),
        ("25 s of 1080p dance, the whole command, in 5 s", f"{clip.audio:.1f} s in {clip.median:.2f} s"),
    ]
    return "\n".join(["| asked | found |", "|---|---|", *(f"| {asked} | {found} |" for asked, found in told)])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one run of each, short lengths only")
    parser.add_argument("--no-peers", action="store_true", help="only Hitpoint")
    parser.add_argument("-o", "--output", type=Path, default=OUT)
    options = parser.parse_args()
    runs, lengths = (1, (5.0, 30.0)) if options.quick else (5, (5.0, 30.0, 120.0, 600.0))
    torch.set_num_threads(cpu_threads())
    before = load()
    model = ours.CpuModel(ours.load_bundle())
    told = [("Generation", ours.generation(model, lengths, runs))]
    told.append(("First sound", ours.first_sound(model, runs)))
    told.append(("Many at a time", [ours.throughput(cpu_threads(), 4 if options.quick else 8)]))
    told.append(("A real clip, all of `hitpoint score`", ours.pipeline(1 if options.quick else 3)))
    peaks = ours.memory(lengths[1:] if not options.quick else lengths, 3 if not options.quick else 1)
    us = next(row for row in told[0][1] if row.audio == 30)
    kept = sorted(options.output.parent.glob(f"{options.output.stem}-*.md"))
    parts = [
        "# Benchmarks",
        *(f"Another machine: [{page.name}]({page.name})." for page in kept),
        f"Written by `python tests/bench/run.py` (`make bench`). {machine()}. Load before the run: {before:.1f}. "
        f"Bundle {model.bundle.id.name} {model.bundle.id.sha256[:12]}, {ours.STEPS} steps, guidance {ours.GUIDANCE:g}, "
        f"backend {model.backend}.",
        *(f"## {title}\n\n{table(rows)}" for title, rows in told if rows),
        f"## Memory\n\nPeak resident memory of processes that make one cue each.\n\n{_peak_table(peaks)}",
    ]
    others: list[Row] = []
    if not options.no_peers:
        del model
        others = _peers(options.quick)
        faster = "\n".join(
            f"- {us.ratio / row.ratio:,.0f} times faster than {row.what} (both per second of sound)"
            for row in others
        )
        parts += [
            "## Beside others, in the same run\n\nTheir architectures in PyTorch with random weights, float32, the same "
            f"processor cores (`tests/bench/peers.py`).\n\n{table(others)}\n\nGeneration of 30 s by Hitpoint is\n\n{faster}\n\n"
            "They are models of hundreds of millions of parameters for any kind of sound; ours is small and knows one. "
            "The ratios say what that costs in time and nothing about quality.",
            f"## What the others publish\n\n{PUBLISHED}",
        ]
    if not options.quick:
        parts.append(
            f"## Against the goals\n\n{_goals([row for _, rows in told for row in rows], peaks, others)}"
        )
    if torch.cuda.is_available():
        parts.append(gpu.section("cuda", lengths, runs))
    else:
        parts += gpu.kept(options.output)
    options.output.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    print(options.output.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
