"""Nobody hears where one window of the network ends and the next begins."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from edges import change

from hitpoint.cue.bundle import load_bundle
from hitpoint.cue.make import make_cue
from hitpoint.cue.plan import Accent
from hitpoint.cue.planner import plan_cue
from hitpoint.cue.sessions import CpuModel
from hitpoint.cue.tracks import LATENT_RATE
from hitpoint.cue.wav import Provenance
from hitpoint.cue.windows import frames_for, windows
from hitpoint.progress import SILENT
from hitpoint.values import HitPoint, TempoMap, TempoPoint

DURATION = 180.0


@pytest.mark.slow
@pytest.mark.parametrize("style", ["house", "cinematic"])
@pytest.mark.parametrize("reach", [0.04, 0.5])
def test_borders_of_windows_are_like_any_other_moment(style: str, reach: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    times = np.cumsum(rng.uniform(0.6, 2.4, 120))
    hits = [HitPoint(float(t), float(rng.uniform(0.3, 1))) for t in times[times < DURATION - 2]]
    tempo = TempoMap((TempoPoint(0.0, 118.0),), 0.0)
    plan = plan_cue(DURATION, [Accent(hit.time, hit.strength) for hit in hits], tempo, (), style, 0.6, 3)
    model = CpuModel(load_bundle())
    origin = Provenance("test", model.bundle.id, "0" * 64, 1, style)
    cue = make_cue(
        plan, hits, model, seed=1, steps=4, guidance=2.0, takes=1, loudness=-14.0, frame_rate=25.0,
        lead_samples=0, out=tmp_path / "a.wav", time_reference=0, provenance=origin, progress=SILENT,
    )  # fmt: skip
    sound = soundfile.read(cue.asset.path, dtype="float32")[0].mean(1)
    manifest = model.bundle.manifest
    starts = [w.first + w.known for w in windows(frames_for(DURATION, manifest), manifest)]
    borders = np.array(starts[1:]) / LATENT_RATE
    assert len(borders) >= 9
    at_borders = change(sound, borders, reach).mean()
    # The same number of moments elsewhere, at the same distances from each other, many times.
    shifts = rng.uniform(1.0, borders[1] - borders[0] - 1.0, 999)
    elsewhere = np.array([change(sound, borders[:-1] + shift, reach).mean() for shift in shifts])
    p = (1 + int((elsewhere >= at_borders).sum())) / 1000
    print(
        f"{style}, {reach} s: change {at_borders:.3f} at borders, {elsewhere.mean():.3f} elsewhere, p {p:.3f}"
    )
    assert p > 0.05
