"""`python -m hitpoint_training.evaluate all|compositions|clips|codec ...`: figures beside controls."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from hitpoint.backends.threads import cpu_threads
from hitpoint.cli import console
from hitpoint.cue.plan import STYLES
from hitpoint.errors import HitpointError
from hitpoint.values import GUIDANCE, STEPS
from hitpoint_training.dataset import find_pieces
from hitpoint_training.evaluate.clip_tables import clip_tables
from hitpoint_training.evaluate.clips import ClipsQuestion, measure_clips, write_clips
from hitpoint_training.evaluate.codec import codec_table, coders, measure_codec
from hitpoint_training.evaluate.compositions import (
    Figures,
    LorisControls,
    PieceFigures,
    annotated,
    loris_controls,
    mean,
    mean_known,
    measure,
)
from hitpoint_training.evaluate.suite import Question, evaluate, write_report
from hitpoint_training.evaluate.table import tables
from hitpoint_training.evaluate.verdict import purpose_table, verdict_table, verdicts

_HEADINGS = ("pieces", "hit AUC", "within 40 ms", "key clarity", "chords", "tempo error", "pulse")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hitpoint_training.evaluate", description=__doc__)
    commands = parser.add_subparsers(required=True)
    compositions = commands.add_parser("compositions", help="figures of a folder of pieces")
    compositions.add_argument("folder", type=Path, help="NNNNN.json with NNNNN.flac or .wav")
    compositions.add_argument("--audio", type=Path, default=None, help="take the sounds from here instead")
    compositions.add_argument("--limit", type=int, default=None, help="only so many pieces")
    compositions.add_argument("--seed", type=int, default=0, help="of the control moments")
    compositions.set_defaults(run=_compositions)
    _offer_all(commands.add_parser("all", help="everything about a bundle, beside controls"))
    _offer_clips(commands.add_parser("clips", help="real clips, scored by the engine, beside controls"))
    codec = commands.add_parser("codec", help="how near the codec is to held-out pieces, beside Opus")
    codec.add_argument("source", type=Path, help="a bundle, or the folder of a training run")
    codec.add_argument("heldout", type=Path, help="folder of pieces that it did not learn from")
    codec.add_argument("--limit", type=int, default=1000, help="only so many pieces")
    codec.set_defaults(run=_codec)
    return parser.parse_args()


def _offer_all(every: argparse.ArgumentParser) -> None:
    every.add_argument("bundle", type=Path, help="folder of a bundle")
    every.add_argument("heldout", type=Path, help="pieces that it did not learn from: FLAC with JSON")
    every.add_argument("--corpus", type=Path, required=True, help="pieces that it did learn from")
    every.add_argument("-o", "--output", type=Path, default=None, help="write the figures as JSON")
    every.add_argument("--rows", nargs="+", default=None, help="only these rows, by their names")
    every.add_argument("--limit", type=int, default=None, help="only so many pieces")
    every.add_argument("--corpus-pieces", type=int, default=320, help="listen to so many of the corpus")
    every.add_argument("--steps", type=int, default=STEPS, help="of the sampler, where none are named")
    every.add_argument("--guidance", type=float, default=GUIDANCE, help="of the sampler")
    every.add_argument("--seed", type=int, default=1, help="of the noise")
    every.add_argument("--jobs", type=int, default=cpu_threads(), help="processes that measure")
    every.add_argument("--cache", type=Path, default=Path("runs/evaluate"), help="rendered sounds, results")
    every.set_defaults(run=_all)


def _offer_clips(clips: argparse.ArgumentParser) -> None:
    clips.add_argument("videos", type=Path, nargs="+")
    clips.add_argument("--bundle", type=Path, default=None, help="instead of the one that came with it")
    clips.add_argument("--style", default="auto")
    clips.add_argument("--seed", type=int, default=1, help="of the noise")
    clips.add_argument("-o", "--output", type=Path, default=None, help="write the figures as JSON")
    clips.add_argument("--jobs", type=int, default=cpu_threads(), help="processes that measure")
    clips.set_defaults(run=_clips)


def _all(options: argparse.Namespace) -> None:
    question = Question(
        options.bundle, options.heldout, options.corpus, options.cache,
        tuple(options.rows) if options.rows else None, options.limit, options.corpus_pieces,
        options.steps, options.guidance, options.seed, options.jobs,
    )  # fmt: skip
    rows = console.run(lambda progress: evaluate(question, progress))
    if options.output is not None:
        write_report(options.output, question, rows)
    printer = Console(width=130)
    for table in (*tables(rows), purpose_table(rows, options.steps)):
        printer.print(table)
    printer.print(verdict_table(verdicts(rows, options.steps)))


def _row(label: str, of: Figures, count: int) -> list[str]:
    return [label, str(count), *(f"{figure:.3f}" for figure in dataclasses.astuple(of))]


def _by_style(found: Sequence[PieceFigures]) -> Table:
    table = Table(title="Compositions")
    table.add_column("style")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    for style in STYLES:
        mine = [one.own for one in found if one.style == style]
        if mine:
            table.add_row(*_row(style, mean(mine), len(mine)))
    table.add_section()
    table.add_row(*_row("all", mean([one.own for one in found]), len(found)))
    return table


def _controls(found: Sequence[PieceFigures], loris: LorisControls) -> Table:
    table = Table(title="Controls: music that does not know the picture")
    for heading in ("", "hit AUC", "LORIS BCS", "LORIS BHS", "LORIS F1"):
        table.add_column(heading, justify="right" if heading else "left")
    rows = (
        ("shuffled", mean_known([one.shuffled_auc for one in found]), loris.shuffled),
        ("metronome", mean_known([one.metronome_auc for one in found]), loris.metronome),
        ("silence", mean_known([one.silence_auc for one in found]), loris.silence),
    )
    for name, auc, score in rows:
        table.add_row(name, f"{auc:.3f}", f"{score.bcs:.3f}", f"{score.bhs:.3f}", f"{score.f1:.3f}")
    return table


def _compositions(options: argparse.Namespace) -> None:
    pieces = annotated(options.folder, options.audio)[: options.limit]
    errors = Console(stderr=True)
    found = list(track(measure(pieces, options.seed), "Measuring", total=len(pieces), console=errors))
    console = Console(width=110)
    console.print(_by_style(found))
    console.print(_controls(found, loris_controls(pieces, options.seed)))


def _clips(options: argparse.Namespace) -> None:
    question = ClipsQuestion(tuple(options.videos), options.style, options.seed, options.bundle, options.jobs)
    found = console.run(lambda progress: measure_clips(question, progress))
    if options.output is not None:
        write_clips(options.output, question, found)
    printer = Console(width=160)
    for part in clip_tables(found):
        printer.print(part)


def _codec(options: argparse.Namespace) -> None:
    total = min(options.limit, len(find_pieces(options.heldout)))
    found = measure_codec(coders(options.source), options.heldout, options.limit)
    errors = Console(stderr=True)
    Console(width=160).print(codec_table(list(track(found, "Measuring", total=total, console=errors))))


def main() -> int:
    """Run the command; 0 done, 1 failed, 2 wrong use."""
    options = _arguments()
    try:
        options.run(options)
    except HitpointError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
