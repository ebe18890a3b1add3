"""What goes to the worker comes back the same, and nothing else comes through."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitpoint.values import HitPoint, Rhythm, ScoreRequest, Shot, TempoMap, TempoPoint
from hitpoint_plugin.codec import CodecError, from_json, to_json
from hitpoint_plugin.model.state import Controls, Sheet

times = st.floats(0, 1e6)
hits = st.builds(
    HitPoint, times, st.floats(0, 1), st.sampled_from(["movement", "cut", "user"]), st.booleans()
)
requests = st.builds(
    ScoreRequest,
    timeline=st.just(Path("a b.otio")),
    clip=st.none() | st.text(),
    range=st.none() | st.tuples(st.fractions(), st.fractions()),
    bpm=st.none() | st.floats(40, 240),
    user_hits=st.lists(hits, max_size=3).map(tuple),
    bundle=st.none() | st.just(Path("b")),
)


@given(requests)
def test_requests_survive_exactly(request: ScoreRequest) -> None:
    assert from_json(ScoreRequest, json.loads(json.dumps(to_json(request)))) == request


@given(st.lists(hits, max_size=4).map(tuple), st.none() | st.floats(40, 240))
def test_sheets_survive_exactly(points: tuple[HitPoint, ...], bpm: float | None) -> None:
    assert from_json(Sheet, json.loads(json.dumps(to_json(Sheet(points, bpm))))) == Sheet(points, bpm)


def test_arrays_keep_shape_and_every_bit() -> None:
    envelope = np.random.default_rng(1).random(500, np.float32)
    table = np.arange(12, dtype=np.float32).reshape(3, 4)
    rhythm = Rhythm(
        envelope, 50.0, (), (0.5,), (Shot(0.0, 1.0, table),), (), TempoMap((TempoPoint(0, 120),), 0.1), "flow"
    )
    back = from_json(Rhythm, json.loads(json.dumps(to_json(rhythm))))
    assert back.envelope.dtype == np.float32
    assert np.array_equal(back.envelope, envelope)
    assert np.array_equal(back.shots[0].descriptors, table)
    assert back.tempo == rhythm.tempo


def test_fractions_are_exact() -> None:
    third = Fraction(1001, 30000)
    assert from_json(Fraction, to_json(third)) == third


@pytest.mark.parametrize(
    "data",
    [
        {"style": "pop", "surprise": 1},
        {"takes": "2"},
        {"accents": "nonsense"},
        {"steps": 1.5},
        {"bundle": 7},
        [],
        "pop",
        None,
    ],
)
def test_anything_else_is_refused(data: object) -> None:
    with pytest.raises(CodecError):
        from_json(Controls, data)  # type: ignore[arg-type]


def test_a_missing_key_takes_the_default() -> None:
    assert from_json(Controls, {"seed": 3}) == Controls(seed=3)


def test_what_has_no_form_in_json_is_refused() -> None:
    with pytest.raises(CodecError):
        to_json(object())
