"""What the decoder is trained on: spectra at three random resolutions, of left and right or mid and side.

L1 of log amplitude alone pulls everything noisy to its median, 1.6 dB below its power, and more where the
decoder is unsure: cymbals grow soft. Hence the level of small patches of the spectrum as a term of its own.
It also pulls everything that beats or rustles to a standstill, and fills the gaps between notes; hence
terms for how much the bands move and for how loud they are from their softest to their loudest moment.
"""

from __future__ import annotations

import random
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from hitpoint_training.mel import filters, mel_centres

TONAL, MEDIUM, SHARP = (8192, 4096), (2048, 1024), (512, 256)
_PHASE_FROM = 2600.0  # Hz; below, the oscillators choose a phase of their own
_PHASE_WEIGHT = 0.25
_PATCH = (8, 4)  # bins and frames whose power is one level
_PATCH_WEIGHT = 0.5
_MOVED_SIZES, _MOVED_HOP, _MOVED_LAG = (2048, 4096), 512, 2  # samples; frames between which is looked
_MOVED_BANDS, _MOVED_FLOOR = 64, 1e-7  # of the loudest
_MOVED_WEIGHT, _RISES_WEIGHT, _LEVELS_WEIGHT = 10.0, 3.0, 0.6
_LOW_BANDS, _LOW_WEIGHT = 19, 3.0  # below 1 kHz, where steady tones hold movement back
_TEXTURE, _TEXTURE_SIZES = 32, (1024, 512)  # bins and frames of a patch; samples
_TEXTURE_WEIGHT = 6.0
_ATTACK_SIZE, _ATTACK_HOP, _ATTACK_LAG = 512, 128, 3  # samples; frames between which a rise is looked at
_ATTACK_BANDS, _COMPRESSION = 40, 100.0
_ATTACK_WEIGHT = 10.0


def _channels(sound: Tensor, sum_and_difference: bool) -> Tensor:
    """(batch, 2, samples) -> (2 batch, samples)."""
    if not sum_and_difference:
        return sound.flatten(0, 1)
    return torch.cat([(sound[:, 0] + sound[:, 1]) / 2, (sound[:, 0] - sound[:, 1]) / 2])


