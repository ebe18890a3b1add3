"""Rendering: exact length, level, the same file for the same seed, hits that can be heard, named errors."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mido", reason="the training extra is not installed")

import soundfile

from hitpoint.errors import HitpointError, MediaError
from hitpoint_training.corpus import __main__ as corpus_command
from hitpoint_training.corpus.annotations import plan_from_json
from hitpoint_training.corpus.compose import Piece, compose
from hitpoint_training.corpus.notes import Note
from hitpoint_training.corpus.render import find_fluidsynth, find_soundfont, render, write_piece
from hitpoint_training.evaluate.sync import hit_auc
from hitpoint_training.evaluate.tone import chord_agreement, key_clarity


def soundfont() -> Path:
    if shutil.which("fluidsynth") is None:
        pytest.skip("the fluidsynth program is not installed")
    try:
        return find_soundfont(None)
    except MediaError:
        pytest.skip("FluidR3Mono_GM.sf3 is not installed")


@pytest.mark.parametrize("seed", [1, 11])
def test_a_rendered_piece_is_exact_level_and_lands_on_its_hits(seed: int) -> None:
    piece = compose(seed, None, 16.3)
    sound = render(piece, soundfont())
    assert sound.shape == (round(16.3 * 48_000), 2)
    assert 0.3 < np.abs(sound).max() <= 0.9
    assert not np.array_equal(sound[:, 0], sound[:, 1]), "stereo"
    assert hit_auc(sound, 48_000, piece.plan.accents, np.random.default_rng(0)) > 0.93
    assert key_clarity(sound, 48_000) > 0.65
    other = compose(seed + 5, None, 16.3).plan
    assert chord_agreement(sound, 48_000, piece.plan) > chord_agreement(sound, 48_000, other) + 0.1


def test_sound_rises_where_the_note_stands() -> None:
    """Within 3 ms: FluidSynth's own delay is taken out."""
    plan = compose(1, "pop", 3.0).plan
    note = Note(1.25, 0.2, 38, 120, "drums")
    sound = render(Piece(plan, (note,)), soundfont()).mean(axis=1)
    power = np.convolve(np.diff(sound) ** 2, np.ones(48) / 48, "same")
    rise = int(np.argmax(power > 0.25 * power.max())) / 48_000
    assert abs(rise - 1.25) < 0.003


def test_after_the_end_there_is_only_a_tail() -> None:
    piece = compose(2, None, 20.0)
    sound = render(piece, soundfont()).mean(axis=1)
    hit = round(piece.plan.end * 48_000)
    loudest = np.abs(sound[hit : hit + 4800]).max()
    assert np.abs(sound[-480:]).max() < 0.2 * loudest


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    font = soundfont()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_piece(compose(3, None, 4.0), tmp_path / name, 3, font)
    first, second = ((tmp_path / name / "00003.flac").read_bytes() for name in ("a", "b"))
    assert first == second
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["00003.flac", "00003.json"]


def test_the_command_renders_a_folder_that_reads_back(tmp_path: Path) -> None:
    soundfont()
    command = [sys.executable, "-m", "hitpoint_training.corpus", str(tmp_path / "out"), "--count", "2"]
    done = subprocess.run(
        [*command, "--first-seed", "40", "--duration", "3..5", "--jobs", "2"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for index, seed in ((0, 40), (1, 41)):
        plan = plan_from_json((tmp_path / "out" / f"{index:05d}.json").read_text())
        info = soundfile.info(tmp_path / "out" / f"{index:05d}.flac")
        assert (info.samplerate, info.channels, info.subtype) == (48_000, 2, "PCM_16")
        assert info.frames == round(plan.duration * 48_000)
        assert 3 <= plan.duration <= 5
        assert plan == compose(seed, None, plan.duration).plan


def test_a_missing_soundfont_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(HitpointError, match="apt install"):
        find_soundfont(tmp_path / "none.sf3")
    (tmp_path / "text.sf3").write_text("this is no SoundFont")
    with pytest.raises(HitpointError):
        find_soundfont(tmp_path / "text.sf3")


def test_a_missing_fluidsynth_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HitpointError, match="apt install fluidsynth"):
        find_fluidsynth()


def test_a_broken_soundfont_is_a_named_error(tmp_path: Path) -> None:
    soundfont()
    broken = tmp_path / "broken.sf3"
    broken.write_bytes(b"RIFF" + bytes(100))
    with pytest.raises(MediaError, match="fluidsynth"):
        render(compose(1, None, 1.0), broken)


@pytest.mark.parametrize("wrong", [["--duration", "9..3"], ["--duration", "long"], ["--style", "polka"]])
def test_wrong_use_exits_2(wrong: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["corpus", str(tmp_path / "out"), *wrong])
    with pytest.raises(SystemExit) as stopped:
        corpus_command.main()
    assert stopped.value.code == 2
    assert not (tmp_path / "out").exists()


def test_a_failure_is_one_sentence_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["corpus", str(tmp_path), "--soundfont", str(tmp_path / "none.sf3")])
    assert corpus_command.main() == 1
    assert "none.sf3" in capsys.readouterr().err
