"""A scored timeline in Blender's sequencer: the picture and the music on their frames, mixed down.

Blender reads no timelines. A connector puts the clip and the WAV on the frames that we say, as here.
"""

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from blender import blender_command
from timelines import clip, gap, make_video, score_with_tone, span, timeline, write

from hitpoint.timeline.formats.from_tree import sheet_of
from hitpoint.timeline.guard import parse
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.select import select

SCRIPT = Path(__file__).parents[1] / "support" / "blender_mix.py"
COMMAND = blender_command(SCRIPT)

pytestmark = pytest.mark.skipif(
    COMMAND is None, reason="no Blender: neither `blender` nor HITPOINT_BPY, a Python with bpy"
)


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(24000, 1001), Fraction(30000, 1001)], ids=str)
def test_blender_plays_the_music_in_its_place(rate: Fraction, tmp_path: Path) -> None:
    assert COMMAND is not None
    decimal, hour = float(rate), round(rate) * 3600
    make_video(tmp_path / "dance.mov", 60, rate, timecode="01:00:00:00")
    shot = clip("c", "dance.mov", span(hour + 10, 40, decimal), span(hour, 60, decimal))
    source = write(timeline([[gap(30, decimal), shot]]), tmp_path / "edit.otio")
    info = read_timeline(source)
    offset = Fraction("0.317")
    out = score_with_tone(info, select(info, "c", (offset, 40 / rate)), tmp_path / "scored.otio")
    given = sheet_of(parse(out.read_bytes()), tmp_path)
    strips = [
        {"kind": lane.kind, "path": piece.media.target, "frame": round(at * rate) + 1}
        for lane in given.lanes
        for at, piece in lane.placed()
        if piece.media is not None
    ]
    plan = {"rate": [rate.numerator, rate.denominator], "end": 70, "strips": strips}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    done = subprocess.run(
        [*COMMAND, str(tmp_path / "plan.json"), str(tmp_path / "mix.wav")],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert (tmp_path / "mix.wav").is_file(), done.stdout[-2000:] + done.stderr[-2000:]
    sound, sample_rate = soundfile.read(tmp_path / "mix.wav", always_2d=True)
    onset = np.flatnonzero(np.abs(sound[:, 0]) > 0.05)[0] / sample_rate
    assert onset == pytest.approx(float(30 / rate + offset), abs=0.002)


def test_blender_is_looked_for_where_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HITPOINT_BPY", "/some/python")
    assert blender_command(SCRIPT) == ["/some/python", str(SCRIPT), "--"]
    assert shutil.which("blender") is None or COMMAND is not None
