"""From a plan to a file with the toy bundle: length, sync, repainting, determinism, cancelling, failures."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from toy_bundle import DEAF, toy_plan, write_bundle

from hitpoint.cue.bundle import Bundle, load_bundle
from hitpoint.cue.make import Cue, make_cue
from hitpoint.cue.plan import Accent, CuePlan
from hitpoint.cue.sessions import CpuModel
from hitpoint.cue.verify import read_origin
from hitpoint.cue.wav import Provenance
from hitpoint.errors import Cancelled, OutputError, UsageError
from hitpoint.progress import Progress
from hitpoint.values import HitPoint

RATE = 48_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    return load_bundle(folder)


def hit_points(duration: float, seed: int = 1) -> list[HitPoint]:
    rng = np.random.default_rng(seed)
    times = np.arange(0.6, duration - 0.5, 0.7)
    # On whole latent frames, where the toy's attacks are sharp.
    times = np.round((times + rng.uniform(-0.1, 0.1, len(times))) * 50) / 50
    return [HitPoint(float(time), float(rng.uniform(0.7, 1))) for time in times]


def plan_of(hits: list[HitPoint], duration: float) -> CuePlan:
    return toy_plan(duration, tuple(Accent(hit.time, hit.strength) for hit in hits))


def make(
    bundle: Bundle,
    out: Path,
    plan: CuePlan,
    hits: list[HitPoint],
    seed: int = 1,
    takes: int = 1,
    lead: int = 0,
    frame_rate: float = 25.0,
    progress: Progress | None = None,
) -> Cue:
    origin = Provenance("Hitpoint test", bundle.id, "0" * 64, seed, plan.style)
    return make_cue(
        plan, hits, CpuModel(bundle), seed=seed, steps=4, guidance=1.5, takes=takes, loudness=-16.0,
        frame_rate=frame_rate, lead_samples=lead, out=out, time_reference=48_000,
        provenance=origin, progress=progress or Progress(),
    )  # fmt: skip


def test_accents_that_come_late_are_brought_on_time(bundle: Bundle, tmp_path: Path) -> None:
    hits = hit_points(12.0)
    cue = make(bundle, tmp_path / "a.wav", plan_of(hits, 12.0), hits)
    assert cue.hit_rate >= 0.9
    assert cue.chance_rate < 0.35
    assert len(cue.hits) == len(hits)
    assert read_origin(tmp_path / "a.wav").intact


def test_a_missing_accent_is_painted_in(bundle: Bundle, tmp_path: Path) -> None:
    """The plan whispers where the hit point is strong; the toy makes no sound of accents that weak."""
    hits = hit_points(10.0)
    accents = tuple(Accent(h.time, DEAF / 2 if i in (3, 8) else h.strength) for i, h in enumerate(hits))
    cue = make(bundle, tmp_path / "a.wav", toy_plan(10.0, accents), hits)
    assert cue.hits[3].hit
    assert cue.hits[8].hit


@pytest.mark.parametrize("duration", [0.02, 0.5, 3.0, 1001 / 30_000 * 97, 6.4])
@pytest.mark.parametrize("lead", [0, 801])
def test_length_is_exact(bundle: Bundle, tmp_path: Path, duration: float, lead: int) -> None:
    cue = make(bundle, tmp_path / "a.wav", toy_plan(duration, ()), [], lead=lead)
    sound, rate = soundfile.read(tmp_path / "a.wav")
    assert (len(sound), rate) == (round(duration * RATE) + lead, RATE)
    assert cue.asset.samples == len(sound)
    assert cue.asset.sha256 == hashlib.sha256((tmp_path / "a.wav").read_bytes()).hexdigest()
    assert not sound[:lead].any()
    assert cue.hit_rate == 1.0


def test_lead_moves_the_sound_and_not_the_report(bundle: Bundle, tmp_path: Path) -> None:
    hits = hit_points(5.0)
    plan = plan_of(hits, 5.0)
    plain = make(bundle, tmp_path / "a.wav", plan, hits)
    led = make(bundle, tmp_path / "b.wav", plan, hits, lead=777)
    assert np.array_equal(soundfile.read(tmp_path / "a.wav")[0], soundfile.read(tmp_path / "b.wav")[0][777:])
    assert plain.hits == led.hits


def test_same_seed_same_bytes_other_seed_other_music(bundle: Bundle, tmp_path: Path) -> None:
    hits = hit_points(4.0)
    plan = plan_of(hits, 4.0)
    seeds = enumerate((1, 1, 2))
    digests = [make(bundle, tmp_path / f"{i}.wav", plan, hits, seed=seed).asset.sha256 for i, seed in seeds]
    assert digests[0] == digests[1] != digests[2]


FRESH = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
import test_cue_make as t
hits = t.hit_points(4.0)
print(t.make(t.load_bundle(Path(sys.argv[1])), Path(sys.argv[2]), t.plan_of(hits, 4.0), hits).asset.sha256)
"""


