"""`hitpoint remake` in a fresh process: a take in, a take out, errors in words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from toy_bundle import toy_plan, write_bundle

from hitpoint.cue.bundle import load_bundle
from hitpoint.cue.make import make_cue
from hitpoint.cue.plan import Accent
from hitpoint.cue.sessions import CpuModel
from hitpoint.cue.wav import Provenance
from hitpoint.progress import SILENT
from hitpoint.values import HitPoint


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def take(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, model = tmp_path_factory.mktemp("take") / "take.wav", CpuModel(load_bundle(bundle))
    hits = [HitPoint(time, 0.9) for time in (0.8, 2.6, 4.4, 6.2)]
    plan = toy_plan(8.0, tuple(Accent(hit.time, hit.strength) for hit in hits))
    make_cue(
        plan, hits, model, seed=1, steps=4, guidance=1.5, takes=1, loudness=-16.0, frame_rate=25.0,
        lead_samples=0, out=path, time_reference=0, progress=SILENT,
        provenance=Provenance("Hitpoint test", model.bundle.id, "0" * 64, 1, "pop"),
    )  # fmt: skip
    return path


def remake(take: Path, out: Path, *options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hitpoint", "remake", take, "-o", out, *options]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=300)


def test_bars_are_made_anew_and_the_result_is_said(take: Path, bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "new.wav"
    done = remake(take, out, "--range", "2.2-5.9", "--seed", 9, "--bundle", bundle, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["region"] == {"start": 2.0, "stop": 6.0, "first_bar": 2, "last_bar": 3}
    assert len(said["hit_points"]) == 4
    before, after = (soundfile.read(path, dtype="int32")[0] for path in (take, out))
    assert said["samples"] == len(after) == len(before)
    where = np.flatnonzero((before != after).any(1)) / 48_000
    assert 1.8 <= where[0] < where[-1] <= 6.0


@pytest.mark.parametrize(
    ("options", "code", "name"),
    [
        (("--range", "6-9"), 2, "UsageError"),
        (("--range", "2.1-2.4"), 2, "UsageError"),
        (("--range", "soon"), 2, "UsageError"),
        (("--range", "2-4", "--style", "polka"), 2, "UsageError"),
    ],
)
def test_refusals(
    options: tuple[str, ...], code: int, name: str, take: Path, bundle: Path, tmp_path: Path
) -> None:
    done = remake(take, tmp_path / "new.wav", *options, "--bundle", bundle)
    assert done.returncode == code, done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_another_model_and_no_take(take: Path, tmp_path: Path) -> None:
    done = remake(take, tmp_path / "new.wav", "--range", "2-4")
    assert (done.returncode, "ModelBundleError" in done.stderr) == (1, True)
    soundfile.write(tmp_path / "foreign.wav", np.zeros((4800, 2)), 48_000)
    done = remake(tmp_path / "foreign.wav", tmp_path / "new.wav", "--range", "0-0.1")
    assert (done.returncode, "MediaError" in done.stderr) == (1, True)
