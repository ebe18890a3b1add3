"""EDM (Karras et al. 2022) with the constants of LORIS's Appendix A.2, and its sampler ADPM2."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from hitpoint_training.loris.conditions import Conditions, Seen
from hitpoint_training.loris.unet import STEREO, LorisUNet, SerialCross
from hitpoint_training.recipe import LorisRecipe

SIGMA_DATA = 0.1
LOG_SIGMA_MEAN, LOG_SIGMA_STD = -3.0, 1.0
SIGMA_MIN, SIGMA_MAX, RHO = 1e-4, 3.0, 9.0
ADPM2_RHO = 1.0


class Loris(nn.Module):
    """The conditions and the U-Net, trained as one."""

    def __init__(self, recipe: LorisRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.conditions = Conditions(recipe)
        self.unet = LorisUNet(recipe)

    def conditional(self) -> set[str]:
        """Names of the parameters that the paper's pre-trained backbone does not have."""
        found = {f"conditions.{name}" for name, _ in self.conditions.named_parameters()}
        for prefix, module in self.named_modules():
            if isinstance(module, SerialCross):
                found |= {f"{prefix}.{name}" for name, _ in module.named_parameters()}
        return found

    def denoise(self, x: Tensor, sigma: Tensor, streams: tuple[Tensor, ...]) -> Tensor:
        """Eq. 12 to 17: the clean estimate of a noisy sound (batch, 2, samples), noise levels (batch,)."""
        wide = sigma[:, None, None]
        total = (wide**2 + SIGMA_DATA**2).sqrt()
        made: Tensor = self.unet(x / total, sigma.log() / 4, streams)
        clean: Tensor = (SIGMA_DATA / total) ** 2 * x + wide * SIGMA_DATA / total * made
        return clean

    def loss(self, sound: Tensor, seen: Seen) -> Tensor:
        """Mean squared error of the estimate weighted by 1 / c_out^2, at log-normal noise levels."""
        batch, device = len(sound), sound.device
        sigma = (LOG_SIGMA_MEAN + LOG_SIGMA_STD * torch.randn(batch, device=device)).exp()
        drop = torch.rand(batch, device=device) < self.recipe.drop
        noisy = sound + sigma[:, None, None] * torch.randn_like(sound)
        error = (self.denoise(noisy, sigma, self.conditions(seen, drop)) - sound).square().mean((1, 2))
        weight = (sigma**2 + SIGMA_DATA**2) / (sigma * SIGMA_DATA) ** 2
        return (error * weight).mean()

    @torch.no_grad()
    def sample(self, noise: Tensor, seen: Seen, steps: int, guidance: float) -> Tensor:
        """Noise (batch, 2, samples) of variance 1 to sound, with classifier-free guidance."""
        batch = len(noise)
        both = Seen(*(torch.cat([p, p]) for p in (seen.video, seen.peaks, seen.times, seen.genre)))
        drop = torch.arange(2 * batch, device=noise.device) >= batch
        streams = self.conditions(both, drop)

        def clean(x: Tensor, sigma: float) -> Tensor:
            level = torch.full((2 * batch,), sigma, device=x.device)
            told, free = self.denoise(torch.cat([x, x]), level, streams).chunk(2)
            return (free + guidance * (told - free)).clamp(-1, 1)

        return adpm2(clean, noise, karras(steps)).clamp(-1, 1)


def karras(steps: int) -> list[float]:
    """Noise levels from the largest to the smallest, evenly spaced in their ninth roots."""
    low, high = SIGMA_MIN ** (1 / RHO), SIGMA_MAX ** (1 / RHO)
    return [float((high + i / (steps - 1) * (low - high)) ** RHO) for i in range(steps)]


def adpm2(clean: Callable[[Tensor, float], Tensor], noise: Tensor, sigmas: list[float]) -> Tensor:
    """Ancestral second-order steps (k-diffusion's DPM2 with fresh noise): two evaluations per step.

    n levels make n - 1 steps, as in audio-diffusion-pytorch 0.0.43.
    """
    x = sigmas[0] * noise
    for sigma, target in pairwise(sigmas):
        up = math.sqrt(target**2 * (sigma**2 - target**2) / sigma**2)
        down = math.sqrt(target**2 - up**2)
        middle = ((sigma ** (1 / ADPM2_RHO) + down ** (1 / ADPM2_RHO)) / 2) ** ADPM2_RHO
        slope = (x - clean(x, sigma)) / sigma
        between = x + slope * (middle - sigma)
        slope = (between - clean(between, middle)) / middle
        x = x + slope * (down - sigma) + up * torch.randn_like(x)
    return x


def start_noise(recipe: LorisRecipe, batch: int, seed: int) -> Tensor:
    """(batch, 2, length) on the CPU, so that a seed means the same everywhere."""
    return torch.randn(batch, STEREO, recipe.length, generator=torch.Generator().manual_seed(seed))
