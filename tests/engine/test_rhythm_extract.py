"""From video to hit points, on films whose truth is known."""

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from films import CHANGES, TOLERANCE_S, clip, copy_of, movement_times, onset_f, whole, write_film

from hitpoint.demo.dancer import Dance, render_dancer
from hitpoint.errors import Cancelled, ModelBundleError
from hitpoint.media.probe import probe
from hitpoint.motion.pose_model import build_pose_model, ensure_pose_model, pose_model_path
from hitpoint.progress import Progress
from hitpoint.rhythm.extract import extract_rhythm
from hitpoint.rhythm.plot import plot_rhythm
from hitpoint.values import MediaRange, Rhythm


def seen(media: MediaRange, **changes: object) -> Rhythm:
    options = {"pose_model": ensure_pose_model(), "progress": Progress()} | changes
    return extract_rhythm(media, probe(media.path), **options)


@pytest.fixture(scope="module")
def dance(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dance, Rhythm]:
    path = tmp_path_factory.mktemp("dance") / "dance.mp4"
    truth = render_dancer(path, 8.0, 25, (640, 360), seed=11, shots=2)
    return path, truth, seen(whole(path), accents="impact")


def matched(impacts: tuple[float, ...], cuts: tuple[float, ...], times: list[float]) -> tuple[int, int]:
    """How many impacts are found within 63 ms, and how many there are away from cuts."""
    there = [impact for impact in impacts if all(abs(impact - cut) > 0.25 for cut in cuts)]
    return sum(any(abs(impact - time) <= TOLERANCE_S for time in times) for impact in there), len(there)


def test_known_impacts_are_found_and_little_else(dance: tuple[Path, Dance, Rhythm]) -> None:
    _, truth, rhythm = dance
    times = movement_times(rhythm.hit_points)
    found, there = matched(truth.impacts, truth.cuts, times)
    assert found >= 0.95 * there
    assert len(times) - found <= 0.1 * len(times)


def test_the_cut_is_a_hit_point_to_the_frame(dance: tuple[Path, Dance, Rhythm]) -> None:
    _, truth, rhythm = dance
    assert rhythm.cuts == pytest.approx(truth.cuts, abs=1e-6)
    assert [hit.time for hit in rhythm.hit_points if hit.kind == "cut"] == pytest.approx(truth.cuts, abs=1e-6)
    assert [shot.start for shot in rhythm.shots] == pytest.approx([0.0, *truth.cuts], abs=1e-6)


def test_the_tempo_of_the_dance_is_found(dance: tuple[Path, Dance, Rhythm]) -> None:
    _, truth, rhythm = dance
    assert rhythm.tempo.bpm == pytest.approx(truth.bpm, rel=0.02)
    assert rhythm.source == "pose"


def test_envelope_and_descriptors_have_their_shapes(dance: tuple[Path, Dance, Rhythm]) -> None:
    _, _, rhythm = dance
    assert rhythm.envelope.shape == (400,)
    assert 0 <= rhythm.envelope.min() < rhythm.envelope.max() == 1
    rows = sum(len(shot.descriptors) for shot in rhythm.shots)
    assert rows >= 16
    assert all(
        np.isfinite(shot.descriptors).all() and shot.descriptors.shape[1] == 10 for shot in rhythm.shots
    )


def test_backwards_every_impact_is_a_start(dance: tuple[Path, Dance, Rhythm]) -> None:
    path, truth, _ = dance
    backwards = MediaRange(path, Fraction(8), Fraction(8), Fraction(-1))
    rhythm = seen(backwards, accents="onset")
    assert rhythm.cuts == pytest.approx([8.0 - cut for cut in truth.cuts], abs=1e-6)
    found, there = matched(
        tuple(8.0 - t for t in truth.impacts), rhythm.cuts, movement_times(rhythm.hit_points)
    )
    assert found >= 0.85 * there


def test_a_later_range_gives_the_same_points(dance: tuple[Path, Dance, Rhythm]) -> None:
    path, _, rhythm = dance
    part = seen(MediaRange(path, Fraction(5, 2), Fraction(5)), accents="impact")
    expected = [time - 2.5 for time in movement_times(rhythm.hit_points) if 2.7 < time < 7.3]
    times = [time for time in movement_times(part.hit_points) if 0.2 < time < 4.8]
    assert onset_f(expected, times) >= 0.9


def test_a_freeze_has_no_movement_and_keeps_the_users_points(dance: tuple[Path, Dance, Rhythm]) -> None:
    path, _, _ = dance
    rhythm = seen(MediaRange(path, Fraction(1), Fraction(2), Fraction(0)))
    assert rhythm.hit_points == ()
    assert rhythm.envelope.shape == (100,)
    assert any("Hardly anything moves" in warning for warning in rhythm.warnings)


