"""From latent to spectrum: a bank of fixed oscillators for tones, a ConvNeXt head for everything else.

The music is equal-tempered at A = 440 Hz, so the frequencies of most partials are known beforehand. What a
short training never learns is to keep their phase from frame to frame; the oscillators have it by
construction. Head after Vocos (arXiv 2306.00814): log magnitude and a unit-length phase pair per bin.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hitpoint.values import SAMPLE_RATE
from hitpoint_training.mel import FEATURES, HOP, LOWEST, Projection, semitone_bands, wide_bands

SIZE = 2048
BINS = SIZE // 2 + 1
TURN = 32768
"""Oscillators advance by a whole number of TURN-ths of a cycle per frame, so that integer arithmetic keeps
their phase exact at any length (and frequencies within 0.002 Hz of equal temperament)."""
_HIGHEST = 124  # MIDI number of the highest oscillator: partials up to 10.5 kHz
NOISE_FRAMES = 128
_NOISE_SEED = 20_261_121
_NOISE_UNTIL = 20_000.0  # Hz
_NOISE_LEVEL = math.log(SIZE / 4) + 0.5  # of a bin of noise whose bands of the short window are at 0
_HISS = -1.5  # where the level of noise starts, against its band
_QUIET = -2.0  # where the level of the head starts
_LOUDEST = 6.5  # natural log of the largest bin magnitude; a full-scale sinusoid has 6.2


class OscillatorBank(nn.Module):
    """Spectra of sinusoids at fixed semitones, phase-continuous over all frames.

    Up to the highest semitone band each has its own band as first guess of its level; above, it shares a
    wide band with its neighbours and the network must infer it from the octaves below.
    """

    def __init__(self) -> None:
        super().__init__()
        notes = np.arange(LOWEST, _HIGHEST + 1)
        frequency = 440 * 2 ** ((notes - 69) / 12)
        advance = np.round(frequency * HOP / SAMPLE_RATE * TURN).astype(np.int64)
        exact = advance / TURN * SAMPLE_RATE / HOP
        time = (np.arange(SIZE) - SIZE // 2)[None] / SAMPLE_RATE
        window = torch.hann_window(SIZE, dtype=torch.float64).numpy()
        bins = int(exact[-1] / SAMPLE_RATE * SIZE) + 6
        angle = 2 * np.pi * exact[:, None] * time
        cosine = np.fft.rfft(window * np.cos(angle))[:, :bins].real
        sine = np.fft.rfft(-window * np.sin(angle))[:, :bins].imag
        tonal = len(semitone_bands())
        bands = np.concatenate([semitone_bands(), wide_bands()])
        apart = np.abs(np.log(bands)[None] - np.log(exact)[:, None])
        within = exact <= bands[tonal - 1] * 1.01
        nearest = np.where(within, apart[:, :tonal].argmin(1), tonal + apart[:, tonal:].argmin(1))
        self.bins = bins
        self.count = len(notes)
        self.register_buffer("advance", torch.from_numpy(advance % TURN))
        self.register_buffer("cosine", torch.from_numpy(cosine.astype(np.float32)))
        self.register_buffer("sine", torch.from_numpy(sine.astype(np.float32)))
        self.register_buffer("band", torch.from_numpy(nearest))

    def level(self, mel: Tensor) -> Tensor:
        """(batch, frames, FEATURES) -> (batch, frames, 2, count): log amplitude as the bands show it."""
        pair = mel.reshape(*mel.shape[:2], 2, FEATURES // 2)
        return pair.index_select(3, self.get_buffer("band"))

    def forward(self, amplitude: Tensor, frame: Tensor) -> tuple[Tensor, Tensor]:
        """Real and imaginary part, each (batch, frames, 2, BINS).

        `amplitude` is (batch, frames, 2, count); `frame` (batch,) int64 is the absolute 100 Hz index of the
        first frame.
        """
        index = frame[:, None] + torch.arange(amplitude.shape[1], device=amplitude.device)
        turns = ((index % TURN)[..., None] * self.get_buffer("advance")) % TURN
        angle = (turns.float() * (2 * math.pi / TURN))[:, :, None]
        real = (amplitude * torch.cos(angle)) @ self.get_buffer("cosine")
        imaginary = (amplitude * torch.sin(angle)) @ self.get_buffer("sine")
        rest = (0, BINS - self.bins)
        return F.pad(real, rest), F.pad(imaginary, rest)


class NoiseBank(nn.Module):
    """Spectra of noise: a fixed table of random phases, repeated every 1.3 s, as loud as the network says.

    Nothing that enters the network is random, so what it makes of cymbals by itself repeats from frame to
    frame and rings (docs/decisions/0011-noise.md).
    """

    def __init__(self) -> None:
        super().__init__()
        bands = np.log(wide_bands())
        bins = np.log(np.maximum(np.arange(BINS), 1) * SAMPLE_RATE / SIZE)
        spread = np.stack([np.interp(bins, bands, row) for row in np.eye(len(bands))])
        angle = np.random.default_rng(_NOISE_SEED).uniform(0, 2 * np.pi, (NOISE_FRAMES, BINS))
        there = np.arange(BINS) * SAMPLE_RATE / SIZE <= _NOISE_UNTIL
        self.count = len(bands)
        self.register_buffer("spread", torch.from_numpy(spread.astype(np.float32)))
        self.register_buffer("cosine", torch.from_numpy((there * np.cos(angle)).astype(np.float32)))
        self.register_buffer("sine", torch.from_numpy((there * np.sin(angle)).astype(np.float32)))

    def level(self, mel: Tensor) -> Tensor:
        """(batch, frames, FEATURES) -> (batch, frames, 2, count): log magnitude as the wide bands show it."""
        return mel.reshape(*mel.shape[:2], 2, FEATURES // 2)[..., -self.count :] + _NOISE_LEVEL

    def forward(self, level: Tensor, frame: Tensor) -> tuple[Tensor, Tensor]:
        """Real and imaginary part, each (batch, frames, 2, BINS).

        `level` (batch, frames, 2, count) in log magnitudes; `frame` (batch,) as for the oscillators. The
        side has the row of half a turn later.
        """
        index = frame[:, None] + torch.arange(level.shape[1], device=level.device)
        rows = torch.stack([index, index + NOISE_FRAMES // 2], 2) % NOISE_FRAMES
        size = torch.exp(level.clamp(max=_LOUDEST)) @ self.get_buffer("spread")
        tables = (self.get_buffer(name).index_select(0, rows.flatten()) for name in ("cosine", "sine"))
        real, imaginary = (size * table.reshape(size.shape) for table in tables)
        return real, imaginary


class Block(nn.Module):
    """ConvNeXt block with a per-frame norm, (batch, frames, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.near = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 3 * width)
        self.down = nn.Linear(3 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.2))

    def forward(self, hidden: Tensor) -> Tensor:
        """Same shape in and out."""
        near = self.near(hidden.transpose(1, 2)).transpose(1, 2)
        change: Tensor = self.down(F.silu(self.up(self.norm(near)))) * self.scale
        return hidden + change


