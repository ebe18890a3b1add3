"""A user's own videos: what the engine sees in them and what is guessed by ear."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import tiny_run
from films import clip

from hitpoint.errors import MediaError
from hitpoint_training.data.check import check
from hitpoint_training.data.guess import guess_plan
from hitpoint_training.data.source import entries
from hitpoint_training.data.videos import coco_pose, soundtrack

RATE = 44_100


def film(path: Path, sound: np.ndarray | None, seconds: float = 6.0) -> Path:
    """A square that jumps every half second, with a sound (samples, 2) at 44.1 kHz if there is one."""
    with av.open(str(path), "w") as target:
        picture = target.add_stream("libx264", rate=25)
        picture.width, picture.height, picture.pix_fmt = 160, 120, "yuv420p"
        music = target.add_stream("aac", rate=RATE, layout="stereo") if sound is not None else None
        for index in range(round(seconds * 25)):
            image = np.full((120, 160, 3), 40, np.uint8)
            left = 20 + 60 * (index // 12 % 2)
            image[40:80, left : left + 40] = 220
            target.mux(picture.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        target.mux(picture.encode())
        if music is not None and sound is not None:
            for start in range(0, len(sound), 1024):
                part = np.ascontiguousarray(sound[start : start + 1024].T)
                frame = av.AudioFrame.from_ndarray(part, "fltp", "stereo")
                frame.sample_rate, frame.pts = RATE, start
                target.mux(music.encode(frame))
            target.mux(music.encode())
    return path


def test_a_film_with_music_becomes_a_sample(tmp_path: Path) -> None:
    film(tmp_path / "a.b.mp4", tiny_run.tune(0, 6.0, RATE))
    (entry,) = entries(tmp_path, "house")
    one = check(entry.load())
    assert (one.key, one.source, one.rate) == ("a_b", "video", 48_000)
    assert one.duration == pytest.approx(6.0, abs=0.01)
    assert one.plan is not None
    assert (one.plan.style, one.plan.bpm) == ("house", pytest.approx(120, rel=0.02))
    assert "beats" in one.guessed
    assert "style" not in one.guessed
    accents = [accent.time for accent in one.plan.accents]
    assert all(min(abs(accent % 0.5), 0.5 - accent % 0.5) < 0.03 for accent in accents)
    assert len(accents) >= 9
    assert one.pose is not None
    assert one.video is not None
    assert one.hits is not None
    assert (one.pose.shape, one.video.shape) == ((96, 17, 3), (12, 10))


def test_a_film_without_sound_is_named(tmp_path: Path) -> None:
    film(tmp_path / "mute.mp4", None, 1.0)
    (entry,) = entries(tmp_path)
    with pytest.raises(MediaError, match="no sound"):
        entry.load()


def test_a_real_clip_shows_its_dancer_and_its_music() -> None:
    path = clip("v01")
    from hitpoint_training.data.videos import _load

    one = check(_load(path, None))
    assert one.plan is not None
    assert "style" in one.guessed
    assert min(abs(one.plan.bpm * factor / 89.5 - 1) for factor in (0.5, 1, 2)) < 0.05
    assert one.pose is not None
    assert float((one.pose[..., 2] > 0.5).mean()) > 0.8
    shoulders, hips = one.pose[:, 5:7, 1].mean(), one.pose[:, 11:13, 1].mean()
    assert shoulders < hips  # y grows downwards


def test_sound_begins_with_the_first_picture() -> None:
    """v01's first picture comes 45 ms after its sound."""
    path = clip("v01")
    whole = soundtrack(path, 4.0)
    assert whole.shape == (2, 4 * 48_000)


def test_a_chord_and_its_key_are_heard() -> None:
    plan = guess_plan(tiny_run.tune(0, 8.0).T, 48_000, 0.5)
    assert {chord.root for chord in plan.chords} == {9}  # A C# E
    assert plan.chords[0].pitch_classes == (9, 1, 4)
    assert (plan.tonic, plan.minor) == (9, False)
    assert plan.duration == 8.0
    assert all(0 <= section.intensity <= 1 for section in plan.sections)


@pytest.mark.parametrize("seconds", [0.5, 3.0])
def test_noise_and_short_sounds_get_a_plan_too(seconds: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (2, round(seconds * 48_000))).astype(np.float32)
    plan = guess_plan(noise, 48_000, 0.0)
    assert plan.beats
    assert plan.downbeats
    assert plan.chords
    assert plan.sections


def test_a_track_without_people_gives_an_unseen_pose() -> None:
    from hitpoint.motion.track import MotionTrack

    empty = np.zeros(0)
    track = MotionTrack(
        empty, np.zeros((0, 0, 33, 2), np.float32), np.zeros((0, 0, 33), np.float32),
        np.zeros((0, 2, 3), np.float32), np.zeros((0, 10), np.float32), np.zeros((0, 5), np.float32), (), 2.0,
    )  # fmt: skip
    assert coco_pose(track).shape == (32, 17, 3)
    assert not coco_pose(track).any()
