"""`make batch-proof`: 200 real clips, one worker against two, and twenty kills of everything on the way.

Needs two cores of a quiet machine for the ratio, and about half an hour. HITPOINT_PROOF=EPISODESxCLIPSxKILLS
makes it smaller.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from batches import command, files
from season import season
from timelines import needs_media

from hitpoint.batch.plan import plan
from hitpoint.batch.scorer import Scorer
from hitpoint.cue.bundle import load_bundle
from hitpoint.files import sha256_of
from hitpoint.progress import Progress
from hitpoint.values import ScoreRequest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3 * 3600), needs_media]
EPISODES, CLIPS, KILLS = (int(n) for n in os.environ.get("HITPOINT_PROOF", "20x10x20").split("x"))
FREE = 20  # clips that one worker does with all cores for itself


def arguments(episodes: list[Path], out: Path) -> list[str]:
    return command(*episodes, "-o", out, "--all-clips", "--json")


def timed(episodes: list[Path], out: Path, jobs: int) -> tuple[float, list[dict[str, object]]]:
    """Seconds for the whole command, from nothing to the report; and its jobs."""
    started = time.perf_counter()
    done = subprocess.run(
        [*arguments(episodes, out), "--jobs", str(jobs)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - started, json.loads(done.stdout)["jobs"]


def digests(folder: Path) -> dict[Path, str]:
    return {path.relative_to(folder): sha256_of(path.read_bytes()) for path in files(folder)}


def alone_with_all_cores(episodes: list[Path], out: Path) -> float:
    """Seconds per clip of a worker that may use every core, after its first clip."""
    jobs = plan(episodes, out, ScoreRequest(Path()), load_bundle().id, all_clips=True)[: FREE + 1]
    scorer = Scorer()
    scorer(jobs[0], Progress())
    started = time.perf_counter()
    for job in jobs[1:]:
        scorer(job, Progress())
    return (time.perf_counter() - started) / len(jobs[1:])


def test_two_workers_and_twenty_kills(tmp_path: Path) -> None:
    episodes = season(tmp_path, EPISODES, CLIPS)
    clips = EPISODES * CLIPS
    one, _ = timed(episodes, tmp_path / "one", 1)
    two, jobs = timed(episodes, tmp_path / "two", 2)
    ratio = one / two
    free = alone_with_all_cores(episodes, tmp_path / "free")
    print(
        f"\n{clips} clips: one worker {one:.0f} s, two workers {two:.0f} s, {ratio:.2f} times the throughput "
        f"({3600 * clips / two:.0f} an hour); a single worker with all cores for itself would take "
        f"{free * clips:.0f} s, {free * clips / two:.2f} times as long as the two"
    )
    wanted = digests(tmp_path / "two")
    assert digests(tmp_path / "one") == wanted, "the number of workers changes no byte"
    assert len({job["result"]["asset"] for job in jobs}) == clips
    assert len(wanted) == clips + EPISODES, "a sound per clip, a timeline per episode, and nothing else"

    dice, out = random.Random(7), tmp_path / "killed"
    for kill in range(KILLS):
        process = subprocess.Popen(
            [*arguments(episodes, out), "--jobs", "2"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        time.sleep(dice.uniform(0.4, 1.6) * two / (KILLS + 2))
        assert process.poll() is None, f"all was done after {kill} kills already"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    _, jobs = timed(episodes, out, 2)
    assert [job["state"] for job in jobs] == ["done"] * clips
    assert all(job["deaths"] == 0 for job in jobs), "to be killed with all others is no job's fault"
    assert digests(out) == wanted, "nothing lost, nothing twice, nothing under another name"
    print(f"killed {KILLS} times on the way: {clips} of {clips} done, every byte as without")
    assert ratio >= 1.7
