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
    worth: float = 0.67  # power of a component's spread that its errors count by; 0: all alike
    aligner_minutes: float = 1.0
    minutes: float = 60.0


@dataclass(frozen=True, slots=True)
class LorisRecipe:
    """LORIS (ICML 2023), section 5.1, appendices A.2 and B.1: its sizes, its training and its sampling."""

    channels: int = 256
    patch: int = 32  # samples that the outermost layer folds into channels
    multipliers: tuple[int, ...] = (1, 2, 4, 4, 4, 4, 4)
    factors: tuple[int, ...] = (4, 4, 4, 2, 2, 2)
    blocks: tuple[int, ...] = (2, 2, 2, 2, 2, 2)
    attentions: tuple[int, ...] = (0, 0, 0, 1, 1, 1)
    heads: int = 16
    head_features: int = 64
    context: int = 1024  # features of every token
    video_features: int = 1024  # of I3D, at 2 Hz
    genres: int = 10  # 0: no genre token, as every released configuration has it
    length: int = 2**19  # samples
    batch: int = 10
    drop: float = 0.1  # share of rows that lose all conditions
    rate: float = 3e-3
    backbone_rate: float = 3e-6  # of the layers that come pre-trained in the paper
    warm_up_rate: float = 2e-4  # of all layers in the first `warm_up` steps
    warm_up: int = 1000
    clip: float = 0.5
    betas: tuple[float, float] = (0.9, 0.96)
    decay: float = 4.5e-2
    ema: float = 0.0  # the paper has none
    minutes: float = 600.0
    steps: int = 50  # of the sampler
    guidance: float = 20.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """One training run: where the corpus lies, where results go, and its stages.

    `start` is empty, "bundle" for the weights that were shipped, or the folder of another run. With `loris`
    the run trains that model instead of the codec and the flow.
    """

    name: str
    corpus: Path
    run: Path
    device: str
    threads: int
    seed: int
    codec: CodecRecipe
    flow: FlowRecipe
    start: str = ""
    save_seconds: float = 120.0
    loris: LorisRecipe | None = None


RECIPE = "recipe.toml"
BACKBONES = ("native", "adp")


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
        loris = table.get("loris")
        recipe = Recipe(
            name=run["name"],
            corpus=Path(run["corpus"]),
            run=Path(run["folder"]),
            device=run.get("device", "cpu"),
            threads=int(run.get("threads", 1)),
            seed=int(run.get("seed", 1)),
            codec=CodecRecipe(**_settings(table.get("codec", {}))),
            flow=FlowRecipe(**_settings(table.get("flow", {}))),
            start=str(run.get("start", "")),
            save_seconds=float(run.get("save_seconds", 120.0)),
            loris=None if loris is None else LorisRecipe(**_settings(loris)),
        )
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"The recipe {path} cannot be used: {error}.", "Compare it with starter-cpu.toml."
        ) from error
    if recipe.flow.backbone not in BACKBONES:
        raise UsageError(f"Unknown backbone {recipe.flow.backbone!r}.", "Use 'native' or 'adp'.")
    return recipe


def _settings(table: dict[str, Any]) -> dict[str, Any]:
    """TOML's lists as tuples, as frozen recipes hold them."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
