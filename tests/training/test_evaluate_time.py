"""Tempo and beats of sounds whose beats are known by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("librosa", reason="the training extra is not installed")

from hitpoint.cue.plan import Chord, CuePlan, Section
from hitpoint_training.evaluate.beats import beat_f, steady, steady_error, tempo_of, tracked
from hitpoint_training.evaluate.compositions import metronome
from hitpoint_training.evaluate.sync import OnsetCurve, hit_distances, onset_curve


def a_plan(beats: np.ndarray, bpm: float) -> CuePlan:
    times = tuple(beats.tolist())
    return CuePlan(
        duration=times[-1] + 1, end=times[-1], style="pop", bpm=bpm, beats_per_bar=4, beats=times,
        downbeats=times[::4], accents=(), chords=(Chord(0.0, 0, (0, 4, 7), 0),),
        sections=(Section(0.0, "groove", 0.6),), tonic=0, minor=False,
    )  # fmt: skip


@pytest.mark.parametrize("bpm", [61.0, 93.7, 128.4, 171.3])
def test_tempo_is_found_to_a_quarter_of_a_percent(bpm: float) -> None:
    plan = a_plan(np.arange(0.2, 24, 60 / bpm), bpm)
    curve = onset_curve(metronome(bpm, 0.2, 24.0), 48_000)
    assert steady_error(curve, plan) < 0.0025
    other = a_plan(np.arange(0.2, 24, 60 / (bpm * 1.1)), bpm * 1.1)
    assert steady_error(curve, other) > 0.05


def test_without_a_pulse_there_is_no_tempo_and_no_beat() -> None:
    flat = OnsetCurve(np.zeros(3000, np.float32), 172.3)
    assert np.isnan(tempo_of(flat))
    assert len(tracked(flat)) == 0
    plan = a_plan(np.arange(0, 17, 0.5), 120)
    assert steady_error(flat, plan) == 1.0
    assert beat_f(tracked(flat), plan) == 0.0


def test_the_longest_steady_stretch() -> None:
    beats = np.concatenate([np.arange(0, 6, 0.5), np.arange(6, 20, 0.55)])
    start, stop = steady(a_plan(beats, 120))
    assert start == pytest.approx(6.0, abs=0.51)
    assert stop == pytest.approx(float(beats[-1]))


def test_beats_in_time_and_between() -> None:
    beats = np.arange(0.3, 24, 0.5)
    plan = a_plan(beats, 120)
    assert beat_f(beats, plan) == 1.0
    assert beat_f(beats[::2], plan) == 1.0, "half time is forgiven"
    assert beat_f(beats + 0.12, plan) == 0.0
    found = tracked(onset_curve(metronome(120, 0.3, 24.0), 48_000))
    assert beat_f(found, plan) > 0.95
    late = replace(plan, beats=tuple(float(beat) + 0.125 for beat in beats))
    assert beat_f(found, late) < 0.1


def test_hit_distances_by_hand() -> None:
    assert hit_distances([1.0, 2.05], [1.02, 2.0, 3.0]).tolist() == pytest.approx([0.02, 0.05, 0.95])
    assert hit_distances([], [1.0]).tolist() == [np.inf]
    assert hit_distances([1.0], []).tolist() == []
