"""Connectors go where editors look, and exactly what was installed goes away again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hitpoint.errors import ConflictError, UsageError
from hitpoint_plugin.connect.install import RECORD, Setting, install, is_installed, recorded, remove
from hitpoint_plugin.connect.places import Machine, host_named, script_folders

HOSTS = ("resolve", "blender", "premiere", "fcp", "kdenlive", "shotcut", "avid")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A Linux with Resolve, two versions of Blender, and one that is too old."""
    (tmp_path / "home/.local/share/DaVinciResolve").mkdir(parents=True)
    for version in ("2.79", "4.5", "5.0", "junk"):
        (tmp_path / "home/.config/blender" / version).mkdir(parents=True)
    return Machine("linux", tmp_path / "home", {})


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path / "state", tmp_path / "exchange")


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder."""
    return {str(p): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("host", HOSTS)
def test_what_was_installed_goes_away_and_nothing_else(host, machine: Machine, setting: Setting) -> None:
    before = tree(machine.home)
    paths = install(host, machine, setting)
    assert paths
    assert all(path.is_file() for path in paths)
    assert is_installed(host, setting.state)
    assert set(remove(host, setting.state)) == set(paths)
    assert tree(machine.home) == before
    assert not setting.exchange.exists()
    assert not is_installed(host, setting.state)


def test_each_blender_gets_the_addon_and_each_script_knows_its_hitpoint(
    machine: Machine, setting: Setting
) -> None:
    paths = install("blender", machine, setting)
    assert {path.parents[2].name for path in paths} == {"4.5", "5.0"}
    (script,) = [path for path in install("resolve", machine, setting) if path.suffix == ".py"]
    assert script == machine.home / ".local/share/DaVinciResolve/Fusion/Scripts/Utility/Hitpoint.py"
    facts = json.loads(script.with_suffix(".json").read_text())
    assert facts["python"] == sys.executable
    assert facts["link"] == str(setting.state / "link.json")


def test_the_folders_are_those_that_the_makers_document(tmp_path: Path) -> None:
    mac = Machine("darwin", tmp_path, {})
    support = tmp_path / "Library/Application Support"
    (support / "Blackmagic Design/DaVinci Resolve").mkdir(parents=True)
    expected = support / "Blackmagic Design/DaVinci Resolve/Fusion/Scripts/Utility"
    assert script_folders("resolve", mac) == (expected,)
    windows = Machine("win32", tmp_path, {"APPDATA": str(tmp_path / "Roaming")})
    base = tmp_path / "Roaming/Blackmagic Design/DaVinci Resolve/Support"
    base.mkdir(parents=True)
    assert script_folders("resolve", windows) == (base / "Fusion/Scripts/Utility",)
    (tmp_path / "Roaming/Blender Foundation/Blender/4.5").mkdir(parents=True)
    assert script_folders("blender", windows)[0].parts[-3:] == ("4.5", "scripts", "addons")


@pytest.mark.parametrize("host", ["resolve", "blender"])
def test_an_editor_that_is_not_there_is_named_and_a_folder_can_be_given(
    host, tmp_path: Path, setting: Setting
) -> None:
    bare = Machine("linux", tmp_path / "nobody", {})
    with pytest.raises(UsageError, match="was not found"):
        install(host, bare, setting)
    assert not setting.state.exists()
    assert len(install(host, bare, setting, tmp_path / "own")) == 2
    remove(host, setting.state)
    assert not (tmp_path / "own").exists()


def test_a_changed_file_is_named_and_kept_unless_forced(machine: Machine, setting: Setting) -> None:
    paths = install("resolve", machine, setting)
    script = next(path for path in paths if path.suffix == ".py")
    script.write_text("mine")
    with pytest.raises(ConflictError, match=r"Hitpoint\.py"):
        install("resolve", machine, setting)
    with pytest.raises(ConflictError, match=r"Hitpoint\.py"):
        remove("resolve", setting.state)
    assert [path.exists() for path in paths].count(True) == 1
    assert script.read_text() == "mine"
    assert remove("resolve", setting.state, force=True) == [script]
    assert not script.parent.exists()


def test_a_foreign_file_in_the_way_is_not_overwritten(machine: Machine, setting: Setting) -> None:
    folder = script_folders("resolve", machine)[0]
    folder.mkdir(parents=True)
    (folder / "Hitpoint.py").write_text("somebody's")
    with pytest.raises(ConflictError, match="is there already"):
        install("resolve", machine, setting)
    assert tree(folder) == {str(folder / "Hitpoint.py"): b"somebody's"}
    install("resolve", machine, setting, force=True)
    assert (folder / "Hitpoint.json").is_file()


def test_a_newer_version_goes_over_an_older_one(machine: Machine, setting: Setting) -> None:
    paths = install("blender", machine, setting)
    before = tree(machine.home)
    other = Setting(setting.state, setting.exchange / "elsewhere")
    assert install("blender", machine, other) == paths
    assert tree(machine.home) != before
    remove("blender", setting.state)
    assert not any(path.exists() for path in paths)


def test_an_installation_that_was_killed_can_be_removed(
    machine: Machine, setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hitpoint_plugin.connect import install as module

    real, left = module.write_atomic, [2]

    def dying(path: Path, data: bytes) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return real(path, data)

    before = tree(machine.home)
    monkeypatch.setattr(module, "write_atomic", dying)
    with pytest.raises(KeyboardInterrupt):
        install("blender", machine, setting)
    monkeypatch.undo()
    assert tree(machine.home) != before
    remove("blender", setting.state)
    assert tree(machine.home) == before


@pytest.mark.parametrize("text", ["", "[]", "{", '{"resolve": 3}', '{"resolve": {"files": {}}}'])
def test_a_damaged_record_counts_as_none(text: str, machine: Machine, setting: Setting) -> None:
    setting.state.mkdir()
    (setting.state / RECORD).write_text(text)
    assert recorded(setting.state) == {}
    install("resolve", machine, setting)
    assert is_installed("resolve", setting.state)


def test_an_unknown_editor_is_refused() -> None:
    assert host_named("Resolve") == "resolve"
    with pytest.raises(UsageError, match="Use one of: resolve"):
        host_named("imovie")


def test_the_command_installs_lists_and_removes(tmp_path: Path) -> None:
    environment = os.environ | {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}

    def hitpoint(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hitpoint", "hosts", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert hitpoint("install", "resolve").returncode == 2
    done = hitpoint("install", "resolve", "--to", str(tmp_path / "scripts"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "scripts" / "Hitpoint.py").is_file()
    rows = json.loads(hitpoint("list", "--json").stdout)
    assert [row["host"] for row in rows if row["installed"]] == ["resolve"]
    assert hitpoint("remove", "resolve").returncode == 0
    assert not (tmp_path / "scripts").exists()
