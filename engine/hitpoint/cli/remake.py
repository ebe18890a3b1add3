"""`hitpoint remake`: a region of a finished take anew, the rest as it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hitpoint.backends.api import NAMES as BACKENDS
from hitpoint.cli import console, reports
from hitpoint.progress import Progress


def remake(
    take: Annotated[Path, typer.Argument(help="A WAV that Hitpoint made.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The WAV to write.")],
    range_: Annotated[str, typer.Option("--range", help="IN-OUT in the music: 4-8. Snaps to bar lines.")],
    seed: Annotated[int, typer.Option(min=0, help="Other seed, other music.")] = 1,
    style: Annotated[str | None, typer.Option(help="Another style in there.")] = None,
    intensity: Annotated[float | None, typer.Option(min=0, max=1, help="Another intensity in there.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="The model bundle, if it was another.")] = None,
    backend: Annotated[str, typer.Option(help=f"What runs the model: auto, {', '.join(BACKENDS)}.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    """Make some bars of a take anew; everything else of its sound stays to the bit."""
    from hitpoint.cue.bundle import load_bundle
    from hitpoint.cue.remake import kept_take
    from hitpoint.cue.remake import remake as remade
    from hitpoint.cue.sessions import CpuModel
    from hitpoint.timeline.ranges import parse_range
    from hitpoint.values import Anew

    def work(progress: Progress) -> str:
        start, stop = parse_range(range_)
        kept, anew = kept_take(take), Anew(float(start), float(stop), seed, style, intensity)
        region = kept.region(anew)
        cue = remade(kept, anew, CpuModel(load_bundle(bundle), backend=backend), output.absolute(), progress)
        if as_json:
            return reports.dumps(reports.remake_json(cue, region, seed))
        console.warn(cue.warnings)
        return (
            f"{cue.asset.path}: {region.name} anew ({region.start:.2f} to {region.stop:.2f} s, seed {seed}); "
            f"{cue.hit_rate:.0%} of all strong hit points (by chance {cue.chance_rate:.0%})"
        )

    typer.echo(console.run(work, quiet=as_json and not sys.stderr.isatty(), debug=debug))
