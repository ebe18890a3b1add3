"""`python -m hitpoint_training.data pack|check ...`: data from three sources as WebDataset shards."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from hitpoint.cue.plan import STYLES
from hitpoint.errors import HitpointError, MediaError, UsageError
from hitpoint_training.data.check import check as check_sample
from hitpoint_training.data.entry import Entry
from hitpoint_training.data.loris import Split
from hitpoint_training.data.sample import Sample, unpack
from hitpoint_training.data.shards import PER_SHARD, find_shards, read_shard, write_shards
from hitpoint_training.data.source import entries

app = typer.Typer(add_completion=False, no_args_is_help=True)
_errors = Console(stderr=True)


@app.command()
def pack(
    source: Annotated[Path, typer.Argument(help="Composed corpus, folder of videos, or LORIS's data.")],
    shards: Annotated[Path, typer.Argument(help="Folder for the shards.")],
    style: Annotated[str | None, typer.Option(help="Style of all videos; else it is guessed.")] = None,
    split: Annotated[str | None, typer.Option(help="Of LORIS's data, as dance-25-train.")] = None,
    skip_bad: Annotated[bool, typer.Option(help="Leave out what cannot be used, and count it.")] = False,
    per_shard: Annotated[int, typer.Option(min=1, help="Samples of one shard.")] = PER_SHARD,
) -> None:
    """Read a source, check every sample, and write shards."""
    if style is not None and style not in STYLES:
        raise UsageError(f"Unknown style {style!r}.", f"One of {', '.join(STYLES)}.")
    found = list(entries(source, style, _split(split)))
    skipped: Counter[str] = Counter()
    written = write_shards(_loaded(found, skipped, skip_bad), shards, per_shard)
    count = sum(shard.count for shard in written)
    _errors.print(f"{count} samples in {len(written)} shards, {skipped.total()} skipped")
    for why in skipped:
        _errors.print(f"  {why}", highlight=False)


@app.command()
def check(shards: Annotated[Path, typer.Argument(help="Folder of shards.")]) -> None:
    """Read everything and say what cannot be used; exit status 1 if there is such."""
    good, faults = 0, []
    for shard in track(find_shards(shards), "Checking", console=_errors):
        try:
            for key, members in read_shard(shard):
                try:
                    check_sample(unpack(key, members))
                    good += 1
                except MediaError as error:
                    faults.append(error.what)
        except MediaError as error:
            faults.append(error.what)
    typer.echo(f"{good} good, {len(faults)} faults")
    for fault in faults:
        typer.echo(fault)
    if faults:
        raise typer.Exit(1)


def _loaded(found: Iterable[Entry], skipped: Counter[str], skip_bad: bool) -> Iterator[Sample]:
    for entry in track(list(found), "Packing", console=_errors):
        try:
            yield check_sample(entry.load())
        except MediaError as error:
            if not skip_bad:
                raise
            skipped[error.what] += 1


def _split(text: str | None) -> Split | None:
    if text is None:
        return None
    parts = text.split("-")
    if len(parts) != 3 or not parts[1].isdecimal() or parts[2] not in ("train", "test"):
        raise UsageError(f"{text!r} is no split.", "Write dance-25-train, fe-50-test and so on.")
    return Split(parts[0], int(parts[1]), parts[2])


def main() -> int:
    """Run; 0 done, 1 something cannot be used, 2 wrong use."""
    try:
        status = app(standalone_mode=False)
    except HitpointError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return int(status or 0)


if __name__ == "__main__":
    raise SystemExit(main())
