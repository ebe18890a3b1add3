"""`hitpoint batch` as a studio meets it: real video, the real model, real kills."""

import json
import os
import random
import signal
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import psutil
import pytest
import soundfile
from batches import batch, bouncing_box, command, files
from timelines import clip, span, timeline, write

from hitpoint.batch.jobs import Fault, Job, Outcome, Row, outcome_of, outcome_text
from hitpoint.batch.page import outline, report_html
from hitpoint.batch.report import Report, report_json
from hitpoint.files import sha256_of
from hitpoint.values import ScoreRequest


def started_until(line: str, *arguments: object) -> subprocess.Popen[str]:
    """A batch that has just said `line` on stderr."""
    process = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    while line not in said:
        said = process.stderr.readline()
        assert said, "it ended too early"
    return process


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A video, a timeline of two clips of it, and a file that is neither."""
    folder = tmp_path_factory.mktemp("films")
    video = bouncing_box(folder / "box.mp4", 2.0)
    pieces = [clip("one", video.name, span(0, 20), None), clip("two", video.name, span(25, 20), None)]
    cut = write(timeline([pieces]), folder / "cut.otio")
    (folder / "bad.mp4").write_text("this is no film")
    return [folder / "bad.mp4", cut, video]


def test_stopped_killed_and_started_again_everything_is_there_once(
    inputs: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = (*inputs, "-o", out, "--all-clips", "--style", "house")
    dry = batch(*options, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert dry.stdout.split() == [str(out / "cut/cut.otio"), str(out / "box/box.otio")]
    assert not out.exists(), "a dry run writes nothing"

    stopped = started_until("1 of 4 finished", *options, "--jobs", 1)  # the bad file
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


def test_everything_killed_at_any_moment_and_started_again(tmp_path: Path) -> None:
    """The small sister of `make batch-proof`: supervisor and workers die together."""
    video = bouncing_box(tmp_path / "box.mp4", 4.0)
    pieces = [clip(f"part {n}", video.name, span(n * 15, 15), span(0, 100)) for n in range(6)]
    cut = write(timeline([pieces]), tmp_path / "cut.otio")
    asked = (cut, "--all-clips", "--style", "pop", "--jobs", 2, "-o")
    dice, out = random.Random(3), tmp_path / "killed"
    for _ in range(3):
        process = subprocess.Popen(
            command(*asked, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(dice.uniform(1.5, 4.0))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for folder in (out, tmp_path / "whole"):
        done = batch(*asked, folder)
        assert done.returncode == 0, done.stderr
    killed, whole = ({p.relative_to(f): p.read_bytes() for p in files(f)} for f in (out, tmp_path / "whole"))
    assert len(killed) == 7, "a sound for each clip and a timeline"
    assert killed == whole, "nothing lost, nothing twice, nothing under another name"


@pytest.mark.parametrize(
    ("options", "code", "name"),
    [
        (["--style", "polka"], 2, "UsageError"),
        (["--report", "report.pdf"], 2, "UsageError"),
        (["--clip", "1", "--all-clips"], 2, "UsageError"),
        (["--clip", "1", "--select", "min:1"], 2, "UsageError"),
        (["--select", "shots"], 2, "UsageError"),
        (["--select", "name:nobody", "--dry-run"], 2, "UsageError"),
        (["--executor", "slurm"], 2, "UsageError"),
        (["--address", "auto"], 2, "UsageError"),
        (["--jobs", "0"], 2, "jobs"),
        (["--bundle", "."], 1, "ModelBundleError"),
    ],
    ids=[
        "style",
        "report",
        "clips",
        "clip+select",
        "select",
        "none",
        "executor",
        "address",
        "jobs",
        "bundle",
    ],
)
def test_wrong_use_is_said_before_anything_is_written(
    options: list[str], code: int, name: str, inputs: list[Path], tmp_path: Path
) -> None:
    done = batch(inputs[2], "-o", tmp_path / "out", *options)
    assert done.returncode == code, done.stderr
    assert name in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_report_is_strict_and_escapes_what_it_quotes(tmp_path: Path) -> None:
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
    page = report_html(report, tmp_path)
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "<i>" not in page
    assert "a &amp; b" in page
    assert page.index("set aside") < page.index("house"), "what needs a look comes first"
    assert "http" not in page, "it needs no other file"


def test_the_page_shows_the_sound_and_links_to_it_from_where_it_lies(tmp_path: Path) -> None:
    sound = tmp_path / "scored" / "a #1.wav"
    sound.parent.mkdir()
    loud_then_quiet = np.concatenate([np.full(48_000, 0.5), np.zeros(48_000)])
    soundfile.write(sound, loud_then_quiet, 48_000)
    assert outline(sound, 4) == pytest.approx([0.5, 0.5, 0.0, 0.0], abs=1e-4)
    assert outline(tmp_path / "absent.wav") == []
    job = Job("k", ScoreRequest(Path("b.mp4"), clip="1"), sound.with_suffix(".otio"), "shot", Fraction(2))
    hits = ((0.5, True), (1.5, False))
    outcome = Outcome(sound, "0" * 64, "house", 0.5, 0.1, 2.0, (), hits)
    assert outcome_of(outcome_text(outcome)) == outcome
    row = Row(job, "done", 0, "", 3, "", 1.0, outcome, None)
    page = report_html(Report((row,), 2.0, 1, 1), tmp_path)
    assert 'src="scored/a%20%231.wav"' in page
    assert 'href="scored/a%20%231.otio"' in page
    assert page.count("<audio") == 1
    assert page.count('stroke="#1a7f37"') == page.count('stroke="#b3261e"') == 1
