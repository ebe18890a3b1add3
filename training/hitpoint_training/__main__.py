"""`python -m hitpoint_training`: encode a corpus, train both stages, evaluate a bundle."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from hitpoint.errors import HitpointError
from hitpoint_training import train as stages
from hitpoint_training.recipe import read_recipe

app = typer.Typer(add_completion=False, no_args_is_help=True)
RecipeFile = Annotated[Path, typer.Argument(help="TOML file, see training/recipes.")]


@app.command()
def encode(recipe: RecipeFile) -> None:
    """Fit the projection and cache the latents of the corpus."""
    kept = stages.encode(read_recipe(recipe))
    typer.echo(f"the latents keep {kept:.1%} of the variance")


@app.command()
def train(
    recipe: RecipeFile,
    stage: Annotated[Literal["all", "codec", "flow"], typer.Option(help="Which part.")] = "all",
    minutes: Annotated[float | None, typer.Option(help="Per stage, instead of the recipe's.")] = None,
    resume: Annotated[bool, typer.Option(help="Continue from the last checkpoint.")] = False,
) -> None:
    """Train the decoder and the U-Net; encodes the corpus first if that was not done."""
    chosen = read_recipe(recipe)
    if not (chosen.run / "projection.safetensors").exists():
        stages.encode(chosen)
    if stage in ("all", "codec"):
        stages.train_codec(chosen, minutes or chosen.codec.minutes, resume)
    if stage in ("all", "flow"):
        stages.train_flow(chosen, minutes or chosen.flow.minutes, resume)


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
