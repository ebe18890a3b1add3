"""Our MLT (Shotcut) and Kdenlive projects rendered by melt: the right frames, and the music in its place."""

import shutil
from fractions import Fraction
from pathlib import Path

import pytest
from renders import counted_film, expected, melt, onset
from timelines import clip, gap, score_with_tone, span, timeline, write

from hitpoint.timeline.formats.convert import to_otio
from hitpoint.timeline.formats.from_tree import sheet_of
from hitpoint.timeline.formats.registry import writable
from hitpoint.timeline.formats.sheet import Sheet
from hitpoint.timeline.guard import parse
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.select import select

otio = pytest.importorskip("opentimelineio")
pytestmark = pytest.mark.skipif(
    shutil.which("melt") is None, reason="melt is not installed (make system-deps)"
)


def edit(folder: Path, rate: Fraction) -> Path:
    """Cuts, a dissolve, a gap, double speed, a freeze frame and a switched-off clip, from 01:00:00:00."""
    decimal, hour = float(rate), round(rate) * 3600
    counted_film(folder / "film.mov", 120, rate)

    def shot(name: str, first: int, length: int) -> object:
        return clip(name, "film.mov", span(hour + first, length, decimal), span(hour, 120, decimal))

    dissolve = otio.schema.Transition(
        "x", "SMPTE_Dissolve", *(otio.opentime.RationalTime(n, decimal) for n in (3, 2))
    )
    track = [gap(8, decimal), shot("a", 5, 20), dissolve, shot("b", 60, 20), gap(4, decimal),
             shot("fast", 10, 12), shot("still", 70, 6), shot("end", 30, 10)]  # fmt: skip
    made = timeline([track, [gap(12, decimal), shot("off", 1, 6)]], otio.opentime.RationalTime(hour, decimal))
    made.tracks[0][5].effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
    made.tracks[0][6].effects.append(otio.schema.FreezeFrame())
    made.tracks[1][1].enabled = False
    return write(made, folder / "edit.otio")


def read_back(path: Path) -> Sheet:
    return sheet_of(parse(to_otio(path.read_bytes(), writable(path)).data), path.parent)


@pytest.mark.parametrize("suffix", [".mlt", ".kdenlive"])
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(24000, 1001), Fraction(30000, 1001)], ids=str)
def test_melt_shows_the_right_frames_and_plays_the_music_in_its_place(
    suffix: str, rate: Fraction, tmp_path: Path
) -> None:
    source = edit(tmp_path, rate)
    info = read_timeline(source)
    offset = Fraction("0.217")
    selection = select(info, "b", (offset, 20 / rate))
    out = score_with_tone(info, selection, tmp_path / f"scored{suffix}")
    given = sheet_of(parse(source.read_bytes()), tmp_path)
    pictures, sound = melt(out, tmp_path / "render.mkv", round(given.duration * rate))
    assert len(pictures) == round(given.duration * rate)
    wrong = [
        (number, seen, wanted)
        for number, (seen, wanted) in enumerate(zip(pictures, expected(given), strict=True))
        if wanted is not None and seen != wanted
    ]
    assert not wrong
    assert onset(sound) == pytest.approx(float(28 / rate + offset), abs=0.002)


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    """Another trim, other pictures."""
    rate = Fraction(25)
    given = sheet_of(parse(edit(tmp_path, rate).read_bytes()), tmp_path)
    assert expected(given)[8:12] == [5, 6, 7, 8]
    assert expected(given)[20:23] == [17 % 13, 18 % 13, 19 % 13]
