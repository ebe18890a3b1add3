"""Rectified flow on latents: what is lost, what is known, what is left out, and a reference sampler."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hitpoint.cue.tracks import FORM_TRACKS, HARMONY_TRACKS, RHYTHM_TRACKS
from hitpoint_training.dataset import Window
from hitpoint_training.unet import NULL_STYLE, Generator

WHOLE_DROP, GROUP_DROP, KNOWN_ODDS = 0.1, 0.05, 0.5


@dataclass(frozen=True, slots=True)
class Known:
    """What the network may look at: latents and a mask (batch, 1, T) that is 1 where they are given."""

    latent: Tensor
    mask: Tensor


def drop_conditions(window: Window) -> Window:
    """Remove the whole conditioning of some rows and single groups of others, for guidance and robustness."""
    batch = len(window.style)
    whole = torch.rand(batch) < WHOLE_DROP
    groups = [whole | (torch.rand(batch) < GROUP_DROP) for _ in range(4)]
    tracks = window.tracks.clone()
    for rows, part in zip(groups, (RHYTHM_TRACKS, FORM_TRACKS, HARMONY_TRACKS), strict=False):
        tracks[rows, part] = 0
    style = torch.where(groups[3], torch.tensor(NULL_STYLE), window.style)
    kept = (~groups[3]).float()
    return Window(
        window.latent, tracks, style, window.globals * kept[:, None], window.events * kept[:, None, None]
    )


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


def flow_loss(generator: Generator, window: Window, device: str) -> Tensor:
    """Mean squared error of the velocity (noise minus data) at logit-normal times, unknown frames only."""
    told, known = drop_conditions(window), draw_known(window.latent)
    data = told.latent.to(device)
    noise = torch.randn_like(data)
    t = torch.sigmoid(torch.randn(len(data), device=device))
    mixed = (1 - t)[:, None, None] * data + t[:, None, None] * noise
    with torch.autocast(device, torch.bfloat16):
        kv = generator.conditioner(told.style.to(device), told.globals.to(device), told.events.to(device))
        velocity = generator.unet(
            mixed, t, known.latent.to(device), known.mask.to(device), told.tracks.to(device), kv
        )
    weight = 1.05 - known.mask.to(device)
    error = (velocity.float() - (noise - data)).square().mean(1, keepdim=True)
    mean: Tensor = (error * weight).sum() / weight.sum()
    return mean


@torch.no_grad()
def sample(generator: Generator, window: Window, noise: Tensor, steps: int, guidance: float) -> Tensor:
    """Euler steps from noise to latents (batch, latent, T); the reference for the sampler of the engine."""
    batch = len(noise)
    style = torch.cat([window.style, torch.full_like(window.style, NULL_STYLE)])
    pair = [
        torch.cat([part, torch.zeros_like(part)]) for part in (window.globals, window.events, window.tracks)
    ]
    kv = generator.conditioner(style, pair[0], pair[1])
    known = torch.zeros(2 * batch, *noise.shape[1:])
    mask = torch.zeros(2 * batch, 1, noise.shape[2])
    x = noise
    for step in range(steps):
        t = torch.full((2 * batch,), 1 - step / steps)
        told, free = generator.unet(torch.cat([x, x]), t, known, mask, pair[2], kv).chunk(2)
        x = x - (free + guidance * (told - free)) / steps
    return x
