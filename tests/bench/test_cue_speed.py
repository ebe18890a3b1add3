"""How many times faster than real time the starter bundle composes. Ratios only; needs a quiet machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hitpoint.cue.bundle import STARTER, load_bundle
from hitpoint.cue.decode import decode_chunk, identity
from hitpoint.cue.generate import Composer, Sampling
from hitpoint.cue.make import make_cue
from hitpoint.cue.plan import Accent, CuePlan
from hitpoint.cue.planner import plan_cue
from hitpoint.cue.sessions import CpuModel
from hitpoint.cue.wav import Provenance
from hitpoint.progress import Progress
from hitpoint.values import HitPoint, TempoMap, TempoPoint

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif(not (STARTER / "manifest.json").exists(), reason="the starter bundle is not there"),
]
DURATION, RUNS = 25.0, 5


def hits() -> list[HitPoint]:
    rng = np.random.default_rng(1)
    times = np.arange(0.8, DURATION - 1.5, 1.1)
    return [
        HitPoint(float(t), float(rng.uniform(0.4, 1))) for t in times + rng.uniform(-0.3, 0.3, len(times))
    ]


def plan() -> CuePlan:
    accents = [Accent(hit.time, hit.strength) for hit in hits()]
    return plan_cue(DURATION, accents, TempoMap((TempoPoint(0.0, 112.0),), 0.1), (), "pop", 0.6, 1)


def median_ratio(work: Callable[[], None]) -> float:
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    ratio = DURATION / statistics.median(seconds)
    print(f"{ratio:.1f} x real time (median of {RUNS}, spread {min(seconds):.2f}-{max(seconds):.2f} s)")
    return ratio


def test_generation_at_eight_steps() -> None:
    """The network and the decoder: plan in, sound out."""
    bundle = load_bundle()
    model = CpuModel(bundle)
    composer = Composer(plan(), model, bundle.manifest, Sampling(1, 8, 2.0), Progress())

    def generate() -> None:
        z = composer.compose()
        for first in range(0, z.shape[1], 256):
            decode_chunk(model, bundle.manifest, z, identity(z.shape[1]), first, min(first + 256, z.shape[1]))

    generate()
    assert median_ratio(generate) >= 20


def test_whole_cue(tmp_path: Path) -> None:
    """Everything: loading, composing, measuring and correcting, mastering, the file."""
    model = CpuModel(load_bundle())
    origin = Provenance("Hitpoint bench", model.bundle.id, "0" * 64, 1, "pop")

    def make() -> None:
        make_cue(
            plan(), hits(), model, seed=1, steps=8, guidance=2.0, takes=1, loudness=-14.0, frame_rate=25.0,
            lead_samples=0, out=tmp_path / "a.wav", time_reference=0, provenance=origin, progress=Progress(),
        )  # fmt: skip

    assert median_ratio(make) >= 10
