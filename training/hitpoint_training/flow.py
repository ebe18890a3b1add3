"""Rectified flow on latents and its distillation into few steps: two kinds of rows in one batch.

*Flow rows* learn the velocity of the flow (Liu et al. 2022) as it is. *Jump rows* learn its mean from t
down to r under guidance, from the network's own moving average: an instant is the guided velocity (Ho and
Salimans 2022), a jump is two jumps of half the length one after the other (SplitMeanFlow, arXiv 2507.16884;
shortcut models, arXiv 2410.12557).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from hitpoint.cue.sampler import STRONGEST, UNGUIDED
from hitpoint.cue.tokens import HIDDEN, SCENE_TOKENS, VISUAL_TOKENS
from hitpoint.cue.tracks import FORM_TRACKS, HARMONY_TRACKS, RHYTHM_TRACKS, TUNE_TRACKS
from hitpoint_training.conditioner import NULL_STYLE
from hitpoint_training.dataset import Window
from hitpoint_training.unet import Generator

WHOLE_DROP, GROUP_DROP, STREAM_DROP, KNOWN_ODDS = 0.1, 0.05, 0.1, 0.5
FLOW_SHARE = 0.5
"""Of the rows of a batch."""
RESCALED = 0.5
"""How far guidance is kept from widening the data, 0 to 1; with few steps they come out a little narrow."""
JUMPS, JUMP_ODDS = (0.0, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0), (0.25, 0.15, 0.2, 0.25, 0.1, 0.05)
STREAMS = {"visual": VISUAL_TOKENS, "storyboard": SCENE_TOKENS}
"""The token streams that can be left out."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the network may look at: latents and a mask (batch, 1, T) that is 1 where they are given."""

    latent: Tensor
    mask: Tensor


def without(window: Window, rows: Tensor, parts: frozenset[str]) -> Window:
    """The window with some of its conditions taken away in the rows (batch,) that are true: "rhythm", "form",
    "harmony", "tune", "genre", "adapter" or a name of STREAMS.
    """
    tracks, attention = window.tracks.clone(), window.attention.clone()
    named = {"rhythm": RHYTHM_TRACKS, "form": FORM_TRACKS, "harmony": HARMONY_TRACKS, "tune": TUNE_TRACKS}
    for name in parts & named.keys():
        tracks[rows, named[name]] = 0
    for name in parts & STREAMS.keys():
        attention[rows, :, STREAMS[name]] = float(HIDDEN)
    style, level, adapted = window.style, window.globals, window.adapted
    if "genre" in parts:
        style = torch.where(rows, torch.full_like(style, NULL_STYLE), style)
        level = level * (~rows).float()[:, None]
    if "adapter" in parts:
        adapted = adapted * (~rows).float()
    return replace(window, tracks=tracks, attention=attention, style=style, globals=level, adapted=adapted)


EVERYTHING = frozenset({"rhythm", "form", "harmony", "tune", "genre", "adapter", *STREAMS})


def drop_conditions(window: Window, flow_rows: int) -> Window:
    """Remove single groups in some rows and, in the flow rows, everything in some, for guidance and
    robustness."""
    batch = len(window.style)
    for name in sorted(EVERYTHING):
        odds = STREAM_DROP if name in STREAMS or name in ("adapter", "tune") else GROUP_DROP
        window = without(window, torch.rand(batch) < odds, frozenset({name}))
    whole = (torch.rand(batch) < WHOLE_DROP) & (torch.arange(batch) < flow_rows)
    return without(window, whole, EVERYTHING)


