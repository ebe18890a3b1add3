"""Looks: one per half second, scenes at the shots, all in range, energy per area of the body."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitpoint.cue.looks import looks_of
from hitpoint.cue.plan import LOOK_NAMES
from hitpoint.cue.planner import plan_cue
from hitpoint.motion.descriptors import DESCRIPTORS, FAST, SLOW, liveliness
from hitpoint.values import Shot, TempoMap, TempoPoint


def a_shot(start: float, stop: float, **columns: float) -> Shot:
    """A shot whose columns stay the same; `since cut` runs."""
    count = len(np.arange(start, max(stop, start + 1e-3), 0.5))
    rows = np.zeros((count, len(DESCRIPTORS)), np.float32)
    values = {"motion energy": 0.02, "brightness": 0.5, "shot scale": 0.15, "people": 1.0} | {
        name.replace("_", " "): value for name, value in columns.items()
    }
    for name, value in values.items():
        rows[:, DESCRIPTORS.index(name)] = value
    rows[:, -1] = np.minimum(0.5 * np.arange(count), 8)
    return Shot(start, stop - start, rows)


def column(looks: tuple[tuple[float, ...], ...], name: str) -> list[float]:
    return [look[LOOK_NAMES.index(name)] for look in looks]


def test_no_shots_no_looks() -> None:
    assert looks_of((), 10.0) == ((), ())
    assert looks_of((Shot(0.0, 10.0),), 10.0) == ((), ())


def test_a_look_belongs_to_the_shot_it_lies_in() -> None:
    shots = (a_shot(0.0, 2.2, brightness=0.2), a_shot(2.2, 5.0, brightness=0.8))
    scenes, looks = looks_of(shots, 5.0)
    assert [scene.start for scene in scenes] == pytest.approx([0.0, 2.2])
    assert len(looks) == 10
    assert column(looks, "brightness") == pytest.approx([0.2] * 4 + [0.8] * 6)
    assert [scene.look[1] for scene in scenes] == pytest.approx([0.2, 0.8])
    since = column(looks, "since_cut")
    assert since[3] > since[2]
    assert since[4] == 0.0


def test_energy_is_that_of_the_body_and_agrees_with_liveliness() -> None:
    for energy in (0.1, 0.5, 0.9):
        shots = tuple(
            a_shot(start, start + 2, motion_energy=SLOW * (FAST / SLOW) ** energy * size**2, shot_scale=size)
            for start, size in ((0.0, 0.08), (2.0, 0.4))
        )
        assert column(looks_of(shots, 4.0)[1], "energy") == pytest.approx([energy] * 8, abs=1e-5)
        assert liveliness(shots) == pytest.approx(energy, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    duration=st.floats(0.04, 30),
    cuts=st.lists(st.floats(0, 60), max_size=8),
    seed=st.integers(0, 999),
    wild=st.sampled_from((0.0, 1.0, 1e6, float("nan"), float("inf"))),
)
def test_any_shots_give_looks_in_range(duration: float, cuts: list[float], seed: int, wild: float) -> None:
    rng = np.random.default_rng(seed)
    edges = [0.0, *sorted({cut for cut in cuts if 0.01 < cut < duration}), duration]
    shots = []
    for start, stop in itertools.pairwise(edges):
        count = len(np.arange(start, max(stop, start + 1e-3), 0.5))
        rows = rng.normal(0, 2, (count, len(DESCRIPTORS))).astype(np.float32)
        rows[0, 0] = wild
        shots.append(Shot(start, stop - start, rows))
    scenes, looks = looks_of(shots, duration)
    assert scenes[0].start == 0.0
    assert len(scenes) == len(shots)
    assert len(looks) == len(np.arange(0, duration, 0.5))
    values = np.array(looks)
    assert values.shape[1] == len(LOOK_NAMES)
    assert np.isfinite(values).all()
    assert values.max() <= 1
    assert values.min() >= -1
    assert values[:, [0, 1, 2, 5, 6, 7, 8, 9]].min() >= 0


def test_the_plan_carries_them() -> None:
    shots = (a_shot(0.0, 4.0), a_shot(4.0, 9.0, brightness=0.9))
    tempo = TempoMap((TempoPoint(0.0, 120.0),), 0.0)
    plan = plan_cue(9.0, (), tempo, (4.0,), "pop", 0.6, 1, shots)
    assert (plan.scenes, plan.looks) == looks_of(shots, 9.0)
    assert len(plan.looks) == 18
    blind = plan_cue(9.0, (), tempo, (4.0,), "pop", 0.6, 1)
    assert (blind.scenes, blind.looks) == ((), ())
    assert blind.tune == plan.tune, "the tune does not look"
