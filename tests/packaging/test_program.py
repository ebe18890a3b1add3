"""The built program as Python for our own modules, and the program itself where one was built."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from hitpoint import children
from hitpoint.timeline import guard

ROOT = Path(__file__).parents[2]
HOME = Path("/opt/hitpoint/_internal")


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("program", ROOT / "packaging" / "program.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_command_line_is_left_alone(program: ModuleType) -> None:
    for arguments in ([], ["score", "cut.otio", "-o", "x.otio"], ["-m"], ["panel", "-m", "x"]):
        assert program.wanted(arguments, HOME) == ("", arguments)


def test_what_children_ask_for_is_understood(program: ModuleType) -> None:
    _, *as_module = children.module("hitpoint_plugin.worker", "a", "-m")
    assert program.wanted(as_module, HOME) == ("hitpoint_plugin.worker", ["a", "-m"])
    parser = HOME / "hitpoint" / guard.CHILD.relative_to(ROOT / "engine" / "hitpoint")
    _, *as_script = children.script(parser, "EDL")
    assert program.wanted(as_script, HOME) == ("hitpoint.timeline.child", ["EDL"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["-P", "-m", "pip", "download"],
        ["-m", "hitpoint_training"],
        ["-I", "/tmp/hitpoint/stranger.py"],
        ["-I", f"{HOME}/json.py"],
        ["-I", f"{HOME}/../hitpoint/x.py"],
        ["-I", f"{HOME}/hitpoint/../../evil/x.py"],
        ["-P", "-c"],
    ],
)
def test_nothing_else_is_run(arguments: list[str], program: ModuleType) -> None:
    with pytest.raises(ValueError, match="no part of this program"):
        program.wanted(arguments, HOME)


@pytest.mark.slow
def test_the_built_program_works_without_python(tmp_path: Path) -> None:
    """`make app` builds it; $HITPOINT_APP_ROOT may name a system without Python, made by empty_root.sh."""
    app = Path(os.environ.get("HITPOINT_APP", ROOT / "dist" / "hitpoint"))
    if not (app / "hitpoint").is_file():
        pytest.skip(f"there is no built program in {app}: make app")
    root = os.environ.get("HITPOINT_APP_ROOT")
    command = [sys.executable, str(ROOT / "packaging" / "smoke.py"), str(app), str(tmp_path)]
    subprocess.run([*command, *(["--root", root] if root else [])], check=True)