class Decoder(nn.Module):
    """Latent to the short-time spectrum of middle and side (half the sum and half the difference)."""

    def __init__(self, latent: int, width: int, blocks: int) -> None:
        super().__init__()
        self.projection = Projection(latent)
        self.bank = OscillatorBank()
        self.noise = NoiseBank()
        self.enter = nn.Conv1d(FEATURES, width, 7, padding=3)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(blocks)])
        self.leave = nn.LayerNorm(width)
        self.tones = nn.Linear(width, 2 * self.bank.count)
        self.hiss = nn.Linear(width, 2 * self.noise.count)
        self.rest = nn.Linear(width, 2 * 3 * BINS)
        nn.init.zeros_(self.tones.weight)
        nn.init.constant_(self.tones.bias, -0.5)
        nn.init.zeros_(self.hiss.weight)
        nn.init.constant_(self.hiss.bias, _HISS)
        nn.init.constant_(self.rest.bias.data.view(2, 3, BINS)[:, 0], _QUIET)

    @property
    def halo(self) -> int:
        """Latent frames on each side of a chunk that its sound depends on."""
        return math.ceil((3 + 3 * len(self.blocks)) / 2)

    def heads(self, mel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(batch, frames, FEATURES) -> changes of the tones, of the noise, and everything else, per frame."""
        hidden = self.leave(self.blocks(self.enter((mel * 0.25).transpose(1, 2)).transpose(1, 2)))
        return self.tones(hidden), self.hiss(hidden), self.rest(hidden)

    def spectrum(self, mel: Tensor, tones: Tensor, hiss: Tensor, rest: Tensor, frame: Tensor) -> Tensor:
        """From what `heads` says to (batch, 2 parts, frames, middle and side, BINS)."""
        pair = (*mel.shape[:2], 2)
        amplitude = torch.exp((self.bank.level(mel) + tones.reshape(*pair, self.bank.count)).clamp(max=1.0))
        noise = self.noise(self.noise.level(mel) + hiss.reshape(*pair, self.noise.count), frame)
        level, x, y = rest.reshape(*pair, 3, BINS).unbind(3)
        size = torch.exp((2 * level).clamp(max=_LOUDEST)) * torch.rsqrt(x * x + y * y + 1e-6)
        tonal = self.bank(amplitude, frame)
        parts = [tone + size * part + noisy for tone, part, noisy in zip(tonal, (x, y), noise, strict=True)]
        return torch.stack(parts, 1)

    def forward(self, latent: Tensor, positions: Tensor, frame: Tensor) -> Tensor:
        """The graph that the engine runs.

        `latent` (1, latent, T); `positions` (2 T,) fractional 100 Hz frames inside this chunk that each
        output frame shows (0, 1, 2 ... = as it is), a time map that leaves the pitch alone; `frame` (1,)
        int64 absolute index of the first output frame. Returns (1, 2 parts, 2 T, middle and side, BINS).
        """
        mel = self.projection.decode(latent)[0]
        last = mel.shape[0] - 1
        below = positions.floor().clamp(0, last)
        share = (positions - below).clamp(0, 1)[:, None]
        here = below.long()
        after = (here + 1).clamp(max=last)
        moved = mel.index_select(0, here) * (1 - share) + mel.index_select(0, after) * share
        return self.spectrum(moved[None], *self.heads(moved[None]), frame)


def sound(spectrum: Tensor) -> Tensor:
    """(batch, 2 parts, frames, middle and side, BINS) -> (batch, left and right, frames * HOP), weighted
    overlap-add with a Hann window."""
    batch, _, frames = spectrum.shape[:3]
    pair = torch.complex(spectrum[:, 0], spectrum[:, 1]).permute(0, 2, 3, 1).flatten(0, 1)
    window = torch.hann_window(SIZE, device=spectrum.device)
    wave = torch.istft(pair, SIZE, HOP, window=window, center=True, length=frames * HOP)
    middle, side = wave.reshape(batch, 2, -1).unbind(1)
    return torch.stack([middle + side, middle - side], 1)
