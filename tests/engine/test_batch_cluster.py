"""`--executor ray`: a real cluster of two nodes, and workers of it that are killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from batches import batch, bouncing_box, command, files
from season import season
from timelines import clip, needs_media, span, timeline, write

from hitpoint.files import sha256_of

LOG = ".hitpoint-batch/workers.log"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Two nodes of one core each, as two machines would be."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    settings = {"worker_niceness": 0}  # what else runs on a busy test machine is not nice either
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": settings}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        cluster.add_node(num_cpus=1)
        yield cluster.address
    finally:
        cluster.shutdown()


def workers(out: Path) -> list[int]:
    """The processes of all workers so far."""
    log = out / LOG
    return [int(pid) for pid in re.findall(r": process (\d+) on ", log.read_text())] if log.exists() else []


def killed_on_the_way(arguments: list[object], out: Path, kills: int, busy: float) -> dict[str, object]:
    """Run a batch, and kill its newest worker `kills` times, each `busy` seconds after it was ready."""
    process = subprocess.Popen(
        command(*arguments, "-o", out, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for number in range(kills):
        while process.poll() is None and len(workers(out)) < 1 + number:
            time.sleep(0.05)
        time.sleep(busy)
        os.kill(workers(out)[-1], signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=1800)
    assert process.returncode == 0, stderr
    report: dict[str, object] = json.loads(stdout)
    return report


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    video = bouncing_box(folder / "box.mp4", 3.0)
    pieces = [clip(f"part {n}", video.name, span(n * 18, 18), span(0, 75)) for n in range(4)]
    return write(timeline([pieces]), folder / "cut.otio")


def test_a_killed_worker_s_job_is_done_by_another(address: str, cut: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = [cut, "--all-clips", "--style", "house", "--executor", "ray", "--address", address]
    report = killed_on_the_way(asked, out, kills=1, busy=0.3)
    jobs = report["jobs"]
    assert [job["state"] for job in jobs] == ["done"] * 4
    assert sum(job["deaths"] for job in jobs) == 1
    assert report["workers"] == 2
    assert len(workers(out)) <= 3, "the model is loaded once per worker, and two cores have two at a time"
    sounds = [Path(job["result"]["asset"]) for job in jobs]
    assert files(out) == sorted([out / "cut/cut.otio", *sounds])

    alone = tmp_path / "alone"
    here = batch(cut, "-o", alone, "--all-clips", "--style", "house", "--jobs", 1)
    assert here.returncode == 0, here.stderr
    for sound in sounds:
        assert sound.read_bytes() == (alone / "cut" / sound.name).read_bytes(), "the same bytes as here"


def test_a_cluster_that_is_not_there_is_said(cut: Path, tmp_path: Path) -> None:
    nobody = batch(cut, "-o", tmp_path / "out", "--executor", "ray", "--address", "127.0.0.1:1")
    assert nobody.returncode == 1, nobody.stderr
    assert "WorkerError: The Ray cluster at 127.0.0.1:1 cannot be joined" in nobody.stderr


def test_without_ray_there_is_the_line_that_installs_it(cut: Path, tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['ray'] = None; from hitpoint.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", hidden, "batch", str(cut), "-o", str(tmp_path / "out"), "--executor", "ray"],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 1
    assert "MissingExtraError" in done.stderr
    assert "pip install 'hitpoint[ray]'" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(3600)
@needs_media
def test_two_hundred_real_clips_and_three_killed_workers(address: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    episodes = season(tmp_path, 20, 10)
    asked = [*episodes, "--all-clips", "--executor", "ray", "--address", address]
    report = killed_on_the_way(asked, out, kills=3, busy=5.0)
    jobs = report["jobs"]
    assert [job["state"] for job in jobs] == ["done"] * 200
    sounds = [Path(job["result"]["asset"]) for job in jobs]
    assert len(set(sounds)) == 200
    assert files(out) == sorted([*{Path(job["output"]) for job in jobs}, *sounds])
    for job, sound in zip(jobs, sounds, strict=True):
        assert sha256_of(sound.read_bytes()) == job["result"]["sha256"]
    print(f"200 clips on two nodes, 3 workers killed: {report['per_hour']:.0f} an hour, all done")
