"""Every child process is started by one module, and it sees nothing of the folder or the user around it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import hitpoint
from hitpoint import children
from hitpoint.motion.pose_model import NAME, ensure_pose_model, pose_model_path

ROOT = Path(hitpoint.__file__).parents[2]


def test_nothing_else_starts_python() -> None:
    """The built program has none; only the file for editors' scripts says where the program is."""
    packages = (ROOT / "engine" / "hitpoint", ROOT / "plugin" / "hitpoint_plugin")
    sources = [path for package in packages for path in package.rglob("*.py")]
    assert len(sources) > 100
    named = {path.name for path in sources if "sys.executable" in path.read_text(encoding="utf-8")}
    assert named == {"children.py", "install.py"}


def test_a_module_does_not_come_from_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "hitpoint.py").write_text("print('a stranger')")
    done = subprocess.run(
        children.module("hitpoint", "--version"), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"hitpoint {hitpoint.__version__}\n"


def test_a_script_hears_no_python_variables(tmp_path: Path) -> None:
    """As the guarded child of a stranger's timeline is started."""
    probe = tmp_path / "probe.py"
    probe.write_text("import os, sys; print(os.environ['PYTHONPATH'] in sys.path, sys.argv[1:])")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "planted")}
    done = subprocess.run(
        children.script(probe, "a", "b"), env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False ['a', 'b']\n"


def test_a_pose_model_of_the_installation_needs_no_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HITPOINT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    assert pose_model_path() == tmp_path / "cache" / NAME
    installed = tmp_path / "prefix" / "share" / "hitpoint" / NAME
    installed.parent.mkdir(parents=True)
    installed.write_bytes(b"model")
    assert ensure_pose_model() == pose_model_path() == installed
    assert not (tmp_path / "cache").exists()
