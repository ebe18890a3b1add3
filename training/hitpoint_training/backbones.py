"""The network of a recipe: `native` is our own U-Net, `adp` that of audio-diffusion-pytorch."""

from __future__ import annotations

from hitpoint_training.recipe import FlowRecipe
from hitpoint_training.unet import Generator


def generator_of(latent: int, flow: FlowRecipe) -> Generator:
    """The conditioner and the network that the recipe names, with fresh weights."""
    return Generator(latent, flow)
