"""The published metrics against cases worked out by hand, and what they cannot see."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("librosa", reason="the training extra is not installed")

import mir_eval.onset

from hitpoint.errors import UsageError
from hitpoint_training.evaluate.loris import (
    CDCD,
    PAPER,
    RELEASED,
    Variant,
    cdcd_score,
    loris_bins,
    loris_onsets,
    loris_score,
)
from hitpoint_training.evaluate.vem import biou, intersection_over_union, tbiou

RATE = 22_050


def bins(text: str) -> np.ndarray:
    return np.array([one == "x" for one in text])


def clicks(times: np.ndarray, seconds: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 1e-3, round(seconds * RATE)).astype(np.float32)
    for time in times:
        first = round(time * RATE)
        burst = rng.normal(0, 0.3, 1000) * np.exp(-np.arange(1000) / 200)
        sound[first : first + 1000] += burst[: max(0, len(sound) - first)].astype(np.float32)
    return sound


def test_loris_by_hand() -> None:
    """File 1: truth in seconds 0, 1, 3; made in 0, 2, 3, 4; hits 0 and 3. File 2: one of one, of two."""
    score = loris_score([bins("x.xxx"), bins("x...")], [bins("xx.x."), bins("x.x.")])
    assert score.bcs == pytest.approx((2 / 4 + 1 / 1) / 2)
    assert score.bhs == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert score.f1 == pytest.approx(2 * 0.75 * (7 / 12) / (0.75 + 7 / 12))  # of the means
    assert score.csd == pytest.approx(np.sqrt(2 * 0.25**2))  # two values 0.25 from their mean, ddof 1
    assert score.hsd == pytest.approx(np.sqrt(2 * (1 / 12) ** 2))


def test_a_longer_truth_is_cut_to_what_was_made() -> None:
    score = loris_score([bins("x.")], [bins("x.xxx")])
    assert (score.bcs, score.bhs, score.f1) == (1, 1, 1)


def test_silence_scores_nothing_and_one_file_has_no_deviation() -> None:
    score = loris_score([bins("....")], [bins("xx..")])
    assert (score.bcs, score.bhs, score.f1) == (0, 0, 0)
    assert np.isnan(score.csd)


def test_cdcd_by_hand() -> None:
    score = cdcd_score([bins("xxxx"), bins("x...")], [bins("x.x."), bins("xx..")])
    assert score.bcs == pytest.approx((4 / 2 + 1 / 2) / 2)  # above 1 for a busy file
    assert score.bhs == pytest.approx((2 / 2 + 1 / 2) / 2)
    with pytest.raises(UsageError, match="one length"):
        cdcd_score([bins("xx")], [bins("xxx")])
    assert np.isnan(cdcd_score([bins("xx")], [bins("..")]).bcs)


@pytest.mark.parametrize("variant", [RELEASED, PAPER, CDCD], ids=lambda variant: variant.name)
def test_each_variant_hears_plain_clicks(variant: Variant) -> None:
    times = np.array([0.7, 1.6, 3.2, 4.4])
    found = loris_onsets(clicks(times, 6.0), RATE, variant)
    assert mir_eval.onset.f_measure(times, found, window=0.05)[0] > 0.85
    assert loris_bins(found, 6.0).tolist() == bins("xx.xx.").tolist()


def test_the_variants_differ_on_dense_onsets() -> None:
    times = np.sort(np.random.default_rng(3).uniform(0.1, 19.9, 160))
    sound = clicks(times, 20.0)
    found = [tuple(loris_onsets(sound, RATE, variant)) for variant in (RELEASED, PAPER, CDCD)]
    assert len(set(found)) == 3


def test_the_metric_is_blind_to_a_metronome_and_to_a_late_copy() -> None:
    """Dance-like truths have an onset in every second, so any steady click is perfect, and so is a delay."""
    rng = np.random.default_rng(7)
    truths, metronomes, late, onset_f = [], [], [], []
    for _ in range(4):
        period = 60 / rng.uniform(80, 130) / 2
        beats = np.arange(rng.uniform(0, period), 24.5, period)
        beats = beats[rng.uniform(size=len(beats)) < 0.9]
        ticks = np.arange(rng.uniform(0, 0.6), 24.9, 60 / 97)
        truths.append(loris_bins(loris_onsets(clicks(beats, 25.0), RATE), 25.0))
        metronomes.append(loris_bins(loris_onsets(clicks(ticks, 25.0), RATE), 25.0))
        late.append(loris_bins(loris_onsets(clicks(beats + 0.3, 25.0), RATE), 25.0))
        onset_f.append(mir_eval.onset.f_measure(beats, ticks, window=0.07)[0])
    assert loris_score(metronomes, truths).f1 > 0.99
    assert loris_score(late, truths).f1 > 0.97
    assert np.mean(onset_f) < 0.5  # what an honest measure says of the metronome


def test_intersection_over_union_by_hand() -> None:
    truth, made = np.array([1.0, 2.0, 3.0]), np.array([1.4, 2.9, 5.0, 6.0])
    assert intersection_over_union(truth, made) == pytest.approx(2 / (3 + 4 - 2))
    assert intersection_over_union(truth, truth) == 1
    assert intersection_over_union(truth, np.array([])) == 0
    assert np.isnan(intersection_over_union(np.array([]), np.array([])))


def test_each_event_is_matched_once() -> None:
    assert intersection_over_union(np.array([1.0, 1.1]), np.array([1.05])) == pytest.approx(1 / 2)


def test_means_over_files_leave_out_what_has_no_events() -> None:
    one, none = np.array([1.0]), np.array([])
    assert biou([one, one, none], [one, none, none]) == pytest.approx(0.5)
    assert tbiou([one], [np.array([1.2, 4.0])]) == pytest.approx(1 / 2)


def test_tbiou_cannot_tell_a_metronome_from_sync() -> None:
    """At 120 bpm every cut lies within half a second of a tick, wherever the ticks begin."""
    cuts = np.sort(np.random.default_rng(1).uniform(0, 60, 15))
    scores = [tbiou([cuts], [np.arange(phase, 60, 0.5)]) for phase in (0.0, 0.13, 0.29, 0.41)]
    assert np.ptp(scores) < 0.02
    assert min(scores) == pytest.approx(15 / 120, rel=0.05)
