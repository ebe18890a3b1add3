"""What is asked of the form of a cue: how long it rings, and how strong it is when."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitpoint.cue.plan import Accent, CuePlan
from hitpoint.cue.planner import plan_cue
from hitpoint.provenance import request_json
from hitpoint.values import ScoreRequest, TempoMap, TempoPoint

STEADY = TempoMap((TempoPoint(0.0, 120.0),), 0.0)


def planned(
    intensity: float = 0.6,
    tail: float | None = None,
    curve: tuple[tuple[float, float], ...] = (),
    hits: tuple[Accent, ...] = (),
) -> CuePlan:
    return plan_cue(40.0, hits, STEADY, (), "pop", intensity, 1, tail=tail, curve=curve)


@pytest.mark.parametrize("tail", [0.0, 0.5, 3.0, 6.0])
def test_the_last_sound_has_the_tail_that_was_asked_for(tail: float) -> None:
    end = planned(tail=tail).end
    assert max(tail, 0.1) <= 40 - end < max(tail, 0.1) + 2.5


def test_a_tail_takes_at_most_half_and_never_a_hit() -> None:
    assert planned(tail=100).end == pytest.approx(20, abs=2.5)
    assert planned(tail=6, hits=(Accent(38.0, 1.0),)).end == 38.0


def test_a_curve_makes_the_music_stronger_where_it_rises_and_nothing_else() -> None:
    rising, flat = planned(curve=((0.0, 0.1), (40.0, 1.0))), planned()
    assert [part.start for part in rising.sections] == [part.start for part in flat.sections]
    gains = [a.intensity / b.intensity for a, b in zip(rising.sections, flat.sections, strict=True)]
    assert gains == sorted(gains)
    assert gains[0] < 0.8
    assert gains[-1] > 1.2
    assert (rising.chords, rising.accents, rising.end) == (flat.chords, flat.accents, flat.end)


def test_a_level_curve_is_that_intensity() -> None:
    assert planned(0.9) == planned(0.1, curve=((5.0, 0.9), (9.0, 0.9)))


def test_both_are_part_of_the_request_only_where_they_are_asked_for() -> None:
    plain = request_json(ScoreRequest(Path("a.otio")), "pop")
    assert not {"tail", "intensity_curve"} & set(plain)
    asked = request_json(ScoreRequest(Path("a.otio"), tail=2.0, intensity_curve=((0.0, 0.5),)), "pop")
    assert (asked["tail"], asked["intensity_curve"]) == (2.0, [[0.0, 0.5]])
