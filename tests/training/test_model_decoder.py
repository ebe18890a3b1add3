"""The codec: tones keep their phase, chunks equal the whole, a time map moves time and not pitch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from hitpoint_training.decoder import NOISE_FRAMES, Decoder, NoiseBank, OscillatorBank, sound
from hitpoint_training.mel import FEATURES, LogMel, Projection, component_weights

RATE = 48_000


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    """A small decoder with random weights and a projection fitted on noise."""
    torch.manual_seed(3)
    made = Decoder(16, 32, 2)
    made.projection.fit(torch.randn(600, 2 * FEATURES))
    return made.eval()


def loudest_frequency(wave: np.ndarray[tuple[int], np.dtype[np.float32]]) -> float:
    """Of the largest peak, refined by a parabola through the logarithms."""
    size = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    peak = int(size.argmax())
    left, middle, right = np.log(size[peak - 1 : peak + 2])
    return float((peak + (left - right) / (2 * (left - 2 * middle + right))) * RATE / len(wave))


@pytest.mark.parametrize("note", [28, 45, 69, 88])
def test_one_oscillator_is_a_pure_steady_tone(note: int) -> None:
    bank = OscillatorBank()
    amplitude = torch.zeros(1, 300, 2, bank.count)
    amplitude[0, :, 0, note - 28] = 0.5
    real, imaginary = bank(amplitude, torch.tensor([1_000_003]))
    parts = torch.stack([real, imaginary], 1)
    wave = sound(parts)[0, 0, 4800:-4800].numpy()
    assert loudest_frequency(wave) == pytest.approx(440 * 2 ** ((note - 69) / 12), abs=0.01)
    time = np.arange(len(wave)) / RATE
    angle = 2 * np.pi * loudest_frequency(wave) * time
    basis = np.stack([np.cos(angle), np.sin(angle)], 1)
    fitted = basis @ np.linalg.lstsq(basis, wave, rcond=None)[0]
    assert np.abs(fitted).max() == pytest.approx(0.5, rel=0.02)
    assert np.sqrt(np.mean((wave - fitted) ** 2)) < 0.01  # no break of phase from frame to frame


def test_phase_is_exact_after_half_an_hour() -> None:
    bank = OscillatorBank()
    amplitude = torch.rand(1, 4, 2, bank.count)
    turn = 32_768  # after so many frames every oscillator has made whole turns
    near, far = bank(amplitude, torch.tensor([7])), bank(amplitude, torch.tensor([7 + 6 * turn]))
    assert torch.equal(near[0], far[0])
    assert torch.equal(near[1], far[1])


def noise_like(wave: Tensor, first: int) -> Tensor:
    """(1, 2, samples) made by the noise bank at the levels that the bands of `wave` show."""
    bank, mel = NoiseBank(), LogMel()(wave)
    return sound(torch.stack(bank(bank.level(mel), torch.tensor([first])), 1))


def test_noise_is_as_loud_as_its_bands_and_the_same_at_the_same_place() -> None:
    hiss = 0.05 * torch.randn(1, 2, 96_000, generator=torch.Generator().manual_seed(8))
    made = noise_like(hiss, 1_000_003)[..., 4800:-4800]
    assert 0.8 < made.std() / hiss.std() < 1.25
    left, right = made[0] - made[0].mean(1, keepdim=True)
    assert (left * right).mean().abs() < 0.1 * made.std() ** 2  # as wide as the pieces' own
    assert torch.equal(made, noise_like(hiss, 1_000_003 + 7 * NOISE_FRAMES)[..., 4800:-4800])
    assert not torch.allclose(made, noise_like(hiss, 1_000_004)[..., 4800:-4800], atol=0.01)


def decode(decoder: Decoder, latent: Tensor, first: int) -> Tensor:
    positions = torch.arange(2 * latent.shape[2], dtype=torch.float32)
    with torch.no_grad():
        return decoder(latent, positions, torch.tensor([2 * first]))


def test_a_chunk_with_halo_equals_the_whole(decoder: Decoder) -> None:
    latent = torch.randn(1, 16, 96)
    whole = decode(decoder, latent, 0)
    low, high, halo = 40, 64, decoder.halo
    part = decode(decoder, latent[:, :, low - halo : high + halo], low - halo)
    wanted = whole[:, :, 2 * low : 2 * high]
    assert (part[:, :, 2 * halo : -2 * halo] - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def test_a_halo_too_short_would_be_noticed(decoder: Decoder) -> None:
    latent = torch.randn(1, 16, 96)
    part = decode(decoder, latent[:, :, 40:64], 40)
    wanted = decode(decoder, latent, 0)[:, :, 80:128]
    assert (part - wanted).abs().max() > 1e-4 * wanted.abs().max()


def test_time_map_moves_an_accent_and_not_the_pitch(decoder: Decoder) -> None:
    """Positions shift which frame is shown; the oscillators go on counting the output frames."""
    latent = torch.randn(1, 16, 64)
    shift = 3.0
    positions = (torch.arange(128) - shift).clamp(0, 127)
    with torch.no_grad():
        moved = decoder(latent, positions, torch.tensor([0]))
        mel = decoder.projection.decode(latent)
        shown = torch.cat([mel[:, :1].repeat(1, 3, 1), mel[:, :-3]], 1)
        wanted = decoder.spectrum(shown, *decoder.heads(shown), torch.tensor([0]))
    assert torch.allclose(moved, wanted, atol=1e-5)


def test_projection_returns_what_it_kept() -> None:
    torch.manual_seed(1)
    mixing = torch.randn(8, 2 * FEATURES)
    projection = Projection(8)
    kept = projection.fit(torch.randn(4000, 8) @ mixing)
    mel = (torch.randn(40, 8) @ mixing).reshape(1, 80, FEATURES)
    latent = projection.encode(mel)
    assert kept == pytest.approx(1.0, abs=1e-4)
    assert torch.allclose(projection.decode(latent), mel, atol=1e-2)
    assert latent.std(dim=(0, 2)).mean() == pytest.approx(1.0, abs=0.3)


def test_semitones_are_told_apart_and_levels_are_amplitudes() -> None:
    time = torch.arange(2 * RATE) / RATE
    tone = 0.25 * torch.sin(2 * torch.pi * 440.0 * 2 ** (3 / 12) * time)
    level = LogMel()(torch.stack([tone, tone])[None])[0, 100]
    bank = OscillatorBank()
    shown = bank.level(level[None, None])[0, 0, 0]
    assert int(shown.argmax()) + 28 == 72
    assert float(shown.max().exp()) == pytest.approx(0.25, rel=0.5)
    assert float(shown[72 - 28 + 2]) < float(shown.max()) - 2


def test_an_error_in_a_component_counts_as_it_changes_the_spectra(decoder: Decoder) -> None:
    projection = decoder.projection
    assert torch.equal(projection.worth(0.0), torch.ones(16))
    error = torch.randn(16, 400)
    changed = projection.decode(error[None]) - projection.decode(torch.zeros(1, 16, 400))
    in_spectra = (changed.reshape(400, -1) * component_weights().float()).square().sum(1)
    in_latents = (error.square() * projection.worth(2.0)[:, None]).sum(0)
    ratio = in_spectra / in_latents
    assert torch.allclose(ratio, ratio.mean().expand(400), rtol=1e-3)
