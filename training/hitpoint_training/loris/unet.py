"""The U-Net of LORIS from a-unet's parts, with the sizes of the paper's Appendix B.1.

Waveforms are folded by 32 into channels, then six levels. Each of a level's blocks is a residual block,
cross-attention to the three conditions one after the other with the same weights (section 3.3), and
modulation by the noise level; the lower three levels also attend to themselves. Below them lies a bottleneck.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from hitpoint.errors import UsageError
from hitpoint_training.recipe import LorisRecipe

try:
    from a_unet import CrossAttention, Packed, ResnetBlock, T, TimeConditioningPlugin
    from a_unet.apex import (
        AttentionItem,
        FeedForwardItem,
        ModulationItem,
        ResnetItem,
        SelectXE,
        SkipCat,
        XBlock,
        XUNet,
    )
except ModuleNotFoundError as error:
    raise UsageError("This needs the package a-unet.", "pip install --no-deps a-unet==0.0.16") from error

STEREO = 2  # a mono sound twice, as the paper feeds its pre-trained backbone


class SerialCross(nn.Module):
    """One cross-attention that looks at several conditions, one after the other."""

    def __init__(self, features: int, head_features: int, num_heads: int, context_features: int) -> None:
        super().__init__()
        self.attention = CrossAttention(
            features=features,
            head_features=head_features,
            num_heads=num_heads,
            context_features=context_features,
        )

    def forward(self, x: Tensor, streams: tuple[Tensor, ...]) -> Tensor:
        """`x` (batch, frames, features), each stream (batch, tokens, context)."""
        for tokens in streams:
            x = self.attention(x, tokens)
        return x


def _serial_cross_item(
    channels: int, attention_features: int, attention_heads: int, embedding_features: int, **_: Any
) -> nn.Module:
    cross = SelectXE(SerialCross)(channels, attention_features, attention_heads, embedding_features)
    packed: nn.Module = Packed(cross)
    return packed


class LorisUNet(nn.Module):
    """The network f of Eq. 13."""

    def __init__(self, recipe: LorisRecipe) -> None:
        super().__init__()
        outer = recipe.channels // recipe.patch
        self.patch = recipe.patch
        self.enter = ResnetBlock(dim=1, in_channels=STEREO, out_channels=outer)
        self.leave = ResnetBlock(dim=1, in_channels=outer, out_channels=STEREO)
        block = [ResnetItem, _serial_cross_item, ModulationItem]
        attention = [AttentionItem, FeedForwardItem]
        rows = zip(recipe.multipliers[1:], recipe.factors, recipe.blocks, recipe.attentions, strict=True)
        levels = [
            XBlock(channels=recipe.channels * wide, factor=factor, items=block * count + attention * attends)
            for wide, factor, count, attends in rows
        ]
        deepest = recipe.channels * recipe.multipliers[-1]
        levels.append(XBlock(channels=deepest, factor=1, items=[*block, AttentionItem]))
        self.net = TimeConditioningPlugin(T(XUNet)(blocks=levels))(
            dim=1,
            in_channels=recipe.channels,
            skip_t=SkipCat,
            downsample_width=2,
            upsample_mode="transpose",
            upsample_width=2,
            resnet_groups=8,
            attention_features=recipe.head_features,
            attention_heads=recipe.heads,
            attention_multiplier=2,
            embedding_features=recipe.context,
            modulation_features=4 * recipe.channels,
        )

    def forward(self, x: Tensor, noise: Tensor, streams: tuple[Tensor, ...]) -> Tensor:
        """`x` (batch, 2, samples), `noise` (batch,) as c_noise -> (batch, 2, samples)."""
        hidden = self.enter(x).unflatten(2, (-1, self.patch)).transpose(2, 3).flatten(1, 2)
        hidden = self.net(hidden, time=noise, embedding=streams)
        hidden = hidden.unflatten(1, (-1, self.patch)).transpose(2, 3).flatten(2)
        made: Tensor = self.leave(hidden)
        return made
