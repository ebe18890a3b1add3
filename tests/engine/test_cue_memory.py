"""What is worked out on the way to a cue does not grow with its length: what numpy asks for, not the heap."""

from __future__ import annotations

import tracemalloc
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from toy_bundle import write_bundle

from hitpoint.cue import limiter
from hitpoint.cue.bundle import load_bundle
from hitpoint.cue.decode import identity
from hitpoint.cue.draft import Draft
from hitpoint.cue.master import Anatomy
from hitpoint.cue.sampler import noise
from hitpoint.cue.sessions import CpuModel
from hitpoint.progress import Progress

SHORT, LONG = 1 << 18, 1 << 20  # cells: three minutes, and twelve


def peaks(cells: int) -> np.ndarray:
    return np.random.default_rng(7).uniform(0.0, 3.0, cells).astype(np.float32) ** 4


def most(work: Callable[[], object]) -> int:
    """Bytes in use at a time, beyond those before."""
    work()  # caches and imports
    tracemalloc.start()
    try:
        result = work()
        del result
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_limiter_grows_by_its_result_alone() -> None:
    short, long = (most(partial(limiter.gain_db, peaks(cells), 6.0)) for cells in (SHORT, LONG))
    assert long - short < 6 * (LONG - SHORT)  # four bytes of each cell are the result


def test_loudness_is_measured_in_little_memory() -> None:
    found = []
    for cells in (SHORT, LONG):
        loud = peaks(cells)
        found.append(most(partial(Anatomy(loud, loud).loudness, -loud)))
    assert found[1] - found[0] < LONG - SHORT


@pytest.mark.parametrize("cells", [1, 5, 63, 64, 65, 200, 1000])
def test_stretches_of_the_limiter_do_not_show(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    loud = peaks(cells)
    whole = limiter.gain_db(loud, 3.0)
    monkeypatch.setattr(limiter, "STRETCH", 64)
    assert np.array_equal(limiter.gain_db(loud, 3.0), whole)
    monkeypatch.setattr(limiter, "STRETCH", 3)
    assert np.array_equal(limiter.gain_db(loud, 3.0), whole)


def test_old_latents_are_gone_while_new_ones_are_rendered(tmp_path: Path) -> None:
    bundle = load_bundle(write_bundle(tmp_path))
    old, new = (noise(seed, 0, bundle.manifest.latent_channels, 0, 64) for seed in (1, 2))
    watched, kept = weakref.ref(old), []
    with Draft(CpuModel(bundle, threads=1), bundle.manifest, 48_000, tmp_path) as draft:
        draft.render(old, identity(64), Progress())
        del old
        assert watched() is not None
        draft.render(new, identity(64), Progress(lambda stage, share: kept.append(watched() is not None)))
    assert kept
    assert not any(kept)
