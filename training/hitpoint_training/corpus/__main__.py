"""`python -m hitpoint_training.corpus OUT_DIR`: compose and render the training corpus."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import Progress, TimeElapsedColumn

from hitpoint.cue.plan import STYLES
from hitpoint.errors import HitpointError, UsageError
from hitpoint_training.corpus.compose import compose
from hitpoint_training.corpus.render import find_fluidsynth, find_soundfont, write_piece


@dataclass(frozen=True, slots=True)
class _Job:
    """One piece to make."""

    index: int
    seed: int
    style: str | None
    lengths: tuple[float, float]
    folder: Path
    soundfont: Path


def _make(job: _Job) -> int:
    """Compose and render one piece; its length comes from its seed."""
    duration = float(np.random.default_rng((job.seed, 1)).uniform(*job.lengths))
    write_piece(compose(job.seed, job.style, duration), job.folder, job.index, job.soundfont)
    return job.index


def _lengths(text: str) -> tuple[float, float]:
    """`30` or `20..45`, seconds."""
    first, _, last = text.partition("..")
    try:
        shortest, longest = float(first), float(last or first)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a length: {text}") from None
    if not 0 < shortest <= longest:
        raise argparse.ArgumentTypeError(f"not a length: {text}")
    return shortest, longest


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hitpoint_training.corpus", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pieces go; created if missing")
    parser.add_argument("--count", type=int, default=64, help="how many pieces")
    parser.add_argument("--first-seed", type=int, default=0, help="seed of the first piece")
    parser.add_argument("--duration", type=_lengths, default=(20.0, 45.0), help="seconds, as 20..45")
    parser.add_argument("--style", choices=STYLES, default=None, help="one style only (default: all in turn)")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--soundfont", type=Path, default=None, help="another SoundFont")
    return parser.parse_args()


def _render_all(options: argparse.Namespace) -> None:
    find_fluidsynth()
    soundfont = find_soundfont(options.soundfont)
    if options.count < 1 or options.jobs < 1:
        raise UsageError("Nothing to do.", "--count and --jobs must be at least 1.")
    options.folder.mkdir(parents=True, exist_ok=True)
    jobs = [
        _Job(index, options.first_seed + index, options.style, options.duration, options.folder, soundfont)
        for index in range(options.count)
    ]
    with (
        ProcessPoolExecutor(options.jobs) as pool,
        Progress(*Progress.get_default_columns(), TimeElapsedColumn(), transient=False) as progress,
    ):
        task = progress.add_task("Rendering", total=len(jobs))
        for future in as_completed([pool.submit(_make, job) for job in jobs]):
            future.result()
            progress.advance(task)


def main() -> int:
    """Run the command; 0 done, 1 failed, 2 wrong use."""
    try:
        _render_all(_arguments())
    except HitpointError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
