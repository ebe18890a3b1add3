"""The backbone `adp`: the U-Net of audio-diffusion-pytorch 0.1.3 (its `UNetV0`) behind the interface of ours.

Put together from a-unet, which that package is made of; the package itself asks for torchaudio, whose wheels
are built for CUDA alone. Per block: residual, modulation, channel injection, self-attention, cross-attention.

What differs from `native`: group norms look at the whole window, skips are modulated sums, queries know no
position, and tokens are normalised and projected again in every block. The tracks and the aligner's features
enter by channel injection, the tokens by cross-attention, for which a-unet has no mask; here it gets one.
Where a-unet's own form does not export into the engine's operators, the same arithmetic stands in plain form.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hitpoint.cue.tracks import TRACKS
from hitpoint.errors import UsageError
from hitpoint_training.conditioner import ALIGNED
from hitpoint_training.recipe import FlowRecipe
from hitpoint_training.waves import waves

try:
    from a_unet import Attention, ConvBlock, Modulation, ResnetBlock, T
    from a_unet.apex import InjectChannelsItem, SelectX, SelectXE, SelectXF, SkipModulate, XBlock, XUNet
except ModuleNotFoundError as error:
    raise UsageError(
        "The backbone 'adp' needs the package a-unet.", "pip install --no-deps a-unet==0.0.16"
    ) from error

_TIME_OCTAVES = 10
_HEAD_FEATURES, _GROUPS = 64, 8
Told = tuple[Tensor, tuple[Tensor, ...]]
"""Tokens (batch, tokens, features), and per level what is added to the scores (batch, 1, frames, tokens)."""


class GroupNorm(nn.GroupNorm):
    """The same as PyTorch's in plain arithmetic: the exporter's own form is no operator the engine takes."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, frames)."""
        parts = x.reshape(x.shape[0], self.num_groups, -1, x.shape[2])
        centred = parts - parts.mean((2, 3), keepdim=True)
        unit = centred * torch.rsqrt(centred.square().mean((2, 3), keepdim=True) + self.eps)
        scaled: Tensor = unit.flatten(1, 2) * self.weight[:, None] + self.bias[:, None]
        return scaled


class Turned(nn.Module):
    """A module for (batch, frames, channels) as one for (batch, channels, frames)."""

    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor, *told: Any) -> Tensor:
        """Whatever else there is goes to the module as it is."""
        made: Tensor = self.inside(x.transpose(1, 2), *told)
        return made.transpose(1, 2)


class Attending(nn.Module):
    """a-unet's attention, with its weights, in plain products: einsum is no operator the engine takes.

    With `context` features it looks at tokens, and a mask is added to its scores; else at the window itself.
    """

    def __init__(self, features: int, heads: int, context: int | None = None, depth: int = 0) -> None:
        super().__init__()
        self.heads, self.depth = heads, depth
        self.weights = Attention(
            features=features, head_features=_HEAD_FEATURES, num_heads=heads, context_features=context
        )

    def forward(self, x: Tensor, told: Told | None = None) -> Tensor:
        """(batch, frames, features)."""
        own = self.weights
        tokens, hidden = (x, None) if told is None else (told[0], told[1][self.depth])
        key, value = own.to_kv(own.norm_context(tokens)).chunk(2, -1)
        query, key, value = (self._split(part) for part in (own.to_q(own.norm(x)), key, value))
        scores = query @ key.transpose(2, 3) * _HEAD_FEATURES**-0.5
        scores = scores if hidden is None else scores + hidden
        mixed = torch.softmax(scores.float(), -1).to(value.dtype) @ value
        answer: Tensor = own.attention.blocks[0](mixed.transpose(1, 2).flatten(2))
        return x + answer

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], x.shape[1], self.heads, _HEAD_FEATURES).transpose(1, 2)


def _resnet(dim: int, channels: int, **_: Any) -> nn.Module:
    block = T(ConvBlock)(norm_t=T(GroupNorm)(num_groups=_GROUPS))
    made: nn.Module = SelectX(ResnetBlock)(
        dim=dim, in_channels=channels, out_channels=channels, kernel_size=3, conv_block_t=block
    )
    return made


def _modulation(channels: int, modulation_features: int, **_: Any) -> nn.Module:
    made: nn.Module = SelectXF(Turned)(Modulation(in_features=channels, num_features=modulation_features))
    return made


def _attention(channels: int, attention_heads: int, **_: Any) -> nn.Module:
    made: nn.Module = SelectX(Turned)(Attending(channels, attention_heads))
    return made


def _cross(channels: int, attention_heads: int, embedding_features: int, depth: int, **_: Any) -> nn.Module:
    made: nn.Module = SelectXE(Turned)(Attending(channels, attention_heads, embedding_features, depth))
    return made


class AdpUNet(nn.Module):
    """Mean velocity of the flow; levels and rates as in `native`, two blocks of items each way."""

    def __init__(self, latent: int, recipe: FlowRecipe) -> None:
        super().__init__()
        self.heads = recipe.heads
        embedding = recipe.embedding
        self.time = nn.Sequential(
            nn.Linear(3 * 2 * _TIME_OCTAVES, embedding), nn.SiLU(), nn.Linear(embedding, embedding)
        )
        self.vector = nn.Linear(recipe.context, embedding)
        widths = (*recipe.channels, recipe.channels[-1])
        plain = [_resnet, _modulation, InjectChannelsItem]
        self.levels = len(widths)
        blocks = [
            XBlock(
                channels=width,
                factor=2 if level else 1,
                context_channels=TRACKS + ALIGNED,
                items=[*plain, *([_attention, _cross] if level else [])]
                * (2 if level < len(widths) - 1 else 1),
            )
            for level, width in enumerate(widths)
        ]
        self.net = XUNet(
            dim=1,
            in_channels=2 * latent + 1,
            out_channels=latent,
            blocks=blocks,
            skip_t=SkipModulate,
            downsample_width=2,
            upsample_mode="transpose",  # nearest neighbours would need an operator the engine does not take
            upsample_width=2,
            attention_heads=recipe.heads,
            embedding_features=2 * recipe.context,
            modulation_features=embedding,
        )

    def forward(
        self,
        x: Tensor,
        time: Tensor,
        known: Tensor,
        mask: Tensor,
        tracks: Tensor,
        attention: Tensor,
        keys: Tensor,
        values: Tensor,
        vector: Tensor,
        aligned: Tensor,
    ) -> Tensor:
        """As `hitpoint_training.unet.UNet`; of the keys and values the first block's are the tokens."""
        features = self.time(waves(time, _TIME_OCTAVES).flatten(1)) + self.vector(vector)
        key, value = keys[:, : self.heads].transpose(2, 3), values[:, : self.heads]
        tokens = torch.cat([key, value], 1).transpose(1, 2).flatten(2)
        shown = torch.cat([tracks, aligned], 1)
        injected, hidden = [shown], [attention[:, None]]
        for level in range(1, self.levels):
            injected.append(F.avg_pool1d(injected[-1], 2))
            hidden.append(attention[:, None, :: 2**level])
        made: Tensor = self.net(
            torch.cat([x, known, mask], 1),
            features=features,
            embedding=(tokens, tuple(hidden)),
            channels=injected,
        )
        return made
