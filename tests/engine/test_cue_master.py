"""Loudness against pyloudnorm, true peak against a finer interpolation, fades, dither, memory-free blocks."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly, sosfilt

from hitpoint.cue.limiter import CEILING_DB
from hitpoint.cue.loudness import CELL, HIGH_PASS, SHELF, SILENCE, WARM_UP, cell_power
from hitpoint.cue.master import BLOCK, FADE_IN, dissect, fades, master, to_24_bit
from hitpoint.cue.onsets import array_reader

RATE = 48_000


def drums(seconds: float, seed: int = 1, level: float = 0.3) -> np.ndarray:
    """(2, samples): pulses of noise over a tone, with quiet stretches for the gate."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    hits = rng.standard_normal((2, len(t))) * np.exp(-12 * (t % 0.5))
    tone = 0.3 * np.sin(2 * np.pi * 110 * t)
    return (level * (hits + tone) * (0.05 + 0.95 * ((t // 3) % 2 == 0))).astype(np.float32)


def finished(sound: np.ndarray, end: float, target: float) -> np.ndarray:
    result = master(array_reader(sound), sound.shape[1], end, target)
    return np.concatenate(list(result.blocks()), axis=1)


@pytest.mark.parametrize("seconds", [0.4, 1.0, 7.77, 30.0])
def test_loudness_equals_pyloudnorm(seconds: float) -> None:
    sound = drums(seconds)
    ours = dissect(array_reader(sound), sound.shape[1]).loudness(0.0)
    assert ours == pytest.approx(pyloudnorm.Meter(RATE).integrated_loudness(sound.T.astype(float)), abs=0.1)


def test_weighted_power_is_that_of_a_plain_filter() -> None:
    sound = drums(2.0)[:, : 3000 * CELL]
    sections = [[*above, *below] for above, below in (SHELF, HIGH_PASS)]
    weighted = sosfilt(sections, sound.astype(float), axis=1)[:, WARM_UP:]
    plain = (weighted**2).sum(0).reshape(-1, CELL).mean(1)
    assert cell_power(sound) == pytest.approx(plain, rel=1e-4, abs=1e-12)  # 0.0004 dB


@pytest.mark.parametrize("seconds", [0.01, 1.0, 3.5])
def test_true_peaks_are_those_of_the_standards_filter(seconds: float) -> None:
    sound = drums(seconds, level=1.0)
    fine = np.abs(resample_poly(sound, 4, 1, axis=1)).max(0)
    cells = np.pad(fine, (0, -len(fine) % (4 * CELL))).reshape(-1, 4 * CELL).max(1)
    assert dissect(array_reader(sound), sound.shape[1]).peaks == pytest.approx(cells, abs=1e-5)


@pytest.mark.parametrize("target", [-14.0, -23.0])
@pytest.mark.parametrize("level", [0.02, 1.0])
def test_target_and_true_peak_are_met(target: float, level: float) -> None:
    sound = drums(9, level=level)
    result = master(array_reader(sound), sound.shape[1], 8.0, target)
    made = np.concatenate(list(result.blocks()), axis=1)
    assert made.shape == sound.shape
    assert result.loudness == pytest.approx(target, abs=0.1)
    assert pyloudnorm.Meter(RATE).integrated_loudness(made.T.astype(float)) == pytest.approx(target, abs=0.15)
    finer = 20 * np.log10(np.abs(resample_poly(made.astype(float), 16, 1, axis=1)).max())
    assert finer <= -1.0
    assert result.true_peak <= -1.0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.02, 3.0))
def test_no_peak_passes_the_limiter(seed: int, seconds: float) -> None:
    made = finished(drums(seconds, seed, level=1.0), seconds * 0.8, -8.0)
    peak = np.abs(resample_poly(made.astype(float), 4, 1, axis=1)).max()
    assert 20 * np.log10(peak) <= CEILING_DB + 0.1


def test_blocks_do_not_show() -> None:
    """What is made for a piece is the same wherever its blocks happen to be cut."""
    sound = drums(3 * BLOCK / RATE)
    result = master(array_reader(sound), sound.shape[1], 4.0, -14.0)
    blocks = list(result.blocks())
    ratio = np.concatenate(blocks, axis=1)[0] / np.where(np.abs(sound[0]) > 1e-3, sound[0], np.nan)
    jumps = np.abs(np.diff(20 * np.log10(np.abs(ratio[FADE_IN : 3 * RATE]))))
    assert np.nanmax(jumps) < 0.2


def test_starts_and_ends_in_silence_without_a_step() -> None:
    sound = np.ones((2, RATE), np.float32)
    made = fades(array_reader(sound), RATE, 0.8)(0, RATE)
    assert abs(made[0, 0]) < 1e-3
    assert abs(made[0, -1]) < 1e-6
    assert np.abs(np.diff(made[0])).max() < 0.01
    assert np.all(made[0, FADE_IN : round(0.8 * RATE)] == 1)


@pytest.mark.parametrize("samples", [960, 4800, 19_199])
def test_very_short_pieces(samples: int) -> None:
    made = finished(drums(samples / RATE), 0.01, -14.0)
    assert made.shape == (2, samples)
    assert np.isfinite(made).all()


def test_silence_stays_silent() -> None:
    sound = np.zeros((2, RATE), np.float32)
    assert master(array_reader(sound), RATE, 0.5, -14.0).loudness == SILENCE
    assert not finished(sound, 0.5, -14.0).any()


def test_dither_is_seeded_and_one_step_wide() -> None:
    sound = np.full((2, 50_000), 0.25 + 0.3 / (1 << 23), np.float32)
    a, b, other = (next(to_24_bit(iter([sound]), seed)) for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, other)
    assert np.abs(a - 0.25 * (1 << 23)).max() <= 2
    assert a.std() > 0.3