def draw_known(latent: Tensor) -> Known:
    """A random known prefix, suffix or surrounding for half of the rows, slightly perturbed against drift."""
    batch, _, frames = latent.shape
    mask = torch.zeros(batch, 1, frames)
    for row in range(batch):
        if torch.rand(()) > KNOWN_ODDS:
            continue
        kind, length = torch.rand(()), int(torch.randint(8, frames * 2 // 3, ()))
        if kind < 0.7:
            mask[row, :, :length] = 1
        elif kind < 0.85:
            mask[row, :, frames - length :] = 1
        else:
            start = int(torch.randint(0, frames - length + 1, ()))
            mask[row] = 1
            mask[row, :, start : start + length] = 0
    noise = torch.randn_like(latent) * (0.1 * torch.rand(batch, 1, 1))
    return Known((latent + noise) * mask, mask)


def velocity(generator: Generator, x: Tensor, time: Tensor, known: Known, window: Window) -> Tensor:
    """Mean velocity (batch, latent, T); `time` (batch, 3) holds t, r and the guidance."""
    with torch.autocast(x.device.type, torch.bfloat16):
        told = generator.conditioner(window.style, window.globals, window.looks, window.scenes)
        aligned = generator.aligner(window.tracks, window.transitions) * window.adapted[:, None, None]
        when = torch.stack([time[:, 0], time[:, 0] - time[:, 1], time[:, 2] / STRONGEST], 1)
        flow: Tensor = generator.unet(
            x, when, known.latent, known.mask, window.tracks, window.attention, *told, aligned
        )
    return flow.float()


def flow_loss(generator: Generator, mean: Generator, window: Window, worth: Tensor, device: str) -> Tensor:
    """Mean squared error of the mean velocity over the frames that are not known; `worth` (latent,) is what
    each component counts (`Projection.worth`)."""
    batch = len(window.style)
    split = max(1, round(batch * FLOW_SHARE))
    told = drop_conditions(window, split).to(device)
    known = draw_known(window.latent)
    known = Known(known.latent.to(device), known.mask.to(device))
    noise = torch.randn_like(told.latent)
    time = draw_times(batch, split).to(device)
    mixed = mix(told.latent, noise, time[:, 0])
    wanted = noise - told.latent
    if split < batch:
        jump = slice(split, batch)
        wanted[jump] = jump_target(
            mean, mixed[jump], noise[jump], time[jump],
            Known(known.latent[jump], known.mask[jump]), told.rows(jump),
        )  # fmt: skip
    made = velocity(generator, mixed, time, known, told)
    weight = 1.05 - known.mask
    error = ((made - wanted).square() * worth.to(device)[:, None]).mean(1, keepdim=True)
    loss: Tensor = (error * weight).sum() / weight.sum()
    return loss


def mix(data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """x_t = (1 - t) data + t noise."""
    return (1 - t)[:, None, None] * data + t[:, None, None] * noise


def draw_times(batch: int, flow_rows: int) -> Tensor:
    """(batch, 3): t, r and guidance. Flow rows are instants at logit-normal times without guidance."""
    instant = torch.sigmoid(torch.randn(batch))
    length = torch.tensor(JUMPS)[torch.multinomial(torch.tensor(JUMP_ODDS), batch, replacement=True)]
    free = length + (1 - length) * torch.rand(batch)
    on_grid = length * torch.ceil(free / length.clamp(min=1e-3))  # as the sampler takes them
    t = torch.where((torch.rand(batch) < 0.6) & (length > 0), on_grid.clamp(max=1.0), free)
    guidance = 1 + 3 * torch.rand(batch).square()
    rows = torch.arange(batch) < flow_rows
    t = torch.where(rows, instant, t)
    length = torch.where(rows, torch.zeros(()), length)
    return torch.stack([t, t - length, torch.where(rows, torch.ones(()), guidance)], 1)


@torch.no_grad()
def jump_target(
    mean: Generator, x: Tensor, noise: Tensor, time: Tensor, known: Known, window: Window
) -> Tensor:
    """What jump rows learn, in two passes of the averaged network for all of them together."""
    t, r, guidance = time.unbind(1)
    instant = t == r
    middle = torch.where(instant, t, (t + r) / 2)
    given = known.mask > 0

    def step(x: Tensor, start: Tensor, stop: Tensor, w: Tensor, window: Window) -> Tensor:
        flow = velocity(mean, x, torch.stack([start, stop, w], 1), known, window)
        return torch.where(given, noise - known.latent, flow)

    plain = torch.where(instant, torch.ones_like(guidance), guidance)
    first = step(x, t, middle, plain, window)
    halfway = x - (t - middle)[:, None, None] * first
    second = step(halfway, middle, r, plain, without(window, instant, EVERYTHING))
    weight = torch.where(t > UNGUIDED, guidance, torch.ones_like(guidance))[:, None, None]
    guided = second + weight * (first - second)  # of an instant, the second pass knew no condition
    guided = as_wide(guided, first, x, t.clamp(min=UNGUIDED)[:, None, None])
    return torch.where(instant[:, None, None], guided, (first + second) / 2)


def as_wide(guided: Tensor, plain: Tensor, x: Tensor, t: Tensor) -> Tensor:
    """The guided velocity, so that the data it points at are hardly wider than those of the plain one.

    Guidance moves away from the mean and makes everything louder (Lin et al., arXiv 2305.08891, equations 15
    and 16). `t` (batch, 1, 1) is above 0; (batch, latent, T) in and out.
    """
    ahead = x - t * guided
    width = (x - t * plain).std((1, 2), keepdim=True) / ahead.std((1, 2), keepdim=True).clamp(min=1e-4)
    return (x - (RESCALED * width + 1 - RESCALED) * ahead) / t


@torch.no_grad()
def sample(generator: Generator, window: Window, noise: Tensor, steps: int, guidance: float) -> Tensor:
    """From noise to latents (batch, latent, T); the reference for the sampler of the engine."""
    batch = len(noise)
    known = Known(torch.zeros_like(noise), torch.zeros(batch, 1, noise.shape[2]))
    x = noise
    for step in range(steps):
        t, r = 1 - step / steps, 1 - (step + 1) / steps
        time = torch.tensor([[t, r, guidance]]).repeat(batch, 1)
        x = x - (t - r) * velocity(generator, x, time, known, window)
    return x
