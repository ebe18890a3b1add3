"""The product as its user meets it: the command line, real video, the real model, in fresh processes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest
import soundfile

from hitpoint.demo.dancer import render_dancer

MEDIA = Path(__file__).resolve().parents[2].parent / "shared" / "media"
CLIPS = sorted((MEDIA / "video").glob("*.*")) if MEDIA.exists() else []
DANCE = ("v01", "v02", "v03", "v04", "v05", "v09")
KEYS = {
    "output", "asset", "clip", "seed", "bundle", "hit_points", "hit_rate", "tempo_map", "shots",
    "motion_source", "timings", "warnings",
}  # fmt: skip


def hitpoint(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hitpoint", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=300, cwd=cwd,
    )  # fmt: skip


def score(source: Path, out: Path, *options: object) -> dict:
    done = hitpoint("score", source, "-o", out, "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def dancer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dancer") / "dancer.mp4"
    render_dancer(path, seconds=6.0, fps=25, seed=3)
    return path


@pytest.fixture(scope="module")
def scored(dancer: Path) -> dict:
    return score(dancer, dancer.parent / "scored.otio", "--style", "house")


def test_the_result_says_everything_that_is_documented(scored: dict) -> None:
    assert scored.keys() >= KEYS
    assert scored["asset"].keys() == {"path", "sha256", "sample_rate", "channels", "samples"}
    assert scored["motion_source"] == "pose"
    assert scored["hit_points"]
    assert all(0 <= hit["time"] <= 6 and 0 <= hit["strength"] <= 1 for hit in scored["hit_points"])


def test_the_sound_is_as_long_as_the_clip_to_the_sample(scored: dict) -> None:
    sound = soundfile.info(scored["asset"]["path"])
    assert (sound.samplerate, sound.channels, sound.subtype) == (48_000, 2, "PCM_24")
    assert sound.frames == scored["asset"]["samples"] == round(scored["clip"]["duration"] * 48_000)


def test_the_music_lies_on_its_own_track_at_the_clip(scored: dict) -> None:
    timeline = otio.adapters.read_from_file(scored["output"])
    tracks = [track for track in timeline.audio_tracks() if track.name == "Hitpoint"]
    assert len(tracks) == 1
    clip = next(iter(tracks[0].find_clips()))
    start = clip.transformed_time(clip.source_range.start_time, timeline.tracks)
    assert start.to_seconds() == pytest.approx(scored["clip"]["record_start"], abs=1e-6)
    assert len(clip.markers) == len(scored["hit_points"])


def test_the_strong_hit_points_are_hit_and_chance_is_far_below(scored: dict) -> None:
    assert scored["hit_rate"] >= 0.9
    assert scored["chance_rate"] <= scored["hit_rate"] - 0.3


def test_the_same_request_gives_the_same_bytes_in_a_fresh_process(scored: dict, dancer: Path) -> None:
    again = score(dancer, dancer.parent / "again.otio", "--style", "house")
    assert again["asset"]["sha256"] == scored["asset"]["sha256"]


def test_another_seed_gives_other_music_that_hits_as_well(scored: dict, dancer: Path) -> None:
    other = score(dancer, dancer.parent / "other.otio", "--style", "house", "--seed", 2)
    assert other["asset"]["sha256"] != scored["asset"]["sha256"]
    assert other["hit_rate"] >= 0.9


def test_it_is_loud_enough_and_never_clips(scored: dict) -> None:
    import pyloudnorm

    audio, rate = soundfile.read(scored["asset"]["path"])
    assert pyloudnorm.Meter(rate).integrated_loudness(audio) == pytest.approx(-14, abs=1.5)
    assert np.abs(audio).max() <= 10 ** (-1 / 20) + 1e-4
    assert np.abs(audio[-48:]).max() < 1e-3, "the ending must have ended"


def test_scoring_again_replaces_and_remove_restores_every_byte(dancer: Path, tmp_path: Path) -> None:
    score(dancer, tmp_path / "base.otio", "--range", "0-3", "--style", "pop")
    base = hitpoint("remove", tmp_path / "base.otio")
    assert base.returncode == 0, base.stderr
    plain = (tmp_path / "base.otio").read_bytes()
    assert b"Hitpoint" not in plain or b'"Hitpoint"' not in plain
    for seed in (1, 2):
        score(tmp_path / "base.otio", tmp_path / "base.otio", "--range", "0-3", "--seed", seed)
        timeline = otio.adapters.read_from_file(str(tmp_path / "base.otio"))
        assert [len(list(track.find_clips())) for track in timeline.audio_tracks()] == [1]
    assert hitpoint("remove", tmp_path / "base.otio").returncode == 0
    assert (tmp_path / "base.otio").read_bytes() == plain


def test_control_c_ends_within_a_second_and_leaves_nothing(dancer: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "hitpoint", "score", str(dancer), "--takes=32", f"-o{tmp_path / 'no.otio'}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(4)
    assert process.poll() is None, "it was done before it could be stopped"
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(timeout=10)
    assert process.returncode == 130
    assert time.monotonic() - asked < 1.5  # one second, and the scheduler of a busy machine
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("clip", CLIPS or [None], ids=lambda path: path.stem if path else "none")
def test_every_real_clip_scores(clip: Path | None, tmp_path: Path) -> None:
    if clip is None:
        pytest.skip("../shared/media is not here")
    result = score(clip, tmp_path / "out.otio")
    duration = result["clip"]["duration"]
    assert result["asset"]["samples"] == round(duration * 48_000)
    strong = [hit for hit in result["hit_points"] if hit["strength"] >= 0.5]
    rates = f"hit {result['hit_rate']:.2f}, chance {result['chance_rate']:.2f}"
    print(f"{clip.stem}: {len(strong)} strong, {rates}")
    if clip.stem[:3] in DANCE:
        assert result["hit_rate"] >= 0.9
        assert result["motion_source"] == "pose"


REFUSED = {
    "missing media": (["score", "absent.mp4", "-o", "o.otio"], 1, "MissingMediaError"),
    "unknown style": (["score", "{dancer}", "-o", "o.otio", "--style", "polka"], 2, "UsageError"),
    "unknown clip": (["score", "{dancer}", "-o", "o.otio", "--clip", "nobody"], 2, "UsageError"),
    "empty range": (["score", "{dancer}", "-o", "o.otio", "--range", "2-2"], 2, "UsageError"),
    "negative range": (["score", "{dancer}", "-o", "o.otio", "--range", "3-1"], 2, "UsageError"),
    "range beyond the clip": (["score", "{dancer}", "-o", "o.otio", "--range", "2-99"], 2, "UsageError"),
    "no such folder": (["score", "{dancer}", "-o", "no/such/o.otio"], 1, "OutputError"),
    "not a bundle": (["score", "{dancer}", "-o", "o.otio", "--bundle", "."], 1, "ModelBundleError"),
    "not a timeline": (["inspect", "text.otio"], 1, "TimelineError"),
    "directory as media": (["score", "folder.mp4", "-o", "o.otio"], 1, "MediaError"),
    "unknown accents": (["rhythm", "{dancer}", "--accents", "loud"], 2, "UsageError"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_gets_a_named_error_and_writes_nothing(case: str, dancer: Path, tmp_path: Path) -> None:
    arguments, code, name = REFUSED[case]
    (tmp_path / "text.otio").write_text("not a timeline")
    (tmp_path / "folder.mp4").mkdir()
    before = sorted(tmp_path.iterdir())
    done = hitpoint(*(part.format(dancer=dancer) for part in arguments), cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.split()) >= 6, "a useful sentence"
    assert sorted(tmp_path.iterdir()) == before