def test_half_a_second_is_enough(dance: tuple[Path, Dance, Rhythm]) -> None:
    path, _, _ = dance
    rhythm = seen(MediaRange(path, Fraction(3), Fraction(1, 2)))
    assert len(rhythm.envelope) == 25
    assert all(0 <= hit.time < 0.5 for hit in rhythm.hit_points)


def test_with_nobody_in_shot_the_flow_is_read(tmp_path: Path) -> None:
    """A textured disc that jumps on and stops dead, over a still textured wall."""
    chance = np.random.default_rng(5)
    wall = cv2.GaussianBlur(chance.integers(0, 255, (180, 320, 3)).astype(np.uint8), (9, 9), 0)
    disc = cv2.GaussianBlur(chance.integers(0, 255, (400, 80, 3)).astype(np.uint8), (5, 5), 0)
    stops = [1.0, 1.6, 2.4, 3.0, 3.8]
    pictures = []
    for frame in range(125):
        time = frame / 25
        done = sum(time >= stop for stop in stops)
        way = max(0.0, 1 - (stops[done] - time) / 0.3) if done < len(stops) else 0.0
        at = 20 + round(40 * (done + way**2))
        picture = wall.copy()
        picture[50:130, at : at + 80] = disc[:80]
        pictures.append(picture)
    path = write_film(tmp_path / "disc.mp4", pictures, [Fraction(frame, 25) for frame in range(125)])
    rhythm = seen(whole(path), accents="impact")
    assert rhythm.source == "flow"
    assert any("Nobody" in warning for warning in rhythm.warnings)
    found, _ = matched(tuple(stops), (), movement_times(rhythm.hit_points))
    assert found == len(stops)


def test_without_mediapipe_the_flow_is_read_and_the_result_says_so(
    dance: tuple[Path, Dance, Rhythm], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, truth, _ = dance
    monkeypatch.setitem(sys.modules, "mediapipe.tasks.python", None)  # import fails, as without libEGL
    rhythm = seen(whole(path), accents="impact", pose_model=Path("none"))
    assert rhythm.source == "flow"
    assert any("mediapipe" in warning for warning in rhythm.warnings)
    found, there = matched(truth.impacts, truth.cuts, movement_times(rhythm.hit_points))
    assert found >= 0.85 * there


def test_seventeen_frames_of_a_gif() -> None:
    rhythm = seen(whole(clip("g01")))
    assert len(rhythm.envelope) == 85
    assert 1 <= len(rhythm.hit_points) <= 4


def test_a_real_clip_mirrored_halved_and_brightened_gives_the_same_points(tmp_path: Path) -> None:
    original = clip("v01")
    copy = copy_of(original, tmp_path / "copy.mp4", CHANGES["all at once"])
    first, second = (movement_times(seen(whole(path)).hit_points) for path in (original, copy))
    assert onset_f(first, second) >= 0.75  # one clip; the mean over all is the figure, see the slow test


def test_the_picture_of_a_rhythm(dance: tuple[Path, Dance, Rhythm], tmp_path: Path) -> None:
    path, _, rhythm = dance
    plot_rhythm(rhythm, whole(path), tmp_path / "rhythm.png")
    picture = cv2.imread(str(tmp_path / "rhythm.png"))
    assert picture is not None
    assert picture.shape[1] == 1200
    assert np.abs(np.diff(picture.astype(int), axis=1)).mean() > 1  # something is drawn


def test_cancelling_stops_it(dance: tuple[Path, Dance, Rhythm]) -> None:
    progress = Progress()
    stopping = Progress(
        lambda _stage, fraction: progress.cancel() if fraction > 0.3 else None, progress.cancelled
    )
    with pytest.raises(Cancelled):
        seen(whole(dance[0]), progress=stopping)


def test_offline_the_missing_pose_model_is_a_named_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HITPOINT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "no-index").as_uri())
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(ModelBundleError, match="pip could not fetch"):
        ensure_pose_model()
    assert not pose_model_path().exists()


def test_a_wheel_with_other_networks_is_refused(tmp_path: Path) -> None:
    import zipfile

    wheel = tmp_path / "fake.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mediapipe/modules/pose_detection/pose_detection.tflite", b"no")
    with pytest.raises(ModelBundleError, match="not the file"):
        build_pose_model(wheel, tmp_path / "model.task")
    assert not (tmp_path / "model.task").exists()


def test_a_damaged_pose_model_is_a_named_error(dance: tuple[Path, Dance, Rhythm], tmp_path: Path) -> None:
    (tmp_path / "bad.task").write_bytes(b"not a model")
    with pytest.raises(ModelBundleError, match="does not load"):
        seen(replace(whole(dance[0]), duration=Fraction(1)), pose_model=tmp_path / "bad.task")