def _amplitude(spectrum: Tensor) -> Tensor:
    return (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt()


def one_resolution(made: Tensor, wanted: Tensor, size: int) -> Tensor:
    """L1 of log amplitude, relative L1 of amplitude, L1 of the log level of patches, and for sharp windows
    relative L1 of the phase above."""
    window = torch.hann_window(size, device=made.device)
    a = torch.stft(made, size, size // 4, window=window, return_complex=True)
    b = torch.stft(wanted, size, size // 4, window=window, return_complex=True)
    first, second = _amplitude(a), _amplitude(b)
    floor = size * 1e-5
    loss = (torch.log(first + floor) - torch.log(second + floor)).abs().mean()
    loss = loss + (first - second).abs().mean() / (second.mean() + floor)
    levels = [torch.log(F.avg_pool2d(one.square()[:, None], _PATCH) + floor**2) for one in (first, second)]
    loss = loss + _PATCH_WEIGHT * 0.5 * (levels[0] - levels[1]).abs().mean()
    if size in SHARP:
        low = int(_PHASE_FROM / 48000 * size) + 1
        apart = _amplitude(a[:, low:] - b[:, low:]).mean()
        loss = loss + _PHASE_WEIGHT * apart / (second[:, low:].mean() + floor)
    return loss


@lru_cache(maxsize=1)
def _attack_bank() -> Tensor:
    return torch.from_numpy(filters(mel_centres(40.0, 16_000.0, _ATTACK_BANDS), _ATTACK_SIZE))


def attack_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """L1 of the rises of the log spectrum over 8 ms in 40 mel bands: the flux of Boeck and Widmer (DAFx 2013)
    before it is summed. (signals, samples) each.
    """
    window = torch.hann_window(_ATTACK_SIZE, device=made.device)
    bank = _attack_bank().to(made.device)
    rises = []
    for one in (made, wanted):
        spectrum = torch.stft(one, _ATTACK_SIZE, _ATTACK_HOP, window=window, return_complex=True)
        level = torch.log1p(_COMPRESSION * (bank @ _amplitude(spectrum)) / (_ATTACK_SIZE / 4))
        rises.append((level[..., _ATTACK_LAG:] - level[..., :-_ATTACK_LAG]).clamp(min=0))
    return (rises[0] - rises[1]).abs().mean()


@lru_cache(maxsize=len(_MOVED_SIZES))
def _moved_bank(size: int) -> Tensor:
    return torch.from_numpy(filters(mel_centres(40.0, 12_000.0, _MOVED_BANDS), size))


def movement(sound: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of (signals, samples), by windows of `size`: by how much the log power of each mel band changes in
    21 ms, in the mean, (signals, 64); by how much all bands together rise, from the least to the most,
    (signals, frames); and the log power itself from the softest to the loudest, (signals, 64, frames).

    What is 70 dB below the loudest stands still.
    """
    window = torch.hann_window(size, device=sound.device)
    spectrum = torch.stft(sound, size, _MOVED_HOP, window=window, return_complex=True)
    power = _moved_bank(size).to(sound.device) @ (spectrum.real.square() + spectrum.imag.square())
    level = torch.log(power + _MOVED_FLOOR * power.amax((1, 2), keepdim=True) + 1e-9)
    change = level[..., _MOVED_LAG:] - level[..., :-_MOVED_LAG]
    rises = change.clamp(min=0).mean(1)
    return change.abs().mean(-1), rises.sort(-1).values, level.sort(-1).values


def movement_loss(made: Tensor, wanted: Tensor, size: int) -> Tensor:
    """L1 of all three: how much moves; whether all at once, as in an attack, or each band for itself; and
    how loud, whenever that is.

    Each between signals, and between the means over all signals: how much a second moves can only be
    guessed, and L1 of guesses alone settles at their median, which is below the mean.
    """
    pairs = zip(movement(made, size), movement(wanted, size), strict=True)
    apart = [one - other for one, other in pairs]
    apart[0][:, :_LOW_BANDS] *= _LOW_WEIGHT
    moved, rises, levels = (some.abs().mean() + some.mean(0).abs().mean() for some in apart)
    return moved + _RISES_WEIGHT * rises + _LEVELS_WEIGHT * levels


def texture(sound: Tensor, size: int) -> Tensor:
    """Of (signals, samples), the mean over all: the log power of every ripple in patches of the log spectrum,
    (bands, 32, 17) of so many cycles per 32 bins and per 32 frames.

    What hisses has all ripples alike. A network that draws noise from nothing random repeats itself, and
    its few ripples stand out: the ear takes them for metal. After McDermott and Simoncelli (2011), whose
    textures are statistics like this.
    """
    window = torch.hann_window(size, device=sound.device)
    spectrum = torch.stft(sound, size, size // 4, window=window, return_complex=True)[:, 1:]
    level = torch.log(_amplitude(spectrum) + size * 1e-5)
    bins, frames = (length // _TEXTURE * _TEXTURE for length in level.shape[1:])
    cut = level[:, :bins, :frames]
    patches = cut.reshape(len(cut), bins // _TEXTURE, _TEXTURE, frames // _TEXTURE, _TEXTURE)
    patches = patches.permute(1, 0, 3, 2, 4)  # bands, signals, times, 32 bins, 32 frames
    taper = torch.hann_window(_TEXTURE, device=sound.device)
    ripples = torch.fft.rfft2((patches - patches.mean((3, 4), keepdim=True)) * taper * taper[:, None])
    power = ripples.real.square() + ripples.imag.square()
    return torch.log(power.mean((1, 2)) + 1e-3)


def texture_loss(made: Tensor, wanted: Tensor, size: int) -> Tensor:
    """Squared, as a few ripples that stand out are what is heard."""
    return (texture(made, size) - texture(wanted, size)).square().mean()


def spectral_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """(batch, 2, samples) each."""
    sum_and_difference = random.random() < 0.5
    made, wanted = _channels(made, sum_and_difference), _channels(wanted, sum_and_difference)
    sizes = (random.choice(TONAL), random.choice(MEDIUM), random.choice(SHARP))
    spectra = torch.stack([one_resolution(made, wanted, size) for size in sizes]).sum()
    spectra = spectra + _ATTACK_WEIGHT * attack_loss(made, wanted)
    spectra = spectra + _TEXTURE_WEIGHT * texture_loss(made, wanted, random.choice(_TEXTURE_SIZES))
    return spectra + _MOVED_WEIGHT * movement_loss(made, wanted, random.choice(_MOVED_SIZES))
