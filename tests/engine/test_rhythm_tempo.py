"""The grid is found where there is one, and the result says so where there is none."""

import numpy as np
import pytest

from hitpoint.errors import UsageError
from hitpoint.rhythm.tempo import TEMPO_RANGE, fit_tempo
from hitpoint.values import HitPoint


def hits_on(
    bpm: float, first: float, seconds: float, jitter: float, keep: float, seed: int
) -> tuple[HitPoint, ...]:
    """Beats and some eighths, with missed points and timing errors as the extractor makes them."""
    chance = np.random.default_rng(seed)
    beats = np.arange(first, seconds, 60 / bpm)
    times = np.concatenate(
        [beats[chance.random(len(beats)) < keep], beats[chance.random(len(beats)) < 0.2] + 30 / bpm]
    )
    times = np.sort(times + chance.normal(0, jitter, len(times)))
    return tuple(
        HitPoint(float(time), float(chance.uniform(0.4, 1))) for time in times if 0 <= time < seconds
    )


def test_the_tempo_of_jittered_incomplete_beats() -> None:
    exact = 0
    for seed in range(12):
        bpm = float(np.random.default_rng(seed).uniform(84, 156))
        tempo = fit_tempo(hits_on(bpm, 0.3, 25.0, 0.015, 0.75, seed), 25.0)
        octave = np.log2(tempo.bpm / bpm)
        assert octave == pytest.approx(round(octave), abs=0.015)
        assert tempo.fit > 0.75
        assert tempo.margin > 0.1
        if round(octave) == 0:
            exact += 1
            assert abs((tempo.first_beat - 0.3 + 30 / bpm) % (60 / bpm) - 30 / bpm) < 0.03
    assert exact >= 10


def test_random_times_fit_nothing_well() -> None:
    margins = []
    for seed in range(12):
        times = np.sort(np.random.default_rng(seed).uniform(0, 25, 30))
        margins.append(fit_tempo(tuple(HitPoint(float(time), 1.0) for time in times), 25.0).margin)
    assert np.mean(margins) < 0.1


def test_a_pinned_tempo_is_kept_and_only_its_phase_is_fitted() -> None:
    tempo = fit_tempo(hits_on(120, 0.2, 20.0, 0.005, 0.9, 1), 20.0, bpm=120.0)
    assert tempo.bpm == 120.0
    assert (tempo.first_beat - 0.2) % 0.5 == pytest.approx(0.0, abs=0.01) or (
        tempo.first_beat - 0.2
    ) % 0.5 > 0.49


def test_bars_begin_on_the_strong_beats() -> None:
    hits = tuple(HitPoint(0.75 + 0.5 * n, 1.0 if n % 4 == 1 else 0.5) for n in range(40))
    tempo = fit_tempo(hits, 21.0)
    assert tempo.bpm == pytest.approx(120, rel=0.005)
    assert (1.25 - tempo.first_beat + 1.0) % 2.0 == pytest.approx(1.0, abs=0.02)
    assert -2.0 < tempo.first_beat <= 0.0


def test_ten_minutes_keep_one_grid() -> None:
    tempo = fit_tempo(hits_on(103.7, 0.1, 600.0, 0.02, 0.6, 5), 600.0)
    assert tempo.bpm == pytest.approx(103.7, rel=0.0005)
    assert tempo.fit > 0.8


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_points_still_give_a_usable_tempo(count: int) -> None:
    tempo = fit_tempo(tuple(HitPoint(0.1 + number, 1.0) for number in range(count)), 2.0)
    assert TEMPO_RANGE[0] <= tempo.bpm <= TEMPO_RANGE[1]


def test_a_locked_point_counts_more() -> None:
    loose = [HitPoint(time, 1.0) for time in (0.1, 0.6, 1.1, 1.6)]
    locked = [HitPoint(time, 1.0, "user", True) for time in (0.35, 0.85, 1.35, 1.85)]
    tempo = fit_tempo((*loose, *locked), 2.0, bpm=120.0)
    assert (0.35 - tempo.first_beat + 0.25) % 0.5 == pytest.approx(0.25, abs=0.02)


def test_impossible_tempi_are_refused() -> None:
    with pytest.raises(UsageError):
        fit_tempo((), 10.0, bpm=-3.0)
    with pytest.raises(UsageError):
        fit_tempo((), 10.0, tempo_range=(150, 90))
