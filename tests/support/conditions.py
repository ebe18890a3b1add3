"""Random conditions of the network, as a batch of windows."""

from __future__ import annotations

import torch

from hitpoint.cue import tokens, tracks
from hitpoint_training.dataset import Window


def window(latent: int, batch: int, frames: int) -> Window:
    """Latents (batch, latent, frames) and conditions of which everything is to be seen."""
    return Window(
        torch.randn(batch, latent, frames),
        torch.rand(batch, tracks.TRACKS, frames),
        torch.rand(batch, 1, frames),
        torch.zeros(batch, dtype=torch.int64),
        torch.rand(batch, tracks.GLOBALS),
        torch.rand(batch, tokens.VISUAL, tokens.LOOKS),
        torch.rand(batch, tokens.SCENES, tokens.SCENE_FEATURES),
        torch.zeros(batch, frames, tokens.TOKENS),
        torch.ones(batch),
    )
