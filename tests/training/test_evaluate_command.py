"""The commands that evaluate: wrong use in plain words, and what to install."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("librosa", reason="the training extra is not installed")

from typer.testing import CliRunner

from hitpoint.cli import evaluate as engine_command
from hitpoint.cli.app import app
from hitpoint.errors import UsageError
from hitpoint_training.evaluate import __main__ as command


def test_without_the_training_extra_the_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_command, "find_spec", lambda name: None if name == "librosa" else name)
    result = CliRunner().invoke(app, ["evaluate", "bundle", "heldout", "--corpus", "corpus"])
    assert isinstance(result.exception, UsageError)
    assert "librosa is not installed" in result.exception.what
    assert "hitpoint[cpu,training]" in result.exception.todo


def test_the_engine_hands_its_options_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    class Done:
        returncode = 3

    def run(command: list[str], check: bool) -> Done:
        seen.append(command)
        return Done()

    monkeypatch.setattr(engine_command.subprocess, "run", run)
    result = CliRunner().invoke(app, ["evaluate", "b", "h", "--corpus", "c", "--limit", "2"])
    assert result.exit_code == 3
    assert seen[0][-7:] == ["all", "b", "h", "--corpus", "c", "--limit", "2"]


def test_a_missing_folder_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [str(tmp_path), str(tmp_path), "--corpus", str(tmp_path), "--jobs", "1"]
    monkeypatch.setattr(sys, "argv", ["evaluate", "all", *wanted])
    with pytest.raises(SystemExit) as stopped:
        raise SystemExit(command.main())
    assert stopped.value.code != 0
    assert "There are no pieces" in capsys.readouterr().err
