"""The codec's figures, each on sounds whose right answer is known by hand."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("librosa", reason="the training extra is not installed")

import torch

from hitpoint.values import Floats
from hitpoint_training import roundtrip
from hitpoint_training.decoder import Decoder
from hitpoint_training.evaluate.fidelity import (
    MEL_SCALES,
    attacks_kept,
    level_above,
    mel_distance,
    onset_f,
    partials,
    stereo_errors,
)
from hitpoint_training.evaluate.opus import through_opus
from hitpoint_training.mel import FEATURES

RATE = 48_000


def noise(seconds: float, seed: int = 0) -> Floats:
    shape = (2, round(seconds * RATE))
    return (0.1 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def clicks(times: list[float], seconds: float, strengths: list[float] | None = None) -> Floats:
    """Decaying bursts of noise on a faint bed of it."""
    sound = 1e-3 * noise(seconds, 1)
    for index, time in enumerate(times):
        first, level = round(time * RATE), (strengths or [1.0] * len(times))[index]
        sound[:, first : first + 4800] += level * noise(0.1, 2) * np.exp(-np.arange(4800) / 800)
    return sound.astype(np.float32)


def tones(level_above_3_khz: float, bed: float) -> Floats:
    """Partials of 500 Hz up to 8 kHz, the upper ones scaled, in noise of that deviation."""
    time = np.arange(4 * RATE) / RATE
    waves = [
        (level_above_3_khz if k > 6 else 1.0) * np.sin(2 * np.pi * 500 * k * time + k) for k in range(1, 17)
    ]
    return (0.02 * np.sum(waves, 0)[None] + 10 * bed * noise(4)).astype(np.float32)


def test_mel_distance_of_half_the_level_is_log_two_at_every_scale() -> None:
    sound = 5 * noise(1)
    assert mel_distance(sound, sound) == 0
    empty = 0.1 + 0.2  # shares of the bands of the shortest windows that hold no bin
    assert mel_distance(sound / 2, sound) == pytest.approx((len(MEL_SCALES) - empty) * np.log10(2), rel=0.01)


def test_side_halved_is_six_decibels_and_mono_has_no_image() -> None:
    sound = noise(2)
    middle, side = sound.mean(0), (sound[0] - sound[1]) / 2
    narrow = np.stack([middle + side / 2, middle - side / 2])
    assert stereo_errors(sound, sound) == (0, 0)
    decibels, correlation = stereo_errors(narrow, sound)
    assert decibels == pytest.approx(6.02, abs=0.01)
    assert correlation == pytest.approx(0.6, abs=0.1)  # (1 - 1/4) / (1 + 1/4) against 0
    assert stereo_errors(np.stack([middle, middle]), sound)[0] > 40


def test_onsets_within_ten_milliseconds_count_and_later_ones_do_not() -> None:
    times = [0.5, 1.1, 1.9, 2.4, 3.3]
    wanted = clicks(times, 4)
    for measure in (onset_f, attacks_kept):
        assert measure(wanted, wanted) == 1
        assert measure(clicks([t + 0.006 for t in times], 4), wanted) == 1
        assert measure(clicks([t + 0.025 for t in times], 4), wanted) == 0
        assert measure(clicks(times[:3], 4), wanted) == pytest.approx(0.75)  # precision 1, recall 3 of 5


def test_an_attack_blurred_over_a_tenth_of_a_second_is_not_kept() -> None:
    times = [0.5, 1.1, 1.9, 2.4]
    wanted = clicks(times, 4)
    hann = np.hanning(4800) / np.hanning(4800).sum()
    envelope = np.sqrt(np.convolve(wanted[0].astype(np.float64) ** 2, hann, "same"))
    blurred = (noise(4, 5) * envelope * 10).astype(np.float32)
    assert attacks_kept(blurred, wanted) < 0.5


def test_noise_between_partials_is_seen_in_decibels() -> None:
    valleys, low, high = partials(tones(1, 4e-2), tones(1, 4e-3))
    assert valleys == pytest.approx(20, abs=2)  # the window's own skirts hide a little
    assert low == pytest.approx(0, abs=0.5)
    assert high == pytest.approx(0, abs=0.5)


def test_weak_upper_partials_are_seen_in_decibels() -> None:
    valleys, low, high = partials(tones(0.25, 1e-4), tones(1, 1e-4))
    assert high == pytest.approx(-12.04, abs=0.3)
    assert low == pytest.approx(0, abs=0.2)
    assert valleys == pytest.approx(0, abs=1)
    assert np.isnan(partials(noise(2), noise(2))[2])


def test_level_above_a_frequency() -> None:
    wanted, made = tones(1, 0), tones(0.5, 0)
    assert level_above(made, wanted, 3100) == pytest.approx(-6.02, abs=0.1)
    assert level_above(made, wanted, 100) == pytest.approx(10 * np.log10((6 + 10 / 4) / 16), abs=0.1)


def test_opus_shifts_nothing_and_more_bits_are_nearer() -> None:
    sound = (tones(0.2, 1e-3) + clicks([0.5, 1.5, 2.2], 4))[:, : 3 * RATE + 17]
    coded = {kilobits: through_opus(sound, kilobits) for kilobits in (24, 64, 256)}
    assert all(one.shape == sound.shape for one in coded.values())
    error = np.abs(coded[256] - sound)[:, 4800:-4800].mean()
    assert error < 0.1 * np.abs(sound).mean()
    distances = [mel_distance(one, sound) for one in coded.values()]
    assert distances[0] > distances[1] > distances[2] > 0


def test_chunks_of_the_round_trip_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    decoder = Decoder(16, 32, 2)
    decoder.projection.fit(torch.randn(600, 2 * FEATURES))
    sound = noise(1.23)
    whole = roundtrip.through_codec(decoder.eval(), sound)
    monkeypatch.setattr(roundtrip, "CHUNK", 17)
    parts = roundtrip.through_codec(decoder, sound)
    assert whole.shape == parts.shape == sound.shape
    inside = slice(0, -2048)
    assert np.abs(whole - parts)[:, inside].max() < 1e-4 * np.abs(whole).max()
