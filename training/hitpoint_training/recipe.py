"""What a training run is told, read from a TOML file."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hitpoint.errors import UsageError


@dataclass(frozen=True, slots=True)
class CodecRecipe:
    """Sizes of the linear codec and its decoder, and how the decoder is trained."""

    latent: int = 64
    width: int = 320
    blocks: int = 7
    fit_pieces: int = 96  # pieces that the projection is fitted on
    batch: int = 12
    frames: int = 96  # 100 Hz frames of a crop
    noise: float = 0.08  # standard deviation of the noise on the latents
    rate: float = 6e-4
    ema: float = 0.998
    minutes: float = 60.0
    adversarial_minutes: float = 0.0  # the last of the minutes, in which discriminators listen too
    adversarial_weight: float = 0.2
    matching_weight: float = 2.0


@dataclass(frozen=True, slots=True)
class FlowRecipe:
    """Sizes of the U-Net and how it is trained."""

    backbone: str = "native"
    channels: tuple[int, ...] = (128, 224, 320)
    context: int = 128  # features of a token
    embedding: int = 192  # features of the time and style modulation
    heads: int = 4
    windows: tuple[int, ...] = (256, 512, 1024)  # latent frames
    window_odds: tuple[float, ...] = (0.3, 0.5, 0.2)
    batch_frames: int = 8192  # latent frames of one step
    rate: float = 8e-4
    ema: float = 0.999
    minutes: float = 60.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """One training run: where the corpus lies, where results go, and both stages."""

    name: str
    corpus: Path
    run: Path
    device: str
    threads: int
    seed: int
    codec: CodecRecipe
    flow: FlowRecipe
    start: Path | None = None  # folder of a run whose weights the training of both stages begins with


RECIPE = "recipe.toml"


def begin_run(path: Path) -> Recipe:
    """Read a recipe, make the folder of its run and leave a copy there for the exporter."""
    recipe = read_recipe(path)
    recipe.run.mkdir(parents=True, exist_ok=True)
    if path.resolve() != (recipe.run / RECIPE).resolve():
        shutil.copyfile(path, recipe.run / RECIPE)
    return recipe


def recipe_of(run: Path) -> Recipe:
    """The recipe that a run was begun with; the run may have been moved since."""
    return replace(read_recipe(run / RECIPE), run=run)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; relative folders count from the current directory.

    Raises `UsageError` if the file cannot be read or names an unknown setting.
    """
    try:
        table = tomllib.loads(path.read_text())
        run = table["run"]
        flow: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in table.get("flow", {}).items()
        }
        recipe = Recipe(
            name=run["name"],
            corpus=Path(run["corpus"]),
            run=Path(run["folder"]),
            device=run.get("device", "cpu"),
            threads=int(run.get("threads", 1)),
            seed=int(run.get("seed", 1)),
            codec=CodecRecipe(**table.get("codec", {})),
            flow=FlowRecipe(**flow),
            start=Path(run["start"]) if "start" in run else None,
        )
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise UsageError(
            f"The recipe {path} cannot be used: {error}.", "Compare it with starter-cpu.toml."
        ) from error
    if recipe.flow.backbone != "native":
        raise UsageError(f"Unknown backbone {recipe.flow.backbone!r}.", "Use 'native'.")
    return recipe
