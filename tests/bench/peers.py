"""Other systems' architectures with random weights, on the same machine in the same run.

Speed depends on sizes and not on what was learned. What is built here is what their papers and configurations
state; where only a part is timed and multiplied, the note says so, and what is left out favours them.
"""

from __future__ import annotations

import torch
from measure import Row, timed
from torch import Tensor, nn
from torch.nn import functional as F

SECONDS = 30.0


def loris(runs: int = 2) -> Row:
    """50 steps of ADPM2 with guidance: 98 evaluations of a batch of two, which are the paper's 196 passes."""
    from hitpoint_training.loris.diffusion import Loris
    from hitpoint_training.recipe import LorisRecipe

    recipe = LorisRecipe()
    model = Loris(recipe).eval()
    x = torch.randn(2, 2, recipe.length)
    streams = tuple(torch.randn(2, 50, recipe.context) for _ in range(3))
    audio = recipe.length / 22_050

    def work() -> Tensor:
        with torch.inference_mode():
            return model.denoise(x, torch.ones(2), streams)

    note = f"{_millions(model)} M parameters; one pair of passes timed, times 98; mono at 22 kHz"
    return timed("LORIS", work, audio, runs, note, scale=98)


def musicgen(runs: int = 3, tokens: int = 12) -> Row:
    """MusicGen-small's language model with guidance (batch of two) and a key-value cache."""
    from transformers.models.musicgen.configuration_musicgen import MusicgenDecoderConfig
    from transformers.models.musicgen.modeling_musicgen import MusicgenForCausalLM

    config = MusicgenDecoderConfig()  # its defaults are those of the small model
    model = MusicgenForCausalLM(config).eval()
    text, mask = torch.randn(2, 16, config.hidden_size), torch.ones(2, 16, dtype=torch.long)

    def work() -> None:
        past = None
        with torch.inference_mode():
            for _ in range(tokens):
                ids = torch.zeros(2 * config.num_codebooks, 1, dtype=torch.long)
                out = model(
                    ids,
                    encoder_hidden_states=text,
                    encoder_attention_mask=mask,
                    past_key_values=past,
                    use_cache=True,
                )
                past = out.past_key_values

    note = (
        f"{_millions(model)} M parameters; {tokens} of 50 tokens a second timed, at the cheap beginning; "
        "text encoder and EnCodec left out"
    )
    return timed("MusicGen-small", work, tokens / 50, runs, note)


class Block(nn.Module):
    """Self-attention, cross-attention where there is a context, feed-forward."""

    def __init__(self, width: int, heads: int, inner: int, context: int = 0) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        shapes = ((width, width), (context, 2 * width), (width, width)) if context else ()
        self.cross = nn.ModuleList(nn.Linear(*shape) for shape in shapes)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        parts = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in (q, k, v))
        return F.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        x = x + self.out(self._attend(*self.qkv(self.norms[0](x)).chunk(3, -1)))
        if len(self.cross):
            query, both, out = self.cross
            x = x + out(self._attend(query(self.norms[1](x)), *both(context).chunk(2, -1)))
        return x + self.down(F.gelu(self.up(self.norms[2](x))))


def stable_audio_small(runs: int = 3) -> Row:
    """Stable Audio 3 small: 20 layers of 1024 over 10.77 latents a second, 8 steps; 6 of 768 to decode."""
    latents = round(SECONDS * 10.77)
    dit = nn.ModuleList(Block(1024, 16, 4096, context=768) for _ in range(20)).eval()
    decoder = nn.ModuleList(Block(768, 12, 3072) for _ in range(6)).eval()
    x, text = torch.randn(1, latents + 64, 1024), torch.randn(1, 64, 768)
    patches = torch.randn(1, 16 * latents, 768)

    def work() -> None:
        with torch.inference_mode():
            for _ in range(8):
                y = x
                for block in dit:
                    y = block(y, text)
            z = patches
            for block in decoder:
                z = block(z)

    count = _millions(dit) + _millions(decoder)
    note = f"{count} M parameters; all 8 steps and the decoder's transformer; text encoder left out"
    return timed("Stable Audio 3 small", work, SECONDS, runs, note)


def _millions(model: nn.Module) -> int:
    return round(sum(p.numel() for p in model.parameters()) / 1e6)
