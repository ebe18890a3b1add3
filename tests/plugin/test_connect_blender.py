"""The add-on in a real Blender: scored by the real engine, laid on its frame, mixed and measured."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from blender import blender_command
from timelines import make_video

from hitpoint.cue.plan import STYLES

SCRIPT = Path(__file__).parents[1] / "support" / "blender_addon.py"
COMMAND = blender_command(SCRIPT)
ADDON = Path(str(files("hitpoint_plugin.connect"))) / "scripts" / "blender.py"
RATES = [Fraction(25), Fraction(24000, 1001), Fraction(30000, 1001)]

in_blender = pytest.mark.skipif(
    COMMAND is None, reason="no Blender: neither `blender` nor HITPOINT_BPY, a Python with bpy"
)


def setup(folder: Path, bundle: Path) -> Path:
    """The add-on as `hitpoint hosts install` leaves it, with a Hitpoint that uses the toy bundle."""
    hitpoint = folder / "hitpoint.sh"
    hitpoint.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@" --bundle "{bundle}"\n')
    hitpoint.chmod(0o755)
    addon = folder / "hitpoint_blender.py"
    addon.write_bytes(ADDON.read_bytes())
    facts = {"python": str(hitpoint), "exchange": str(folder / "exchange"), "link": ""}
    addon.with_suffix(".json").write_text(json.dumps(facts))
    return addon


def run(folder: Path, plan: dict[str, Any]) -> dict[str, Any]:
    """What the plan left behind in Blender."""
    assert COMMAND is not None
    (folder / "plan.json").write_text(json.dumps(plan))
    names = [str(folder / name) for name in ("plan.json", "found.json", "mix.wav")]
    done = subprocess.run([*COMMAND, *names], capture_output=True, text=True, timeout=300, check=False)
    assert (folder / "found.json").is_file(), done.stdout[-3000:] + done.stderr[-3000:]
    found: dict[str, Any] = json.loads((folder / "found.json").read_text())
    return found


@in_blender
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_strips_are_scored_and_the_sound_is_laid_on_the_exact_frame(
    rate: Fraction, tmp_path: Path, bundle: Path
) -> None:
    movie = tmp_path / "dance.mov"
    make_video(movie, 80, rate)
    plan = {
        "addon": str(setup(tmp_path, bundle)), "movie": str(movie),
        "rate": [rate.numerator, rate.denominator], "end": 130,
        "strips": [[2, 31, 20]], "steps": ["score", "mix"],
    }  # fmt: skip
    found = run(tmp_path, plan)
    assert found["answer"] == ["FINISHED"], found["errors"]
    ((start, end, channel, path),) = found["score left"]["sounds"]
    # Trimmed by 20 frames, the strip is seen from 51 on; the sound lies above it, as long as it.
    assert (start, end, channel) == (51, 111, 3)
    sound, sample_rate = soundfile.read(path, always_2d=True)
    assert len(sound) == pytest.approx(float(60 / rate) * sample_rate, abs=1)
    markers = found["score left"]["markers"]
    assert markers
    assert all(51 <= frame < 111 for frame, _name in markers)
    mixed, mixed_rate = soundfile.read(tmp_path / "mix.wav", always_2d=True)
    expected = onset(sound, sample_rate) + float(50 / rate)
    assert onset(mixed, mixed_rate) == pytest.approx(expected, abs=0.002)


def onset(sound: np.ndarray, sample_rate: int) -> float:
    """Seconds until something is heard."""
    return float(np.flatnonzero(np.abs(sound[:, 0]) > 0.05)[0]) / sample_rate


@in_blender
def test_what_goes_wrong_is_stopped_or_undone_leaves_nothing(tmp_path: Path, bundle: Path) -> None:
    movie = tmp_path / "dance.mov"
    make_video(movie, 60, Fraction(25))
    plan = {
        "addon": str(setup(tmp_path, bundle)), "movie": str(movie), "rate": [25, 1],
        "end": 100, "strips": [[1, 1, 0]], "steps": ["cancel", "lost", "unselect", "score", "undo"],
        "wav": str(tmp_path / "take.wav"),
    }  # fmt: skip
    soundfile.write(tmp_path / "take.wav", np.zeros((48000, 2)), 48000)
    found = run(tmp_path, plan)
    assert found["at once"]
    assert found["code"] != 0
    assert "gone" in found["errors"][0]
    assert "No movie strip is selected" in found["errors"][1]
    nothing = {"sounds": [], "markers": []}
    assert all(found[f"{step} left"] == nothing for step in plan["steps"])
    assert found["placed"]["sounds"] == [[31, 56, 2, str(tmp_path / "take.wav")]]
    assert found["placed"]["markers"] == [[40, "hit"]]


def test_the_styles_are_those_of_the_engine() -> None:
    tree = ast.parse(ADDON.read_text(encoding="utf-8"))
    values = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "STYLES"
    ]
    assert values == [("auto", *STYLES)]


def test_it_needs_the_standard_library_and_blender_only() -> None:
    tree = ast.parse(ADDON.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names - set(sys.stdlib_module_names) == {"bpy"}
