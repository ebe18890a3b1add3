"""The numpy sampler against a torch one, and its noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hitpoint.cue.sampler import given, integrate, noise, schedule


class Field(torch.nn.Module):
    """Some smooth velocity field."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.mix = torch.nn.Conv1d(8, 8, 5, padding=2)

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.mix(x)) * (1 + t) - 0.3 * x


@pytest.mark.parametrize("steps", [1, 2, 4, 8, 16])
def test_golden_against_torch(steps: int) -> None:
    field = Field()
    eps = noise(7, 0, 8, 0, 40)
    x = torch.from_numpy(eps)[None]
    with torch.no_grad():
        for step in range(steps):
            x = x - field(x, torch.tensor(1 - step / steps)) / steps

    def v(x: np.ndarray, t: float, _: float) -> np.ndarray:
        with torch.no_grad():
            return field(torch.from_numpy(x)[None], torch.tensor(t))[0].numpy()

    assert np.abs(integrate(v, eps, steps) - x[0].numpy()).max() < 1e-5


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_straight_flow_is_exact_in_any_number_of_steps(steps: int) -> None:
    data = noise(1, 1, 4, 0, 16)
    made = integrate(lambda x, t, r: (x - data) / np.float32(t), noise(2, 0, 4, 0, 16), steps)
    assert np.allclose(made, data, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_mean_flow_of_a_curved_path_is_exact_in_any_number_of_steps(steps: int) -> None:
    """dx/dt = a x has the mean (x_t - x_r) / (t - r), which a step of any length follows to its end."""
    rate, eps = 0.7, noise(3, 0, 4, 0, 16)

    def mean(x: np.ndarray, t: float, r: float) -> np.ndarray:
        return x * np.float32((1 - np.exp(rate * (r - t))) / (t - r))

    assert np.allclose(integrate(mean, eps, steps), eps * np.exp(-rate), atol=1e-5)


def test_schedules_nest() -> None:
    assert schedule(4) == schedule(8)[::2]
    assert (schedule(8)[0], schedule(8)[-1]) == (1.0, 0.0)


def test_known_frames_arrive_exactly_and_others_are_free() -> None:
    known, eps = noise(1, 0, 4, 0, 24), noise(2, 0, 4, 0, 24)
    mask = np.zeros((1, 24), np.float32)
    mask[:, :10] = 1
    made = integrate(given(lambda x, t, r: 0 * x, known, mask, eps), eps, 8)
    assert np.allclose(made[:, :10], known[:, :10], atol=1e-6)
    assert np.array_equal(made[:, 10:], eps[:, 10:])


def test_noise_belongs_to_the_frame_not_to_the_window() -> None:
    whole = noise(5, 0, 6, 0, 100)
    assert np.array_equal(noise(5, 0, 6, 37, 20), whole[:, 37:57])


def test_noise_is_normal_and_differs_by_seed_and_variation() -> None:
    eps = noise(5, 0, 64, 0, 2000)
    assert abs(eps.mean()) < 0.01
    assert abs(eps.std() - 1) < 0.01
    assert not np.array_equal(eps, noise(6, 0, 64, 0, 2000))
    assert not np.array_equal(eps, noise(5, 1, 64, 0, 2000))
