"""FCPXML as other programs write it: where the clocks of sequences, compound clips and gaps begin."""

from fractions import Fraction
from pathlib import Path

import pytest

from hitpoint.timeline.formats.convert import to_otio
from hitpoint.timeline.formats.from_tree import sheet_of
from hitpoint.timeline.formats.graft import graft
from hitpoint.timeline.formats.registry import writable
from hitpoint.timeline.formats.sheet import Lane, Media, Piece, Sheet, gap
from hitpoint.timeline.guard import parse

RATE = Fraction(30)
FCPXML = writable(Path("x.fcpxml"))
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.9"><resources>
<format id="r0" frameDuration="1/30s" width="1920" height="1080"/>
<asset id="r1" name="a.mov" start="0/1s" duration="301/30s" hasVideo="1" format="r0" src="file:///m/a.mov"/>
<media id="r2" name="nest"><sequence format="r0" duration="8/1s" tcStart="7200/1s" tcFormat="NDF"><spine>
<asset-clip ref="r1" name="inner" offset="7200/1s" start="0/1s" duration="3/1s"/>
<asset-clip ref="r1" name="second" offset="7203/1s" start="5/1s" duration="5/1s"/>
</spine></sequence></media>
</resources><library><event name="e"><project name="p">
<sequence format="r0" tcStart="3600/1s" tcFormat="NDF" duration="20/1s"><spine>"""
TAIL = "</spine></sequence></project></event></library></fcpxml>"
RESOLVE = """
<asset-clip ref="r1" name="one" offset="{0}/1s" start="0/1s" duration="4/1s">
  <asset-clip ref="r1" name="above" lane="1" offset="2/1s" start="1/1s" duration="1/1s"/></asset-clip>
<gap name="Gap" offset="{4}/1s" start="3600/1s" duration="2/1s">
  <asset-clip ref="r1" name="over the gap" lane="1" offset="3601/1s" start="0/1s" duration="1/1s"/></gap>
<ref-clip ref="r2" name="nest" offset="{6}/1s" start="7202/1s" duration="4/1s">
  <asset-clip ref="r1" name="over the nest" lane="1" offset="7203/1s" start="0/1s" duration="1/1s"/>
</ref-clip>
<ref-clip ref="r2" name="whole" offset="{10}/1s" duration="8/1s">
  <asset-clip ref="r1" name="over the whole" lane="1" offset="7201/1s" start="0/1s" duration="1/1s"/>
</ref-clip>
"""


def document(zero: int) -> bytes:
    """The project with its items counted from `zero`."""
    body = RESOLVE
    for second in (0, 4, 6, 10):
        body = body.replace(f"{{{second}}}", str(zero + second))
    return (HEAD + body + TAIL).encode()


def found(data: bytes) -> Sheet:
    return sheet_of(parse(to_otio(data, FCPXML).data), Path("/nowhere"))


def placed(sheet: Sheet, lane: int) -> list[tuple[str, Fraction, Fraction]]:
    return [(p.name, at, p.duration) for at, p in sheet.lanes[lane].placed() if not p.is_gap]


@pytest.mark.parametrize("zero", [3600, 0])
def test_items_count_from_the_start_timecode_or_from_nothing(zero: int) -> None:
    sheet = found(document(zero))
    assert sheet.start == 3600
    assert placed(sheet, 0) == [("one", 0, 4), ("nest", 6, 4), ("whole", 10, 8)]
    assert placed(sheet, 1) == [
        ("above", 2, 1), ("over the gap", 5, 1), ("over the nest", 7, 1), ("over the whole", 11, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("zero", [3600, 0])
def test_a_compound_clip_counts_from_its_own_start_timecode(zero: int) -> None:
    nests = [piece for _, piece in found(document(zero)).lanes[0].placed() if piece.lanes]
    assert [nest.start for nest in nests] == [2, 0]
    assert [at for at, _ in nests[0].lanes[0].placed()] == [0, 3]


@pytest.mark.parametrize("zero", [3600, 0])
@pytest.mark.parametrize(("at", "holder"), [(1, "one"), (5, "Gap"), (8, "nest"), (11, "whole")])
def test_music_is_connected_where_it_belongs(zero: int, at: int, holder: str) -> None:
    data = document(zero)
    sound = Media("file", "/m/cue.wav", "cue.wav", duration=Fraction(2))
    lane = Lane("Audio", (gap(Fraction(at)), Piece(Fraction(2), "cue", sound, cue="{}")), "Hitpoint")
    made = graft(FCPXML, data, Sheet("p", RATE, (lane,)), Path("/m"), Path("/m/x.fcpxml"))
    begins = [t for each in found(made).of_kind("Audio") for t, p in each.placed() if p.cue]
    assert begins == [at]
    assert made.index(f'name="{holder}"'.encode()) < made.index(b'name="cue"')


def test_what_we_write_counts_from_the_start_timecode(tmp_path: Path) -> None:
    media = Media("file", "/m/a.mov", "a.mov", duration=Fraction(10))
    lane = Lane("Video", (gap(Fraction(2)), Piece(Fraction(3), "one", media)))
    data = FCPXML.write(Sheet("p", RATE, (lane,), start=Fraction(3600)), tmp_path / "x.fcpxml")
    assert b'offset="3602s"' in data
    assert placed(found(data), 0) == [("one", 2, 3)]
