"""The band answers what the picture looks like: each answer beside the looks of another piece, or none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("mido", reason="the training extra is not installed")

from hitpoint.cue.plan import LOOK_NAMES, LOOK_RATE, STYLES, CuePlan, Scene
from hitpoint.motion.descriptors import DESCRIPTORS
from hitpoint_training.corpus import answer
from hitpoint_training.corpus.compose import Piece, arrange, compose
from hitpoint_training.corpus.grooves import CRASH, TRIANGLE
from hitpoint_training.corpus.notes import Note
from hitpoint_training.corpus.picture import simulate

PIECES = tuple(compose(seed, None, 24.0) for seed in range(100, 112))
PAIRS = tuple(zip(PIECES, (*PIECES[1:], PIECES[0]), strict=True))


def column(plan: CuePlan, name: str) -> np.ndarray:
    return np.array([look[LOOK_NAMES.index(name)] for look in plan.looks])


def again(piece: Piece, **changed: object) -> tuple[Note, ...]:
    return arrange(replace(piece.plan, **changed), np.random.default_rng(1))  # type: ignore[arg-type]


def touch(piece: Piece) -> np.ndarray:
    """How much is struck in each half second, accents and the end left out."""
    plan = piece.plan
    marks = {accent.time for accent in plan.accents} | {plan.end}
    power = np.zeros(len(plan.looks))
    for note in piece.notes:
        if note.start not in marks:
            power[min(int(note.start * LOOK_RATE), len(power) - 1)] += (note.velocity / 100) ** 2
    return power


def mean_correlation(
    of: Callable[[Piece], np.ndarray], wanted: Callable[[Piece, Piece], np.ndarray]
) -> float:
    found = []
    for piece, other in PAIRS:
        a, b = of(piece), wanted(piece, other)
        size = min(len(a), len(b), int(piece.plan.end * LOOK_RATE))
        found.append(np.corrcoef(a[:size], b[:size])[0, 1])
    return float(np.mean(found))


def test_how_much_is_struck_follows_the_energy_of_its_own_picture() -> None:
    own = mean_correlation(touch, lambda piece, _: column(piece.plan, "energy"))
    foreign = mean_correlation(touch, lambda _, other: column(other.plan, "energy"))
    assert own > 0.3
    assert abs(foreign) < 0.2


def with_light(plan: CuePlan, brightness: float) -> tuple[Scene, ...]:
    at = LOOK_NAMES.index("brightness")
    return tuple(
        Scene(scene.start, (*scene.look[:at], brightness, *scene.look[at + 1 :])) for scene in plan.scenes
    )


@pytest.mark.parametrize("piece", PIECES[:6], ids=lambda piece: piece.plan.style)
def test_chords_are_higher_in_bright_shots_and_lower_in_dark_ones(piece: Piece) -> None:
    def height(notes: tuple[Note, ...]) -> float:
        return float(np.mean([note.pitch for note in notes if note.part in ("keys", "pad")]))

    dark, plain, bright = (again(piece, scenes=with_light(piece.plan, b)) for b in (0.2, 0.45, 0.85))
    assert height(dark) < height(plain) - 3
    assert height(bright) > height(plain) + 3
    tunes = [[n.pitch for n in notes if n.part == "lead"] for notes in (dark, plain, bright)]
    assert tunes[0] == tunes[1] == tunes[2], "the tune is as written"


def test_cymbals_mark_the_cuts_that_are_beats_and_no_others() -> None:
    on = off = 0
    for piece in PIECES:
        plan = piece.plan
        accents = {accent.time for accent in plan.accents}
        struck = {
            note.start for note in piece.notes if note.part == "drums" and note.pitch in (CRASH, TRIANGLE)
        }
        for scene, time in zip(plan.scenes[1:], answer.cuts(plan), strict=True):
            near = min(abs(beat - scene.start) for beat in plan.beats) <= answer.ON_BEAT
            if near and time < plan.end - 0.2:
                on += 1
                assert time in struck
            elif not near and time in accents and time < plan.end - 0.2:
                off += 1
                assert time not in struck, "an accent at such a cut gets no cymbal"
    assert on > 10
    assert off > 2


def test_without_looks_the_band_plays_the_plain_arrangement() -> None:
    piece = PIECES[0]
    blind = again(piece, looks=(), scenes=())
    seen = again(piece)
    assert blind
    assert blind != seen
    assert not any(note.part == "choir" for note in blind)


def test_crowds_and_close_shots_have_a_choir() -> None:
    piece = PIECES[1]

    def scenes(people: float, scale: float) -> tuple[Scene, ...]:
        look = list(piece.plan.scenes[0].look)
        look[LOOK_NAMES.index("people")], look[LOOK_NAMES.index("scale")] = people, scale
        return tuple(Scene(scene.start, tuple(look)) for scene in piece.plan.scenes)

    assert any(note.part == "choir" for note in again(piece, scenes=scenes(1.0, 0.9)))
    assert not any(note.part == "choir" for note in again(piece, scenes=scenes(0.25, 0.1)))


@pytest.mark.parametrize("seed", range(4))
def test_simulated_shots_have_the_columns_and_ranges_of_real_ones(seed: int) -> None:
    picture = simulate(STYLES[seed], 30.0, np.random.default_rng(seed))
    assert picture.shots[0].start == 0.0
    assert [float(shot.start) for shot in picture.shots[1:]] == pytest.approx(list(picture.cuts))
    rows = np.concatenate([shot.descriptors for shot in picture.shots])
    assert rows.shape[1] == len(DESCRIPTORS)
    assert np.isfinite(rows).all()
    bright = rows[:, DESCRIPTORS.index("brightness")]
    assert bright.min() > -0.1
    assert bright.max() < 1.1
    assert rows[:, DESCRIPTORS.index("motion energy")].min() >= 0


def test_simulated_energy_follows_the_hits_and_not_those_of_another_picture() -> None:
    def density(piece: Piece) -> np.ndarray:
        out = np.zeros(len(piece.plan.looks))
        for accent in piece.plan.accents:
            places = (np.arange(len(out)) + 0.5) / LOOK_RATE
            out += accent.strength * np.exp(-0.5 * ((places - accent.time) / 0.8) ** 2)
        return out + 1e-9 * np.arange(len(out))

    own = mean_correlation(density, lambda piece, _: column(piece.plan, "energy"))
    foreign = mean_correlation(density, lambda _, other: column(other.plan, "energy"))
    assert own > 0.2
    assert abs(foreign) < 0.2
