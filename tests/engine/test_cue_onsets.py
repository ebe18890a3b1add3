"""The accent meter against sounds whose attack is known to the sample, and against librosa."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import soxr

from hitpoint.cue.hits import chance_level, measure_hits
from hitpoint.cue.onsets import HOP, array_reader, flux, level_gain, onsets_of
from hitpoint.values import HitPoint

RATE = 48_000


def strike(kind: str, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(RATE // 2) / RATE
    match kind:
        case "kick":
            return np.sin(2 * np.pi * (50 * t + 3 * (1 - np.exp(-40 * t)))) * np.exp(-9 * t)
        case "snare":
            tone = np.sin(2 * np.pi * 190 * t) * np.exp(-20 * t)
            return 0.5 * rng.standard_normal(len(t)) * np.exp(-25 * t) + 0.5 * tone
        case "crash":
            return 0.5 * rng.standard_normal(len(t)) * np.exp(-5 * t)
        case _:
            return sum(np.sin(2 * np.pi * 440 * k * t) / k for k in range(1, 8)) * np.exp(-8 * t) * 0.5


def bed(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A held chord with a little hiss."""
    t = np.arange(int(seconds * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * f * t + rng.uniform(0, 6)) for f in (110, 220, 277, 330, 440, 554, 660))
    return 0.04 * chord + 0.003 * rng.standard_normal(len(t))


def piece(kind: str, times: np.ndarray, seconds: float, seed: int = 1, level: float = 0.5) -> np.ndarray:
    """(2, samples): a bed with strikes at `times`."""
    rng = np.random.default_rng(seed)
    sound = bed(seconds, rng)
    for time in times:
        hit = level * strike(kind, rng)
        start = round(time * RATE)
        sound[start : start + len(hit)] += hit[: len(sound) - start]
    return np.stack([sound, sound]).astype(np.float32)


def random_times(seconds: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.arange(0.7, seconds - 0.7, 0.6) + rng.uniform(
        -0.1, 0.1, len(np.arange(0.7, seconds - 0.7, 0.6))
    )


@pytest.mark.parametrize("level", [0.5, 0.8])
@pytest.mark.parametrize("kind", ["kick", "snare", "crash", "pluck"])
def test_known_attacks_read_within_two_milliseconds(kind: str, level: float) -> None:
    times = random_times(12, 3)
    reports = measure_hits(piece(kind, times, 12, level=level), RATE, [HitPoint(t, 1.0) for t in times], 0.02)
    errors = np.array([report.error_ms for report in reports], float)
    assert np.isfinite(errors).all()
    assert abs(np.median(errors)) < 1.5
    assert np.quantile(np.abs(errors), 0.9) < 2.5


def test_loudness_changes_nothing() -> None:
    times = random_times(8, 4)
    sound = piece("snare", times, 8)
    loud, soft = (onsets_of(array_reader(sound * gain), sound.shape[1]) for gain in (1.0, 0.05))
    assert np.allclose(loud.times, soft.times, atol=5e-4)


def test_other_sample_rate() -> None:
    times = random_times(8, 5)
    sound = soxr.resample(piece("snare", times, 8).T, RATE, 44_100).T
    reports = measure_hits(sound, 44_100, [HitPoint(t, 1.0) for t in times], 0.02)
    assert all(report.hit for report in reports)


def test_agrees_with_librosa() -> None:
    """The peaks of librosa's onset strength are where we say, but for a constant that its window explains."""
    times, hop = random_times(12, 6), 96
    sound = piece("snare", times, 12)
    ours = onsets_of(array_reader(sound), sound.shape[1]).times
    theirs = librosa.onset.onset_strength(y=sound.mean(0), sr=RATE, hop_length=hop, n_fft=512)
    reach = round(0.04 * RATE / hop)
    starts = [round(time * RATE / hop) - reach for time in ours]
    gaps = np.array([(s + np.argmax(theirs[s : s + 2 * reach])) * hop / RATE for s in starts]) - ours
    assert len(ours) == len(times)
    assert abs(np.median(gaps)) < 0.006
    assert np.quantile(np.abs(gaps - np.median(gaps)), 0.9) < 0.003


def test_a_held_chord_has_no_accents() -> None:
    sound = np.stack([bed(10, np.random.default_rng(2))] * 2).astype(np.float32)
    sound[:, : RATE // 2] *= np.linspace(0, 1, RATE // 2, dtype=np.float32)
    reports = measure_hits(sound, RATE, [HitPoint(t, 1.0) for t in np.arange(1, 9, 0.5)], 0.02)
    assert np.mean([report.hit for report in reports]) < 0.3


def test_silence_and_very_short_sound() -> None:
    for samples in (0, 1, 100, 4800, RATE):
        reports = measure_hits(np.zeros((2, samples), np.float32), RATE, [HitPoint(0.0, 1.0)], 0.02)
        assert reports[0].achieved is None
        assert not reports[0].hit


def test_late_accents_are_reported_as_late() -> None:
    times = random_times(12, 7)
    sound = piece("snare", times + 0.05, 12)
    reports = measure_hits(sound, RATE, [HitPoint(t, 1.0) for t in times], 0.02)
    assert not any(report.hit for report in reports)
    assert np.median([report.error_ms for report in reports if report.error_ms is not None]) == pytest.approx(
        50, abs=2
    )


def test_chance_is_far_below_and_follows_density() -> None:
    sparse, dense = random_times(20, 8), np.arange(0.5, 19.5, 0.1)
    for times, low, high in ((sparse, 0.0, 0.15), (dense, 0.3, 0.7)):
        requested = [HitPoint(t, 1.0) for t in times[:: max(1, len(times) // 25)]]
        sound = piece("pluck", times, 20)
        assert low <= chance_level(sound, RATE, requested, 0.02) <= high


def test_flux_in_blocks_equals_flux_in_one() -> None:
    sound = piece("snare", random_times(20, 9), 20)
    read, count = array_reader(sound), sound.shape[1] // HOP + 1
    gain = level_gain(read, sound.shape[1])
    parts = [flux(read, low, min(low + 777, count), gain) for low in range(0, count, 777)]
    assert np.allclose(np.concatenate(parts), flux(read, 0, count, gain), atol=1e-6)
