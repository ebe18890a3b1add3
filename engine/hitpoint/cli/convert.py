"""`hitpoint convert`: a timeline in another format, with what it loses on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hitpoint.cli import console, reports
from hitpoint.timeline.formats.base import Loss


def convert(
    source: Annotated[Path, typer.Argument(help="A timeline in any format that is read.")],
    output: Annotated[Path, typer.Argument(help="Its new name; the ending says the format.")],
    media_root: Annotated[
        Path | None, typer.Option("--media-root", help="Where to look for media that has moved.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUTPUT; what was there is kept.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    """Write a timeline in another format, after saying what will be lost."""
    from hitpoint.timeline.convert import conversion, write_conversion

    found = console.run(lambda _progress: conversion(source, output, media_root), quiet=True, debug=debug)
    if not as_json:
        console.warn(tuple(loss.sentence for loss in found.losses))
    written = console.run(lambda _progress: write_conversion(found, force=force), quiet=True, debug=debug)
    if as_json:
        losses: reports.Json = [*losses_json(found.losses)]
        typer.echo(reports.dumps({"output": str(written), "losses": losses}))
    else:
        typer.echo(str(written))


def losses_json(losses: tuple[Loss, ...]) -> list[reports.Json]:
    """The documented form of losses."""
    return [{"trait": loss.trait, "where": loss.where, "text": loss.sentence} for loss in losses]
