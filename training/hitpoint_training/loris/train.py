"""Training of LORIS on shards, through the one loop, with the paper's two rates and clipping."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from hitpoint.errors import MediaError
from hitpoint_training.data.sample import Sample
from hitpoint_training.data.shards import find_shards
from hitpoint_training.data.stream import Stream
from hitpoint_training.loop import Budget, Plan, progress_of, run
from hitpoint_training.loris.conditions import Seen
from hitpoint_training.loris.diffusion import Loris, start_noise
from hitpoint_training.loris.rhythm import rhythm_row
from hitpoint_training.loris.unet import STEREO
from hitpoint_training.processes import begin_processes, device_of, half
from hitpoint_training.recipe import LorisRecipe, Recipe
from hitpoint_training.train import start_stage

CHECKPOINT = "loris.safetensors"
_PEAK, _QUIETEST = 0.95, 0.3  # of the sounds that are learnt (Appendix B.1)


def seen_of(samples: list[Sample], recipe: LorisRecipe) -> Seen:
    """The conditions of samples. Raises MediaError where one lacks what LORIS looks at."""
    rows, videos = [], []
    for sample in samples:
        if sample.pose is None or sample.video is None:
            raise MediaError(f"{sample.key} has no pose or no video features.", "LORIS needs both.")
        if sample.video.shape[1] != recipe.video_features:
            raise MediaError(
                f"{sample.key} has {sample.video.shape[1]} video features.",
                f"The recipe asks for {recipe.video_features}.",
            )
        rows.append(rhythm_row(sample.pose, sample.pose_rate))
        videos.append(sample.video)
    return Seen(
        torch.from_numpy(_even(videos)),
        torch.from_numpy(_even([row.peaks for row in rows])),
        torch.from_numpy(_even([row.times for row in rows])),
        torch.tensor([min(sample.genre or 0, max(0, recipe.genres - 1)) for sample in samples]),
    )


def _even(rows: list[np.ndarray]) -> np.ndarray:
    """Stacked after cutting all to the shortest; they differ by a frame at most."""
    shortest = min(len(row) for row in rows)
    return np.stack([row[:shortest] for row in rows])


def sounds_of(samples: list[Sample], recipe: LorisRecipe, random: np.random.Generator) -> Tensor:
    """(batch, 2, length): normalised, at a random level, from the first picture on.

    The released code crops the sound at random without shifting the picture with it; this one does not.
    """
    rows = []
    for sample in samples:
        mono = sample.sound.mean(0)[: recipe.length]
        mono = mono * (_PEAK / np.abs(mono).max().clip(1e-6)) * random.uniform(_QUIETEST, 1.0)
        rows.append(np.pad(mono, (0, recipe.length - len(mono))))
    return torch.from_numpy(np.stack(rows).astype(np.float32))[:, None].expand(-1, STEREO, -1)


def train_loris(recipe: Recipe, minutes: float, resume: bool, steps: int | None = None) -> None:
    """Train on the shards of the recipe's corpus."""
    sizes = recipe.loris
    assert sizes is not None
    seed, device = start_stage(recipe, 3), device_of(recipe.device)
    state = begin_processes(device)
    checkpoint = recipe.run / CHECKPOINT
    done = progress_of(checkpoint).step if resume else 0
    stream = Stream(find_shards(recipe.corpus), seed, state.process_index, state.num_processes)
    samples = stream.samples(done * sizes.batch * state.num_processes)
    model = Loris(sizes).to(device)

    def loss() -> Tensor:
        random = np.random.default_rng(torch.initial_seed())  # of this step, set by the loop
        some = _take(samples, sizes.batch)
        with half(device):
            return model.loss(sounds_of(some, sizes, random).to(device), seen_of(some, sizes).to(device))

    heard = _take(Stream(stream.shards, seed).samples(), 1)

    def hear(mean: nn.Module) -> dict[str, Tensor]:
        assert isinstance(mean, Loris)
        noise = start_noise(sizes, 1, seed).to(device)
        made = mean.sample(noise, seen_of(heard, sizes).to(device), sizes.steps, sizes.guidance)
        return {"sampled": made[0], "reference": torch.from_numpy(heard[0].sound)}

    fast = model.conditional()
    plan = Plan(
        checkpoint=checkpoint,
        budget=Budget(minutes, resume, steps),
        rate=sizes.rate,
        keep=sizes.ema,
        device=device,
        seed=seed,
        clip=sizes.clip,
        betas=sizes.betas,
        decay=sizes.decay,
        schedule=lambda peak, step, share: sizes.warm_up_rate if step < sizes.warm_up else peak,
        rate_of=lambda name: sizes.rate if name in fast else sizes.backbone_rate,
        hear=hear,
        sound_rate=heard[0].rate,
        save_every=recipe.save_seconds,
    )
    run(model, loss, plan)
    for why, count in stream.skipped.items():
        print(f"Skipped {count} times: {why}")


def _take(samples: Iterator[Sample], count: int) -> list[Sample]:
    return [next(samples) for _ in range(count)]
