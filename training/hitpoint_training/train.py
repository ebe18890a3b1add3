"""The stages of a run: fit the projection and encode the corpus, train the decoder, train the U-Net."""

from __future__ import annotations

import ctypes
import random
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hitpoint_training.adversary import Adversary
from hitpoint_training.dataset import Corpus, encode_corpus, find_pieces, fit_projection
from hitpoint_training.decoder import Decoder, sound
from hitpoint_training.flow import flow_loss
from hitpoint_training.loop import Plan, load_mean, progress_of, run
from hitpoint_training.losses import spectral_loss
from hitpoint_training.mel import HOP, Projection
from hitpoint_training.recipe import Recipe
from hitpoint_training.unet import Generator

PROJECTION = "projection.safetensors"
_EDGE = 4  # 100 Hz frames at either end of a crop that are not judged: they lack their context


_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of mallopt in glibc


def _keep_memory() -> None:
    """Let the allocator keep what it once got: a third of the time went into fresh pages without this."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(_M_MMAP_MAX, 0)
            libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def _start(recipe: Recipe, stage: int, step: int = 0) -> int:
    """Threads and seeds; each stage, and each step that it resumes from, has a seed of its own."""
    seed = recipe.seed + 1_000_003 * stage + step
    _keep_memory()
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(seed)
    random.seed(seed)
    recipe.run.mkdir(parents=True, exist_ok=True)
    return seed


def projection_of(recipe: Recipe) -> Projection:
    """The projection that `encode` fitted."""
    projection = Projection(recipe.codec.latent)
    projection.load_state_dict(load_file(recipe.run / PROJECTION))
    return projection


def encode(recipe: Recipe) -> None:
    """Fit the projection on some pieces unless that was done, and cache the latents of all new ones."""
    _start(recipe, 0)
    pieces = find_pieces(recipe.corpus)
    if recipe.start is not None and not (recipe.run / PROJECTION).exists():
        shutil.copyfile(recipe.start / PROJECTION, recipe.run / PROJECTION)
    if not (recipe.run / PROJECTION).exists():
        projection = Projection(recipe.codec.latent)
        step = max(1, len(pieces) // recipe.codec.fit_pieces)
        kept = fit_projection(pieces[::step], projection)
        save_file(projection.state_dict(), recipe.run / PROJECTION, metadata={"kept": f"{kept:.4f}"})
    encode_corpus(pieces, projection_of(recipe), latents_of(recipe))


def latents_of(recipe: Recipe) -> Path:
    """Where the latents of the corpus are cached."""
    return recipe.run / "latents"


def train_codec(recipe: Recipe, minutes: float, resume: bool) -> None:
    """Train the decoder on crops of the corpus, with noise on the latents as generation will bring it.

    In the last `adversarial_minutes` discriminators listen too.
    """
    checkpoint = recipe.run / "codec.safetensors"
    seed = _start(recipe, 1, progress_of(checkpoint).step if resume else 0)
    corpus = Corpus(find_pieces(recipe.corpus), latents_of(recipe), seed)
    codec = recipe.codec
    decoder = Decoder(codec.latent, codec.width, codec.blocks)
    if recipe.start is not None:
        load_mean(recipe.start / "codec.safetensors", decoder)
    decoder.projection.load_state_dict(projection_of(recipe).state_dict())
    decoder.to(recipe.device)

    def pair() -> tuple[Tensor, Tensor]:
        latent, wanted, frame = (part.to(recipe.device) for part in corpus.crops(codec.batch, codec.frames))
        noisy = latent + codec.noise * torch.rand(len(latent), 1, 1, device=recipe.device) * torch.randn_like(
            latent
        )
        mel = decoder.projection.decode(noisy)
        with torch.autocast(recipe.device, torch.bfloat16):
            tones, rest = decoder.heads(mel)
        made = sound(decoder.spectrum(mel, tones.float(), rest.float(), frame))
        edge = slice(_EDGE * HOP, -_EDGE * HOP)
        return made[..., edge], wanted[..., edge]

    alone = max(0.0, minutes - codec.adversarial_minutes)
    run(decoder, lambda: spectral_loss(*pair()), Plan(checkpoint, alone, codec.rate, codec.ema, resume))
    if alone < minutes:
        adversary = Adversary(codec, recipe.device)

        def judged() -> Tensor:
            made, wanted = pair()
            return spectral_loss(made, wanted) + adversary.loss(made, wanted)

        run(decoder, judged, Plan(checkpoint, minutes, codec.rate, codec.ema, resume=True))


def train_flow(recipe: Recipe, minutes: float, resume: bool) -> None:
    """Train the U-Net on windows of random length."""
    checkpoint = recipe.run / "flow.safetensors"
    seed = _start(recipe, 2, progress_of(checkpoint).step if resume else 0)
    corpus = Corpus(find_pieces(recipe.corpus), latents_of(recipe), seed)
    flow = recipe.flow
    generator = Generator(recipe.codec.latent, flow).to(recipe.device)
    if recipe.start is not None:
        load_mean(recipe.start / "flow.safetensors", generator)

    def loss() -> Tensor:
        frames = random.choices(flow.windows, flow.window_odds)[0]
        return flow_loss(generator, corpus.windows(flow.batch_frames // frames, frames), recipe.device)

    run(generator, loss, Plan(checkpoint, minutes, flow.rate, flow.ema, resume))
