"""`python -m hitpoint_training.loris sample|size ...`: sounds of a trained run, its size."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Annotated

import soundfile
import torch
import typer
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from hitpoint.errors import HitpointError, UsageError
from hitpoint_training.data.check import SHAPES, check
from hitpoint_training.data.sample import unpack
from hitpoint_training.data.shards import find_shards, read_shard
from hitpoint_training.evaluate.loris import loris_bins, loris_onsets, loris_score
from hitpoint_training.loop import load_mean
from hitpoint_training.loris.conditions import Seen
from hitpoint_training.loris.diffusion import Loris, start_noise
from hitpoint_training.loris.train import CHECKPOINT, seen_of
from hitpoint_training.loris.unet import STEREO, SerialCross
from hitpoint_training.processes import device_of
from hitpoint_training.recipe import LorisRecipe, read_recipe, recipe_of

app = typer.Typer(add_completion=False, no_args_is_help=True)
RATE = SHAPES["loris"][0]


@app.command()
def sample(
    run: Annotated[Path, typer.Argument(help="Folder of the training run.")],
    shards: Annotated[Path, typer.Argument(help="Folder of the shards to make music for.")],
    out: Annotated[Path, typer.Argument(help="Folder for generated_N.wav and gt_N.wav.")],
    steps: Annotated[int | None, typer.Option(min=2, help="Noise levels; else the recipe's.")] = None,
    guidance: Annotated[float | None, typer.Option(help="Else the recipe's.")] = None,
    seed: Annotated[int, typer.Option(help="Of the noise.")] = 1,
    limit: Annotated[int, typer.Option(min=1, help="Only so many.")] = 1000,
) -> None:
    """Sample with the averaged weights, and score the beats as LORIS's released code does."""
    recipe = recipe_of(run)
    sizes = _sizes(recipe.loris, run)
    device = device_of(recipe.device)
    model = Loris(sizes)
    load_mean(run / CHECKPOINT, model)
    model.eval().to(device)
    out.mkdir(parents=True, exist_ok=True)
    everything = itertools.chain.from_iterable(read_shard(shard) for shard in find_shards(shards))
    made, truth = [], []
    for number, (key, members) in enumerate(itertools.islice(everything, limit), 1):
        one = check(unpack(key, members))
        torch.manual_seed(seed + number)
        noise = start_noise(sizes, 1, seed + number).to(device)
        seen = seen_of([one], sizes).to(device)
        sound = model.sample(noise, seen, steps or sizes.steps, guidance or sizes.guidance)[0].cpu().numpy()
        for name, rows in (("generated", sound), ("gt", one.sound)):
            soundfile.write(out / f"{name}_{number}.wav", rows.T, RATE)
        seconds = sizes.length / RATE
        made.append(loris_bins(loris_onsets(sound.T, RATE), seconds))
        truth.append(loris_bins(loris_onsets(one.sound.T, RATE), one.duration))
    score = loris_score(made, truth)
    typer.echo(
        f"{len(made)} files, BCS {score.bcs:.3f}, BHS {score.bhs:.3f}, F1 {score.f1:.3f} (released code)"
    )


@app.command()
def size(recipe: Annotated[Path, typer.Argument(help="TOML file with a [loris] table.")]) -> None:
    """Parameters, shapes and operations, worked out without any memory."""
    sizes = _sizes(read_recipe(recipe).loris, recipe)
    with torch.device("meta"):
        model = Loris(sizes)
        seconds = sizes.length / RATE
        frames, rows = round(16 * seconds), round(2 * seconds)
        seen = Seen(
            torch.zeros(1, rows, sizes.video_features), torch.zeros(1, frames), torch.zeros(1, frames),
            torch.zeros(1, dtype=torch.int64),
        )  # fmt: skip
        shapes = _watch(model)
        with FlopCounterMode(display=False) as counter:
            streams = model.conditions(seen, torch.zeros(1, dtype=torch.bool))
            model.denoise(torch.zeros(1, STEREO, sizes.length), torch.ones(1), streams)
    cross = sum(_count(part) for part in model.modules() if isinstance(part, SerialCross))
    typer.echo(f"parameters: {_count(model) / 1e6:.1f} M")
    typer.echo(f"  conditions {_count(model.conditions) / 1e6:.1f} M, U-Net {_count(model.unet) / 1e6:.1f} M")
    typer.echo(f"  of that cross-attention {cross / 1e6:.1f} M")
    typer.echo(f"one evaluation: {counter.get_total_flops() / 2e9:.1f} G multiply-adds")
    typer.echo("residual blocks (channels, frames): " + ", ".join(dict.fromkeys(shapes)))


def _watch(model: Loris) -> list[str]:
    """The shape of what each group norm sees, in order of time; the list fills when the model runs."""
    shapes: list[str] = []

    def note(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        shapes.append("x".join(str(side) for side in inputs[0].shape[1:]))

    for part in model.unet.modules():
        if isinstance(part, nn.GroupNorm):
            part.register_forward_pre_hook(note)
    return shapes


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _sizes(sizes: LorisRecipe | None, where: Path) -> LorisRecipe:
    if sizes is None:
        raise UsageError(f"{where} has no [loris] table.", "Give training/recipes/loris.toml or a run of it.")
    return sizes


def main() -> int:
    """Run; 0 done, 1 failed, 2 wrong use."""
    try:
        app(standalone_mode=False)
    except HitpointError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
