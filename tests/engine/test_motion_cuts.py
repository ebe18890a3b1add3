"""Cuts are found to the frame."""

from pathlib import Path

from films import clip, whole

from hitpoint.demo.dancer import render_dancer
from hitpoint.media.probe import probe
from hitpoint.motion.cuts import CutFinder
from hitpoint.motion.frames import read_frames

# Read off the film by eye: the first frame of every new shot.
CUTS_OF_V06 = [55, 99, 128, 156, 220, 255, 309, 341, 392, 434, 468, 505, 614, 638]


def cut_frames(path: Path) -> list[int]:
    finder, cuts = CutFinder(), []
    for frame in read_frames(whole(path), probe(path), rate=1.0):
        cuts += finder.see(frame.thumb)
    return [*cuts, *finder.finish()]


def test_the_fourteen_cuts_of_an_edited_clip() -> None:
    assert cut_frames(clip("v06")) == CUTS_OF_V06


def test_a_dance_without_cuts_has_none() -> None:
    assert cut_frames(clip("v01")) == []


def test_a_black_first_frame_is_a_shot_of_its_own() -> None:
    assert cut_frames(clip("v07")) == [1]


def test_cuts_of_a_drawn_film_with_a_travelling_camera(tmp_path: Path) -> None:
    path = tmp_path / "cuts.mp4"
    dance = render_dancer(path, 6.0, 30, (320, 180), seed=2, shots=4, camera=0.3)
    assert len(dance.cuts) == 3
    assert cut_frames(path) == [round(cut * 30) for cut in dance.cuts]


def test_a_film_of_one_frame_and_of_none() -> None:
    finder = CutFinder()
    assert finder.finish() == ()
