"""`hitpoint batch` as a studio meets it: real video, the real model, real kills."""

import json
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import psutil
import pytest
from timelines import clip, span, timeline, write

from hitpoint.batch.jobs import Fault, Job, Outcome, Row
from hitpoint.batch.report import Report, report_html, report_json
from hitpoint.files import sha256_of
from hitpoint.values import ScoreRequest


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "hitpoint", "batch", *map(str, arguments)]


def batch(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False, timeout=240)


def started_until(line: str, *arguments: object) -> subprocess.Popen[str]:
    """A batch that has just said `line` on stderr."""
    process = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    while line not in said:
        said = process.stderr.readline()
        assert said, "it ended too early"
    return process


def files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and ".hitpoint-batch" not in p.parts)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A video, a timeline of two clips of it, and a file that is neither."""
    folder = tmp_path_factory.mktemp("films")
    video = bouncing_box(folder / "box.mp4", 2.0)
    pieces = [clip("one", video.name, span(0, 20), None), clip("two", video.name, span(25, 20), None)]
    cut = write(timeline([pieces]), folder / "cut.otio")
    (folder / "bad.mp4").write_text("this is no film")
    return [folder / "bad.mp4", cut, video]


def bouncing_box(path: Path, seconds: float) -> Path:
    import av
    import numpy as np

    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.options = {"preset": "ultrafast"}
        for index in range(round(seconds * 25)):
            picture = np.full((96, 160, 3), 80, np.uint8)
            top = int(72 - 60 * abs(np.sin(np.pi * index / 15)))
            picture[top : top + 20, 70:90] = (230, 200, 40)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        file.mux(stream.encode(None))
    return path


def test_stopped_killed_and_started_again_everything_is_there_once(
    inputs: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = (*inputs, "-o", out, "--all-clips", "--style", "house")
    dry = batch(*options, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert dry.stdout.split() == [str(out / "cut/cut.otio"), str(out / "box/box.otio")]
    assert not out.exists(), "a dry run writes nothing"

    stopped = started_until("1 of 4 finished", *options)  # the bad file
    stopped.send_signal(signal.SIGINT)
    _, said = stopped.communicate(timeout=10)
    assert stopped.returncode == 130, said

    killed = started_until("2 of 4 finished", *options, "--jobs", 2)
    workers = psutil.Process(killed.pid).children()
    killed.kill()
    killed.communicate()
    _, alive = psutil.wait_procs(workers, timeout=5)
    assert not alive, "workers end with their supervisor"
    before = {path: path.read_bytes() for path in out.rglob("*.wav")}
    assert before

    done = batch(*options, "--jobs", 2, "--json", "--report", tmp_path / "report.html")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert [job["state"] for job in report["jobs"]] == ["failed", "done", "done", "done"]
    assert report["jobs"][0]["error"]["name"] == "MediaError"
    assert report["made_in_this_run"] <= 2, "what was done is not done again"
    assert {path: path.read_bytes() for path in before} == before, "done or redone, the bytes are the same"
    page = (tmp_path / "report.html").read_text()
    assert "MediaError" in page
    assert "bad.mp4" in page

    sounds = [Path(job["result"]["asset"]) for job in report["jobs"][1:]]
    assert files(out) == sorted([out / "cut/cut.otio", out / "box/box.otio", *sounds])
    for job, sound in zip(report["jobs"][1:], sounds, strict=True):
        assert sha256_of(sound.read_bytes()) == job["result"]["sha256"]
    (track,) = otio.adapters.read_from_file(str(out / "cut/cut.otio")).audio_tracks()
    assert len(list(track.find_clips())) == 2, "both clips have their music in the one timeline"

    sounds[0].unlink()
    again = batch(*options[1:], "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["made_in_this_run"] == 1, "a lost file is made again"
    assert sounds[0].exists()


@pytest.mark.parametrize(
    ("options", "code", "name"),
    [
        (["--style", "polka"], 2, "UsageError"),
        (["--report", "report.pdf"], 2, "UsageError"),
        (["--clip", "1", "--all-clips"], 2, "UsageError"),
        (["--jobs", "0"], 2, "jobs"),
        (["--bundle", "."], 1, "ModelBundleError"),
    ],
    ids=["style", "report", "clips", "jobs", "bundle"],
)
def test_wrong_use_is_said_before_anything_is_written(
    options: list[str], code: int, name: str, inputs: list[Path], tmp_path: Path
) -> None:
    done = batch(inputs[2], "-o", tmp_path / "out", *options)
    assert done.returncode == code, done.stderr
    assert name in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_report_is_strict_and_escapes_what_it_quotes() -> None:
    job = Job("k", ScoreRequest(Path("<b>.mp4"), clip="1"), Path("o.otio"), "<script>", Fraction(4, 3))
    outcome = Outcome(Path("a.wav"), "0" * 64, "house", 0.95, 0.1, 2.0, ("a & b",))
    done = Row(job, "done", 1, "", 3, "", 1.0, outcome, Fault("WorkerDied", "once"))
    aside = Row(job, "aside", 3, "", 3, "", 0.0, None, Fault("WorkerDied", "<i>", "look"))
    report = Report((done, aside), 7200.0, 1, 2)
    assert not report.clean
    assert report.outputs == (Path("o.otio"),)
    record = json.loads(json.dumps(report_json(report), allow_nan=False))
    assert record["counts"]["done"] == record["counts"]["aside"] == 1
    assert record["per_hour"] == 0.5
    assert [row["error"] for row in record["jobs"]] == [
        None, {"name": "WorkerDied", "what": "<i>", "todo": "look"},
    ]  # fmt: skip
    page = report_html(report)
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "<i>" not in page
    assert "a &amp; b" in page
    assert page.index("set aside") < page.index("house"), "what needs a look comes first"
    assert "http" not in page, "it needs no other file"
