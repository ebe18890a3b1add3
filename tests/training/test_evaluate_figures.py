"""The figures, each on sounds whose right answer is known by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("librosa", reason="the training extra is not installed")

import soundfile

from hitpoint.cue.plan import Accent, Chord
from hitpoint.errors import HitpointError
from hitpoint_training.corpus.annotations import plan_to_json
from hitpoint_training.corpus.compose import compose
from hitpoint_training.evaluate.beats import estimated_tempo, tempo_error
from hitpoint_training.evaluate.compositions import annotated, figures, measure, metronome
from hitpoint_training.evaluate.loris import loris_bins, loris_onsets, loris_score
from hitpoint_training.evaluate.sync import auc, hit_auc, hits_within, onset_curve, onsets, strong
from hitpoint_training.evaluate.tone import (
    chord_agreement,
    key_clarity,
    key_correlations,
    pulse_clarity,
)

RATE = 22_050


def clicks(times: list[float], seconds: float) -> np.ndarray:
    """Short bursts of noise at the given times, on a bed of faint noise."""
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 1e-3, round(seconds * RATE)).astype(np.float32)
    for time in times:
        first = round(time * RATE)
        burst = rng.normal(0, 0.3, 1000) * np.exp(-np.arange(1000) / 200)
        sound[first : first + 1000] += burst[: len(sound) - first].astype(np.float32)
    return sound


def tones(pitches: list[int], seconds: float) -> np.ndarray:
    """MIDI notes together, each with three harmonics."""
    time = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros_like(time)
    for pitch in pitches:
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        sound += sum(np.sin(2 * np.pi * hertz * k * time) / k**2 for k in (1, 2, 3))
    return (0.1 * sound).astype(np.float32)


def test_auc_by_hand() -> None:
    # Pairs won: 3 beats 1 and 2; 2 beats 1 and ties 2. So (2 + 1.5) of 4.
    assert auc(np.array([3.0, 2.0]), np.array([1.0, 2.0])) == pytest.approx(3.5 / 4)
    assert np.isnan(auc(np.array([]), np.array([1.0])))


def test_strong_hits_have_half_the_greatest_strength() -> None:
    hits = [Accent(1, 0.8), Accent(2, 0.4), Accent(3, 0.39)]
    assert strong(hits).tolist() == [1, 2]


def test_hit_auc_is_one_on_the_hits_half_elsewhere_and_half_in_silence() -> None:
    rng = np.random.default_rng(1)
    times = [1.0, 2.3, 3.1, 4.77, 6.2, 7.9, 8.4]
    hits = [Accent(time, 1.0) for time in times]
    sound = clicks(times, 10.0)
    assert hit_auc(sound, RATE, hits, rng) > 0.99
    late = clicks([time + 0.3 for time in times], 10.0)
    assert hit_auc(late, RATE, hits, rng) < 0.6
    assert hit_auc(np.zeros_like(sound), RATE, hits, rng) == pytest.approx(0.5)
    assert np.isnan(hit_auc(sound, RATE, [], rng))


def test_hit_auc_forgives_forty_milliseconds_and_not_eighty() -> None:
    times = [1.0, 2.3, 3.1, 4.77, 6.2, 7.9, 8.4]
    hits = [Accent(time, 1.0) for time in times]
    near, far = (
        hit_auc(clicks([t + late for t in times], 10.0), RATE, hits, np.random.default_rng(1))
        for late in (0.030, 0.080)
    )
    assert near > 0.99
    assert far < 0.8


def test_hit_auc_takes_stereo_at_any_rate() -> None:
    times = [0.7, 1.9, 3.3]
    wide = np.repeat(clicks(times, 5.0), 2)  # the same sound at 44.1 kHz, roughly
    stereo = np.stack([wide, wide], axis=1)
    hits = [Accent(time, 1.0) for time in times]
    assert hit_auc(stereo, 2 * RATE, hits, np.random.default_rng(0)) > 0.99


def test_onset_curve_keeps_its_time() -> None:
    curve = onset_curve(clicks([2.0], 4.0), RATE)
    assert np.argmax(curve.values) / curve.rate == pytest.approx(2.0, abs=0.015)


def test_onsets_are_found_where_they_are() -> None:
    times = [0.5, 1.25, 2.0, 3.5]
    assert hits_within(onsets(clicks(times, 5.0), RATE).tolist(), times, 0.03) == 1.0


def test_hits_within_by_hand() -> None:
    assert hits_within([1.0, 2.05, 9.0], [1.02, 2.0, 3.0, 4.0], 0.05) == 0.5
    assert hits_within([], [1.0], 0.05) == 0.0
    assert np.isnan(hits_within([1.0], [], 0.05))


def test_key_correlations_find_the_profile_itself() -> None:
    c_major = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
    assert key_correlations(c_major)[0] == pytest.approx(1.0)
    assert int(np.argmax(key_correlations(np.roll(c_major, 7)))) == 7
    assert key_correlations(np.ones(12)).tolist() == [0.0] * 24


def test_key_clarity_orders_a_cadence_noise_and_silence() -> None:
    cadence = np.concatenate(
        [tones(chord, 2.0) for chord in ([60, 64, 67], [65, 69, 72], [67, 71, 74], [60, 64, 67])]
    )
    noise = np.random.default_rng(0).normal(0, 0.1, 8 * RATE).astype(np.float32)
    chromatic = np.concatenate([tones([60 + k], 0.5) for k in range(12)])
    assert key_clarity(cadence, RATE) > 0.85
    assert key_clarity(noise, RATE) < 0.7
    assert key_clarity(chromatic, RATE) < 0.7
    assert key_clarity(np.zeros(8 * RATE, np.float32), RATE) == 0.0


def test_chord_agreement_is_high_on_the_chord_and_low_beside_it() -> None:
    import dataclasses

    plan = compose(1, "pop", 4.0).plan
    sound = tones([60, 64, 67], 4.0)
    right, wrong = (
        dataclasses.replace(plan, chords=(Chord(0.0, root, tuple((root + k) % 12 for k in (0, 4, 7)), root),))
        for root in (0, 1)
    )
    assert chord_agreement(sound, RATE, right) > 0.8
    assert chord_agreement(sound, RATE, wrong) < 0.2


def test_tempo_error_forgives_the_octave() -> None:
    assert tempo_error(60, 120) == 0
    assert tempo_error(240, 120) == 0
    assert tempo_error(40, 120) == pytest.approx(0)
    assert tempo_error(126, 120) == pytest.approx(0.05)


def test_tempo_and_pulse_of_a_metronome() -> None:
    sound = metronome(100.0, 0.2, 20.0)
    assert tempo_error(estimated_tempo(sound, 48_000), 100.0) < 0.03
    aperiodic = clicks(np.cumsum(np.random.default_rng(3).exponential(0.6, 30)).tolist(), 20.0)
    assert pulse_clarity(sound, 48_000) > 0.8
    assert pulse_clarity(aperiodic, RATE) < 0.5
    assert pulse_clarity(np.zeros(RATE, np.float32), RATE) == 0.0


def test_the_loris_metric_by_hand() -> None:
    truth = np.array([True, True, False, True])
    mine = np.array([True, False, True, True])
    score = loris_score([mine], [truth])
    assert score.bcs == pytest.approx(2 / 3)
    assert score.bhs == pytest.approx(2 / 3)
    empty = loris_score([np.zeros(4, bool)], [truth])
    assert (empty.bcs, empty.bhs, empty.f1) == (0, 0, 0)


def test_the_loris_metric_cannot_tell_music_from_a_metronome() -> None:
    """Every second of dance music has an onset, and every second of a metronome too: 100, 100, 100."""
    rng = np.random.default_rng(5)
    times = np.cumsum(rng.uniform(0.2, 0.7, 40))
    times = times[times < 12].tolist()
    music, blind = clicks(times, 12.0), metronome(97.0, 0.13, 12.0)
    truth = loris_bins(loris_onsets(music, RATE), 12.0)
    score = loris_score([loris_bins(loris_onsets(blind, 48_000), 12.0)], [truth])
    assert (score.bcs, score.bhs, score.f1) == (1.0, 1.0, 1.0)
    hits = [Accent(time, 1.0) for time in times]
    assert hit_auc(music, RATE, hits, rng) > 0.95
    assert hit_auc(blind, 48_000, hits, rng) < 0.7


def test_loris_scores_need_pairs() -> None:
    with pytest.raises(HitpointError):
        loris_score([], [])


def write(folder: Path, index: int, sound: np.ndarray) -> None:
    plan = compose(index, "pop", 8.0).plan
    (folder / f"{index:05d}.json").write_text(plan_to_json(plan))
    soundfile.write(folder / f"{index:05d}.wav", sound, RATE)


def test_a_folder_is_measured_with_its_controls(tmp_path: Path) -> None:
    for index in (1, 2):
        plan = compose(index, "pop", 8.0).plan
        write(tmp_path, index, clicks([accent.time for accent in plan.accents], 8.0))
    pieces = annotated(tmp_path)
    for found in measure(pieces, seed=0):
        assert found.own.hit_auc > 0.95
        assert found.own.within_40ms > 0.8
        assert found.shuffled_auc < 0.8
        assert found.silence_auc == pytest.approx(0.5)


def test_an_empty_folder_and_a_missing_sound_are_named_errors(tmp_path: Path) -> None:
    with pytest.raises(HitpointError, match="no pieces"):
        annotated(tmp_path)
    (tmp_path / "00000.json").write_text(json.dumps({}))
    with pytest.raises(HitpointError, match="no sound"):
        annotated(tmp_path)


def test_figures_of_silence_are_the_floor() -> None:
    plan = compose(1, "pop", 8.0).plan
    found = figures(np.zeros(8 * RATE, np.float32), RATE, plan, np.random.default_rng(0))
    assert found.hit_auc == pytest.approx(0.5)
    assert (found.within_40ms, found.key_clarity, found.pulse_clarity) == (0, 0, 0)
