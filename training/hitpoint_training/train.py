"""The stages of a run: fit the projection and encode the corpus, train the decoder, train the U-Net."""

from __future__ import annotations

import copy
import ctypes
import random
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from hitpoint.values import SAMPLE_RATE
from hitpoint_training.adversary import Adversary
from hitpoint_training.backbones import generator_of
from hitpoint_training.checkpoint import read, write
from hitpoint_training.conditioner import Aligner
from hitpoint_training.data.unpacked import pieces_folder
from hitpoint_training.dataset import Corpus, Piece, encode_corpus, find_pieces, fit_projection, read_sound
from hitpoint_training.decoder import Decoder, sound
from hitpoint_training.flow import flow_loss, sample
from hitpoint_training.levels import level
from hitpoint_training.loop import Budget, Plan, average_of, load_mean, run
from hitpoint_training.losses import spectral_loss
from hitpoint_training.mel import HOP, Projection
from hitpoint_training.processes import device_of, half
from hitpoint_training.recipe import Recipe
from hitpoint_training.unet import Generator

PROJECTION = "projection.safetensors"
_LEVELLED, _LEVELLED_S = 12, 16  # pieces that the levels are taken from, and seconds of each
_RARE = 20.0  # how much more a cut that is a beat counts than the many frames that hold none
_HEARD = 512  # latent frames of an example to hear
_EDGE = 4  # 100 Hz frames at either end of a crop that are not judged: they lack their context


_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of mallopt in glibc


