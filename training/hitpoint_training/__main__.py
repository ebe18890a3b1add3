"""`python -m hitpoint_training`: encode a corpus, train both stages, evaluate a bundle."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from hitpoint.cli import console
from hitpoint.cue.bundle import load_bundle
from hitpoint.errors import HitpointError
from hitpoint.progress import Progress
from hitpoint_training import from_bundle
from hitpoint_training import train as stages
from hitpoint_training.ablation import STREAMS
from hitpoint_training.dataset import find_pieces
from hitpoint_training.evaluate_bundle import (
    Renderer,
    folder_of,
    render_codec,
    render_rows,
    rows_of,
    shuffle,
)
from hitpoint_training.processes import begin_processes, device_of
from hitpoint_training.recipe import begin_run, read_recipe, recipe_of
from hitpoint_training.start import first_weights

app = typer.Typer(add_completion=False, no_args_is_help=True)
RecipeFile = Annotated[Path, typer.Argument(help="TOML file, see training/recipes.")]


@app.command()
def encode(recipe: RecipeFile) -> None:
    """Fit the projection once, and cache the latents of the pieces that are new."""
    stages.encode(begin_run(recipe))


@app.command()
def train(
    recipe: RecipeFile,
    stage: Annotated[Literal["all", "codec", "flow"], typer.Option(help="Which part.")] = "all",
    minutes: Annotated[float | None, typer.Option(help="Per stage, instead of the recipe's.")] = None,
    steps: Annotated[int | None, typer.Option(help="Per stage, instead of minutes.")] = None,
    resume: Annotated[bool, typer.Option(help="Continue from the last checkpoint.")] = False,
) -> None:
    """Train the decoder and the U-Net; encodes the corpus first if that was not done.

    Start it with torchrun or `accelerate launch` for several processes.
    """
    with begin_processes(device_of(read_recipe(recipe).device)).main_process_first():
        chosen = begin_run(recipe)
        if chosen.loris is None:
            resume = first_weights(chosen) or resume
            stages.encode(chosen)
    if chosen.loris is not None:
        from hitpoint_training.loris.train import train_loris  # needs a package that the others do not

        train_loris(chosen, minutes or chosen.loris.minutes, resume, steps)
        return
    if stage in ("all", "codec"):
        stages.train_codec(chosen, minutes or chosen.codec.minutes, resume, steps)
    if stage in ("all", "flow"):
        stages.train_aligner(chosen, chosen.flow.aligner_minutes, resume, steps)
        stages.train_flow(chosen, minutes or chosen.flow.minutes, resume, steps)


@app.command()
def level(recipe: RecipeFile) -> None:
    """Bring the bands of the trained decoder to the level of the pieces; before the export, once."""
    stages.level_codec(begin_run(recipe))


@app.command()
def recover(
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle.")],
    recipe: Annotated[Path, typer.Argument(help="The recipe that it was made with.")],
) -> None:
    """Turn a bundle back into the checkpoints of a run, to train on from them."""
    from_bundle.recover(bundle, begin_run(recipe))


@app.command()
def render(
    run: Annotated[Path, typer.Argument(help="Folder of the training run, for its projection.")],
    bundle: Annotated[Path, typer.Argument(help="Folder of the exported bundle.")],
    plans: Annotated[Path, typer.Argument(help="Held-out pieces: FLAC with JSON.")],
    out: Annotated[Path, typer.Argument(help="Folder for the sounds.")],
    steps: Annotated[int, typer.Option(help="Of the sampler.")] = 4,
    guidance: Annotated[float, typer.Option(help="Of the sampler.")] = 2.0,
    seed: Annotated[int, typer.Option(help="Of the noise.")] = 1,
    limit: Annotated[int | None, typer.Option(help="Only so many pieces.")] = None,
    without: Annotated[list[str] | None, typer.Option(help="Once more without a stream, or `all`.")] = None,
    controls: Annotated[bool, typer.Option(help="Random weights, and the plan of another piece.")] = False,
) -> None:
    """Render held-out plans with a bundle through the engine, into a folder for each way, to be measured."""
    renderer = Renderer(load_bundle(bundle), guidance, seed)
    pieces = find_pieces(plans)[:limit]
    rows = rows_of((steps,), steps, STREAMS if without == ["all"] else without or (), controls)
    projection = stages.projection_of(recipe_of(run))

    def work(progress: Progress) -> None:
        render_rows(renderer, rows, [(piece.sound.stem, piece.plan) for piece in pieces], out, progress)
        if controls:
            shuffle(out / folder_of(rows[0].name), out / "shuffled")
        render_codec(renderer, projection, pieces, out, progress)

    console.run(work)


def main() -> int:
    """Run, and turn expected failures into a message and an exit status."""
    try:
        app(standalone_mode=False)
    except HitpointError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