def test_same_bytes_in_a_fresh_process(folder: Path, bundle: Bundle, tmp_path: Path) -> None:
    hits = hit_points(4.0)
    here = make(bundle, tmp_path / "a.wav", plan_of(hits, 4.0), hits).asset.sha256
    paths = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "support")]
    command = [sys.executable, "-c", FRESH, str(folder), str(tmp_path / "b.wav"), *paths]
    there = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout.strip()
    assert there == here


def test_takes_never_make_it_worse(bundle: Bundle, tmp_path: Path) -> None:
    hits = hit_points(6.0, seed=5)
    one = make(bundle, tmp_path / "a.wav", plan_of(hits, 6.0), hits, frame_rate=60.0)
    three = make(bundle, tmp_path / "b.wav", plan_of(hits, 6.0), hits, takes=3, frame_rate=60.0)
    assert three.hit_rate >= one.hit_rate - 0.15  # the file is measured after mastering, takes before


def test_cancelling_stops_within_a_second_and_leaves_nothing(bundle: Bundle, tmp_path: Path) -> None:
    progress, hits = Progress(), hit_points(300.0)
    stopped: list[float] = []

    def run() -> None:
        try:
            make(bundle, tmp_path / "a.wav", plan_of(hits, 300.0), hits, progress=progress)
        except Cancelled:
            stopped.append(time.perf_counter())

    worker = threading.Thread(target=run)
    worker.start()
    time.sleep(1.0)
    asked = time.perf_counter()
    progress.cancel()
    worker.join(timeout=20)
    assert stopped
    assert stopped[0] - asked < 3.0  # a second, and room for a busy test machine
    assert list(tmp_path.iterdir()) == []


def test_progress_is_reported_in_order(bundle: Bundle, tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []
    hits = hit_points(3.0)
    progress = Progress(listener=lambda stage, done: seen.append((stage, done)))
    make(bundle, tmp_path / "a.wav", plan_of(hits, 3.0), hits, progress=progress)
    assert {stage for stage, _ in seen} >= {"Composing", "Rendering", "Mastering"}
    assert all(0 <= done <= 1 for _, done in seen)


def test_missing_folder_and_impossible_lengths(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        make(bundle, tmp_path / "no" / "a.wav", toy_plan(2.0, ()), [])
    for duration in (0.0, -1.0, 1801.0, float("nan")):
        with pytest.raises(UsageError):
            make(bundle, tmp_path / "a.wav", replace(toy_plan(2.0, ()), duration=duration), [])


MEMORY = """
import resource, sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
import test_cue_make as t
duration = float(sys.argv[2])
hits = t.hit_points(duration)
t.make(t.load_bundle(Path(sys.argv[1])), Path(sys.argv[1]) / "out.wav", t.plan_of(hits, duration), hits)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_is_flat_from_half_a_minute_to_ten(folder: Path) -> None:
    paths = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "support")]

    def peak(seconds: int) -> int:
        command = [sys.executable, "-c", MEMORY, str(folder), str(seconds), *paths]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert peak(600) < 1.1 * peak(30)