def _keep_memory() -> None:
    """Let the allocator keep what it once got: a third of the time went into fresh pages without this."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(_M_MMAP_MAX, 0)
            libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def start_stage(recipe: Recipe, stage: int) -> int:
    """Threads and the seed of the stage, with which its weights begin in every process."""
    seed = recipe.seed + 1_000_003 * stage
    _keep_memory()
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(seed)
    random.seed(seed)
    recipe.run.mkdir(parents=True, exist_ok=True)
    return seed


def _plan(recipe: Recipe, stage: str, budget: Budget, rate: float, keep: float) -> Plan:
    """What both stages have in common."""
    return Plan(
        checkpoint=recipe.run / f"{stage}.safetensors",
        budget=budget,
        rate=rate,
        keep=keep,
        device=device_of(recipe.device),
        save_every=recipe.save_seconds,
    )


def _reseeding(corpus: Corpus) -> Callable[[int], None]:
    """Everything that a loss draws from begins anew with each step, so that a resumed run draws the same."""

    def reseed(seed: int) -> None:
        torch.manual_seed(seed)
        random.seed(seed)
        corpus.random = np.random.default_rng(seed)

    return reseed


def pieces_of(recipe: Recipe) -> tuple[Piece, ...]:
    """The pieces of the corpus, which may be a folder of them or of shards."""
    return find_pieces(pieces_folder(recipe.corpus, recipe.run))


def projection_of(recipe: Recipe) -> Projection:
    """The projection that `encode` fitted."""
    projection = Projection(recipe.codec.latent)
    projection.load_state_dict(load_file(recipe.run / PROJECTION))
    return projection


def encode(recipe: Recipe) -> None:
    """Fit the projection on some pieces unless that was done, and cache the latents of all new ones."""
    start_stage(recipe, 0)
    pieces = pieces_of(recipe)
    if not (recipe.run / PROJECTION).exists():
        projection = Projection(recipe.codec.latent)
        step = max(1, len(pieces) // recipe.codec.fit_pieces)
        kept = fit_projection(pieces[::step], projection)
        save_file(projection.state_dict(), recipe.run / PROJECTION, metadata={"kept": f"{kept:.4f}"})
    encode_corpus(pieces, projection_of(recipe), latents_of(recipe))


def latents_of(recipe: Recipe) -> Path:
    """Where the latents of the corpus are cached."""
    return recipe.run / "latents"


def train_codec(recipe: Recipe, minutes: float, resume: bool, steps: int | None = None) -> None:
    """Train the decoder on crops of the corpus, with noise on the latents as generation will bring it.

    In the share of the time that is `adversarial_minutes` of the recipe's, at the end, discriminators
    listen too.
    """
    seed = start_stage(recipe, 1)
    device = device_of(recipe.device)
    corpus = Corpus(pieces_of(recipe), latents_of(recipe), seed)
    codec = recipe.codec
    decoder = Decoder(codec.latent, codec.width, codec.blocks)
    decoder.projection.load_state_dict(projection_of(recipe).state_dict())
    decoder.to(device)

    def made(decoder: Decoder, latent: Tensor, frame: Tensor) -> Tensor:
        mel = decoder.projection.decode(latent)
        with half(device):
            tones, hiss, rest = decoder.heads(mel)
        return sound(decoder.spectrum(mel, tones.float(), hiss.float(), rest.float(), frame))

    def pair() -> tuple[Tensor, Tensor]:
        latent, wanted, frame = (part.to(device) for part in corpus.crops(codec.batch, codec.frames))
        noisy = latent + codec.noise * torch.rand(len(latent), 1, 1, device=device) * torch.randn_like(latent)
        edge = slice(_EDGE * HOP, -_EDGE * HOP)
        return made(decoder, noisy, frame)[..., edge], wanted[..., edge]

    reseed = _reseeding(corpus)
    reseed(seed)
    latent, wanted, frame = (part.to(device) for part in corpus.crops(1, _HEARD // 4))

    def hear(mean: nn.Module) -> dict[str, Tensor]:
        assert isinstance(mean, Decoder)
        return {"decoded": made(mean, latent, frame)[0], "reference": wanted[0]}

    whole = Budget(minutes, resume, steps)
    plan = replace(_plan(recipe, "codec", whole, codec.rate, codec.ema), seed=seed, reseed=reseed, hear=hear)
    alone = 1 - min(1.0, codec.adversarial_minutes / codec.minutes)
    if alone:
        first = Budget(alone * minutes, resume, None if steps is None else round(alone * steps))
        run(decoder, lambda: spectral_loss(*pair()), replace(plan, budget=first))
    if alone < 1:
        adversary = Adversary(codec, device)

        def judged() -> Tensor:
            sounds = pair()
            return spectral_loss(*sounds) + adversary.loss(*sounds)

        run(decoder, judged, replace(plan, budget=replace(whole, resume=bool(alone) or resume)))


def level_codec(recipe: Recipe) -> None:
    """Bring the bands of the trained decoder to the level of the pieces (`levels.py`); once is enough."""
    start_stage(recipe, 1)
    checkpoint, codec = recipe.run / "codec.safetensors", recipe.codec
    decoder = Decoder(codec.latent, codec.width, codec.blocks)
    at = load_mean(checkpoint, decoder)
    pieces = pieces_of(recipe)
    chosen = pieces[:: max(1, len(pieces) // _LEVELLED)][:_LEVELLED]
    level(decoder.eval(), [read_sound(piece.sound, 0, _LEVELLED_S * SAMPLE_RATE) for piece in chosen])
    groups = read(checkpoint, ("model", "mean", "optimizer"))
    write(checkpoint, {**groups, "mean": decoder.state_dict()}, at)


def train_aligner(recipe: Recipe, minutes: float, resume: bool, steps: int | None = None) -> None:
    """First phase, as in VeM: the aligner learns on its own which cuts are beats, and then stays as it is."""
    seed = start_stage(recipe, 3)
    device = device_of(recipe.device)
    corpus = Corpus(pieces_of(recipe), latents_of(recipe), seed)
    aligner = Aligner().to(device)
    rare = torch.tensor(_RARE, device=device)

    def loss() -> Tensor:
        tracks, cuts, wanted = (part.to(device) for part in corpus.transition_beats(16, 512))
        return F.binary_cross_entropy_with_logits(
            aligner.answer(aligner(tracks, cuts)), wanted, pos_weight=rare
        )

    plan = _plan(recipe, "aligner", Budget(minutes, resume, steps), 2e-3, 0.99)
    run(aligner, loss, replace(plan, seed=seed, reseed=_reseeding(corpus)))


def train_flow(recipe: Recipe, minutes: float, resume: bool, steps: int | None = None) -> None:
    """Train the U-Net on windows of random length."""
    seed = start_stage(recipe, 2)
    device = device_of(recipe.device)
    corpus = Corpus(pieces_of(recipe), latents_of(recipe), seed)
    flow = recipe.flow
    generator = generator_of(recipe.codec.latent, flow)
    load_mean(recipe.run / "aligner.safetensors", generator.aligner)
    generator.aligner.requires_grad_(False)
    generator.to(device)
    mean = average_of(generator)
    worth = projection_of(recipe).worth(flow.worth)

    def loss() -> Tensor:
        frames = random.choices(flow.windows, flow.window_odds)[0]
        window = corpus.windows(flow.batch_frames // frames, frames)
        return flow_loss(generator, mean, window, worth, device)

    reseed = _reseeding(corpus)
    plan = _plan(recipe, "flow", Budget(minutes, resume, steps), flow.rate, flow.ema)
    hear = _sampling(recipe, corpus, seed)
    run(generator, loss, replace(plan, seed=seed, reseed=reseed, hear=hear), mean)


def _sampling(recipe: Recipe, corpus: Corpus, seed: int) -> Callable[[nn.Module], dict[str, Tensor]]:
    """Samples for the plan of one window; nothing to hear before the decoder is trained."""
    checkpoint = recipe.run / "codec.safetensors"
    corpus.random = np.random.default_rng(seed)
    window = corpus.windows(1, min(recipe.flow.windows))
    noise = torch.randn(window.latent.shape, generator=torch.Generator().manual_seed(seed))

    def hear(mean: nn.Module) -> dict[str, Tensor]:
        if not checkpoint.exists():
            return {}
        decoder = Decoder(recipe.codec.latent, recipe.codec.width, recipe.codec.blocks).eval()
        load_mean(checkpoint, decoder)
        generator = copy.deepcopy(mean).cpu()
        assert isinstance(generator, Generator)
        latents = {"sampled": sample(generator, window, noise, 4, 2.0), "composed": window.latent}
        mels = {name: decoder.projection.decode(latent) for name, latent in latents.items()}
        frame = torch.tensor([0])
        return {n: sound(decoder.spectrum(m, *decoder.heads(m), frame))[0] for n, m in mels.items()}

    return hear
