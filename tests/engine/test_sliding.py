"""Sliding maximum and mean against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from hitpoint.sliding import sliding_max, sliding_mean


@given(st.integers(1, 200), st.integers(0, 60), st.integers(0, 1000))
def test_as_scipy_has_it(count: int, half: int, seed: int) -> None:
    values = np.random.default_rng(seed).standard_normal(count).astype(np.float32)
    width = 2 * half + 1
    assert np.array_equal(sliding_max(values, width), maximum_filter1d(values, width))
    assert sliding_mean(values, width) == pytest.approx(
        uniform_filter1d(values.astype(float), width), abs=1e-9
    )
