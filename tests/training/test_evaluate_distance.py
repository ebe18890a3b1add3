"""Distances between sets, the listener, and what is kept of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("librosa", reason="the training extra is not installed")
pytest.importorskip("torch", reason="the training extra is not installed")

from hitpoint.errors import HitpointError
from hitpoint_training.evaluate.frechet import Moments, frechet, together
from hitpoint_training.evaluate.heard import Heard
from hitpoint_training.evaluate.listener import learn, listen
from hitpoint_training.evaluate.measured import Impression, impression
from hitpoint_training.evaluate.patches import FEATURES, patches
from hitpoint_training.evaluate.store import keep, kept_impression

RATE = 22_050


def drawn(mean: float, spread: float, count: int = 20_000, seed: int = 0) -> Moments:
    rows = np.random.default_rng(seed).normal(mean, spread, (count, 3))
    return Moments.of(rows)


def test_the_distance_of_gaussians_by_hand() -> None:
    assert frechet(drawn(0, 1), drawn(0, 1)) == pytest.approx(0, abs=1e-9)
    # Three features each: means 2 apart give 3 * 4; spreads 1 and 3 give 3 * (3 - 1)^2.
    assert frechet(drawn(0, 1), drawn(2, 1, seed=1)) == pytest.approx(12, rel=0.03)
    assert frechet(drawn(0, 1), drawn(0, 3, seed=1)) == pytest.approx(12, rel=0.03)
    with pytest.raises(HitpointError, match="more than one"):
        frechet(drawn(0, 1), Moments.of(np.zeros((1, 3))))


def test_moments_add_up() -> None:
    rows = np.random.default_rng(0).normal(0, 1, (50, 4))
    whole, parts = Moments.of(rows), together([Moments.of(rows[:20]), Moments.of(rows[20:])])
    assert np.allclose(whole.covariance, parts.covariance)
    assert np.allclose(whole.covariance, np.cov(rows.T, bias=True))


def a_sound(style: str, seed: int) -> Heard:
    """Dark slow bursts or bright quick ones."""
    rng = np.random.default_rng(seed)
    sound = rng.normal(0, 0.05, 9 * RATE)
    if style == "ambient":
        sound = np.convolve(sound, np.ones(30) / 30, "same")
    for start in np.arange(0, len(sound), RATE * (1.0 if style == "ambient" else 0.22)).astype(int):
        sound[start : start + 2000] *= 8
    return Heard(sound.astype(np.float32), RATE)


def test_a_listener_tells_styles_apart_and_puts_strangers_far_away() -> None:
    names = ["ambient", "break"] * 4
    heard = [patches(a_sound(name, seed)) for seed, name in enumerate(names)]
    assert all(part.shape == (3, FEATURES) for part in heard)
    listener = learn(heard, names, rounds=100)
    for seed, name in ((20, "ambient"), (21, "break")):
        assert listen(listener, patches(a_sound(name, seed))).style == name

    def set_of(parts: list[np.ndarray]) -> Moments:
        return together([Moments.of(listen(listener, part).embeddings) for part in parts])

    known = set_of(heard)
    alike = frechet(set_of([patches(a_sound(name, 30 + i)) for i, name in enumerate(names)]), known)
    noise = [
        patches(Heard(np.random.default_rng(i).normal(0, 0.3, 9 * RATE).astype("f4"), RATE)) for i in range(8)
    ]
    assert frechet(set_of(noise), known) > 5 * alike
    again = learn(heard, names, rounds=100)
    assert np.array_equal(listen(again, heard[0]).embeddings, listen(listener, heard[0]).embeddings)


def test_silence_and_a_short_sound_can_be_listened_to() -> None:
    for seconds in (0.3, 5.0):
        found = impression(Heard(np.zeros(round(seconds * RATE), np.float32), RATE))
        assert np.isfinite(found.patches).all()
        assert len(found.patches) == 1


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    found = impression(a_sound("break", 1))
    keep(tmp_path / "one.npz", found)
    back = kept_impression(tmp_path / "one.npz")
    assert isinstance(back, Impression)
    assert np.array_equal(back.patches, found.patches)
    assert np.array_equal(back.mel.covariance, found.mel.covariance)
    assert [path.name for path in tmp_path.iterdir()] == ["one.npz"]
