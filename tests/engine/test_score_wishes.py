"""What the panel's controls say can be said on the command line, and is the same request."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import MutableMapping, MutableSequence
from pathlib import Path

import opentimelineio as otio
import pytest
from toy_bundle import write_bundle

from hitpoint.cli.where import intensity_curve
from hitpoint.demo.dancer import render_dancer
from hitpoint.errors import UsageError
from hitpoint.provenance import request_json
from hitpoint.values import ScoreRequest

CURVE = ((0.0, 0.3), (1.5, 0.9), (3.0, 0.5))


def hitpoint(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hitpoint", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_tail_and_curve_are_part_of_the_request_as_the_panel_makes_it(tmp_path: Path) -> None:
    film, out = tmp_path / "dancer.mp4", tmp_path / "out.otio"
    render_dancer(film, seconds=3, size=(320, 180), seed=7)
    bundle = write_bundle(tmp_path / "toy")
    curve = tmp_path / "curve.txt"
    curve.write_text("0:0.3\n1.5:0.9\n3:0.5\n", encoding="utf-8")
    done = hitpoint(
        "score", film, "-o", out, "--bundle", bundle, "--style", "pop", "--json",
        "--tail", "0.5", "--intensity-curve", curve, "--no-hits-from-markers",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    timeline = otio.adapters.read_from_file(str(out))
    (said,) = [cue.metadata["hitpoint"] for track in timeline.audio_tracks() for cue in track.find_clips()]
    asked = ScoreRequest(
        film, "dancer", bundle=bundle, style="pop", tail=0.5, intensity_curve=CURVE, markers=False
    )
    wanted = json.loads(json.dumps(request_json(asked, "pop")))
    assert {key: _plain(said[key]) for key in wanted} == wanted
    assert (wanted["tail"], wanted["intensity_curve"]) == (0.5, [list(point) for point in CURVE])


def _plain(value: object) -> object:
    """Lists and dicts of Python out of those of OpenTimelineIO."""
    if isinstance(value, MutableSequence):
        return [_plain(each) for each in value]
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, MutableMapping) else value


def test_a_curve_is_read_from_text_or_file(tmp_path: Path) -> None:
    assert intensity_curve(None) == ()
    assert intensity_curve(" 0:0.3, 1.5:.9,3:0.5 ") == CURVE
    long = ",".join(f"{second}:0.5" for second in range(200))  # longer than any file name
    assert len(intensity_curve(long)) == 200
    file = tmp_path / "points"
    file.write_text("0:0.3\n\n1.5:0.9,3:0.5\n")
    assert intensity_curve(str(file)) == CURVE
    file.write_bytes(b"\xff\xfe0")
    with pytest.raises(UsageError, match="cannot be read"):
        intensity_curve(str(file))


@pytest.mark.parametrize(
    "text",
    ["", ",", "5", "a:0.5", "1:b", "0:1.1", "0:-0.1", "-1:0.5", "nan:0.5", "0:nan", "inf:0", "2:0,1:1"],
)
def test_what_is_no_curve_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        intensity_curve(text)
