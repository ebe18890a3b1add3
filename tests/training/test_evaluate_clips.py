"""Films scored by the engine, beside controls and beside a sound of their own that is known."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("librosa", reason="the training extra is not installed")
pytest.importorskip("torch", reason="the training extra is not installed")

import soundfile
from rich.console import Console

from hitpoint.demo.dancer import Dance, render_dancer
from hitpoint.demo.mux import mux
from hitpoint.progress import SILENT
from hitpoint_training.evaluate.clip_sounds import (
    AS_COMPOSED,
    GENERATED,
    OTHER,
    OWN,
    RANDOM,
    SOUNDS,
    other_sound,
    own_sound,
)
from hitpoint_training.evaluate.clip_tables import clip_tables
from hitpoint_training.evaluate.clips import ClipsQuestion, Found, measure_clips, write_clips
from hitpoint_training.evaluate.table import hit_figures

RATE = 48_000


@dataclass(frozen=True)
class Films:
    question: ClipsQuestion
    dances: tuple[Dance, Dance]
    found: Found


def bursts(times: tuple[float, ...], seconds: float) -> np.ndarray:
    """(samples, 2): short bursts of noise on a bed of faint noise."""
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 1e-3, (round(seconds * RATE), 2))
    for time in times:
        first = round(time * RATE)
        burst = rng.normal(0, 0.3, (2000, 1)) * np.exp(-np.arange(2000) / 400)[:, None]
        sound[first : first + 2000] += burst[: len(sound) - first]
    return sound.astype(np.float32)


def with_sound(film: Path, sound: np.ndarray) -> Path:
    soundfile.write(film.with_suffix(".wav"), sound, RATE)
    return mux(film, film.with_suffix(".wav"), film.with_name(f"{film.stem}-heard.mp4"))


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    """Two dancers, scored with the shipped bundle: one with bursts on every impact and a cut, one mute."""
    folder = tmp_path_factory.mktemp("films")
    dances = (
        render_dancer(folder / "heard.mp4", 7.0, size=(480, 360), seed=3, shots=2),
        render_dancer(folder / "mute.mp4", 6.0, size=(480, 360), seed=5),
    )
    heard = with_sound(folder / "heard.mp4", bursts(dances[0].impacts, 7.0))
    question = ClipsQuestion((heard, folder / "mute.mp4"), "house", 1, None, 1)
    return Films(question, dances, measure_clips(question, SILENT))


def test_every_sound_is_measured_and_only_what_knows_the_picture_is_on_it(films: Films) -> None:
    rows = films.found.rows
    assert tuple(rows) == SOUNDS
    assert rows[GENERATED]["hit AUC"] > 0.9
    assert rows[GENERATED]["in half a frame"] > 0.9
    assert rows[AS_COMPOSED]["hit AUC"] > 0.9
    for control in (OTHER, RANDOM, "metronome"):
        assert rows[control]["hit AUC"] < rows[GENERATED]["hit AUC"] - 0.15, control
    assert rows["silence"]["hit AUC"] == pytest.approx(0.5)
    assert np.isnan(rows["silence"]["hit error ms"])
    assert rows["silence"]["in 100 ms"] == 0
    assert rows[GENERATED]["key clarity"] > rows["metronome"]["key clarity"] + 0.1


def test_the_plan_is_the_one_that_was_used_with_every_hit_point(films: Films) -> None:
    for clip in films.found.clips:
        assert [hit.time for hit in clip.result.hit_points] == [accent.time for accent in clip.asked.accents]
        assert clip.sketch.plan.style == "house"
        assert clip.tolerance == pytest.approx(0.02)


def test_the_own_sound_counts_where_there_is_one(films: Films) -> None:
    """The bursts are exactly where the dancer stops, so the extractor's hit points must be on them."""
    found = films.found
    assert [clip.unheard for clip in found.clips] == ["", "no sound track"]
    assert found.rows[OWN]["clips"] == 1
    assert found.each[OWN][1] is None
    assert found.rows[OWN]["hit AUC"] > 0.85
    assert "LORIS F1" not in found.rows[OWN], "it is no truth of itself"
    assert np.isnan(found.rows[OWN]["BIoU"])
    assert 0 < found.rows[GENERATED]["LORIS F1"] <= 1
    assert found.rows["silence"]["LORIS F1"] == 0
    mute = found.each[GENERATED][1]
    assert mute is not None
    assert np.isnan(mute["BIoU"])


def test_cuts_are_measured_where_there_are_cuts(films: Films) -> None:
    assert [len(clip.result.shots) for clip in films.found.clips] == [2, 1]
    cut, uncut = films.found.each["metronome"]
    assert cut is not None
    assert uncut is not None
    assert 0 < cut["TBIoU"] < 1, "one cut among many beats"
    assert np.isnan(uncut["TBIoU"])


def test_the_tables_and_the_report(films: Films, tmp_path: Path) -> None:
    printer = Console(width=160, record=True, quiet=False)
    for part in clip_tables(films.found):
        printer.print(part)
    text = printer.export_text()
    assert "mute is left out of the own sound tracks: it has no sound track." in text
    assert all(text.count(f"│ {row}") >= 2 for row in SOUNDS)
    write_clips(tmp_path / "report.json", films.question, films.found)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["rows"]["silence"]["hit error ms"] is None
    assert [clip["own sound"] for clip in report["clips"]] == ["heard", "no sound track"]
    assert set(report["clips"][1]["sounds"]) == set(SOUNDS) - {OWN}


def test_the_music_of_another_clip_is_cut_or_repeated(films: Films, tmp_path: Path) -> None:
    clips = films.found.clips
    music = [bursts((1.0,), 7.0), bursts((2.0,), 6.0)]
    held = []
    for clip, sound in zip(clips, music, strict=True):
        path = tmp_path / f"{clip.name}.wav"
        soundfile.write(path, sound, RATE, subtype="FLOAT")
        held.append(replace(clip, result=replace(clip.result, asset=replace(clip.result.asset, path=path))))
    longer, shorter = (other_sound(held, index, tmp_path / f"{index}.wav") for index in range(2))
    assert longer is not None
    assert shorter is not None
    assert np.array_equal(
        soundfile.read(longer, dtype="float32")[0], np.concatenate([music[1], music[1][:RATE]])
    )
    assert np.array_equal(soundfile.read(shorter, dtype="float32")[0], music[0][: 6 * RATE])
    assert other_sound(held[:1], 0, tmp_path / "alone.wav") is None


def test_a_silent_sound_track_is_none(films: Films, tmp_path: Path) -> None:
    film = films.question.videos[1].with_name("silent.mp4")
    film.write_bytes(films.question.videos[1].read_bytes())
    silent = with_sound(film, np.zeros((6 * RATE, 2), np.float32))
    assert own_sound(silent, 6.0, tmp_path / "own.wav") == (None, "a silent sound track")
    assert not (tmp_path / "own.wav").exists()


def test_hits_are_counted_at_the_clips_own_half_frame() -> None:
    hits = np.array([0.0, 0.03, 0.06, 0.5])
    assert hit_figures(hits, 0.02)["in half a frame"] == 0.25
    assert hit_figures(hits, 0.05)["in half a frame"] == 0.5
    assert hit_figures(hits, 0.05)["hit error ms"] == pytest.approx(30)
    assert np.isnan(hit_figures(np.zeros(0), 0.05)["in half a frame"])
