"""The engine cache: only what this installation sealed, for exactly this recipe, is ever opened."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import fields, replace

import pytest

from hitpoint.backends.engine_cache import MAGIC, Recipe, Sealed, Summary, load, save
from hitpoint.backends.install_key import install_key, read_key

RECIPE = Recipe("step", "00ff", "rtx", "1.7", "none", "fp16", "default", "11")
ENGINE = Sealed(
    bytes(range(256)) * 8, Summary(3, (("convolution", 2),), 1, 4, 2048, 1.5, 1e-4, (("gemm", 1),), None)
)
KEY = b"k" * 32


def test_what_was_saved_is_loaded(tmp_path):
    path = save(tmp_path / "engines", KEY, RECIPE, ENGINE)
    assert load(path.parent, KEY, RECIPE) == ENGINE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_no_byte_can_be_changed(tmp_path):
    path = save(tmp_path, KEY, RECIPE, ENGINE)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert isinstance(load(tmp_path, KEY, RECIPE), str), f"byte {at}"
    for size in (0, len(MAGIC), len(MAGIC) + 32, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert isinstance(load(tmp_path, KEY, RECIPE), str), f"cut at {size}"
    path.write_bytes(whole + b"\0")
    assert isinstance(load(tmp_path, KEY, RECIPE), str)


def test_the_key_of_another_installation_opens_nothing(tmp_path):
    save(tmp_path, KEY, RECIPE, ENGINE)
    assert "another installation" in str(load(tmp_path, b"j" * 32, RECIPE))
    assert "no key" in str(load(tmp_path, None, RECIPE))


@pytest.mark.parametrize("field", [field.name for field in fields(Recipe)])
def test_any_other_recipe_is_another_engine(tmp_path, field):
    path = save(tmp_path, KEY, RECIPE, ENGINE)
    other = replace(RECIPE, **{field: "x"})
    assert load(tmp_path, KEY, other) == "not built yet"
    path.rename(other.path(tmp_path))  # even under the right name
    assert load(tmp_path, KEY, other) == "it was built for something else"


def test_a_plan_from_elsewhere_is_refused(tmp_path):
    RECIPE.path(tmp_path).write_bytes(ENGINE.plan)
    assert isinstance(load(tmp_path, KEY, RECIPE), str)


def test_links_and_pipes_are_not_followed(tmp_path):
    path = save(tmp_path, KEY, RECIPE, ENGINE)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert isinstance(load(tmp_path, KEY, RECIPE), str)
    path.unlink()
    os.mkfifo(path)
    assert isinstance(load(tmp_path, KEY, RECIPE), str)


def test_the_key_is_private_and_stays(tmp_path):
    path = tmp_path / "data" / "engine.key"
    assert read_key(path) is None
    key = install_key(path)
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert install_key(path) == key
    assert [p.name for p in path.parent.iterdir()] == ["engine.key"]


@pytest.mark.parametrize("spoil", ["readable", "short", "link"])
def test_a_key_that_others_may_know_is_replaced(tmp_path, spoil):
    path = tmp_path / "engine.key"
    old = install_key(path)
    if spoil == "readable":
        path.chmod(0o644)
    elif spoil == "short":
        path.write_bytes(old[:31])
    else:
        path.rename(tmp_path / "shared.key")
        path.symlink_to(tmp_path / "shared.key")
    assert read_key(path) is None
    new = install_key(path)
    assert new != old
    assert read_key(path) == new


def test_processes_that_start_at_once_agree_on_one_key(tmp_path):
    code = (
        "import sys; from pathlib import Path; from hitpoint.backends.install_key import install_key;"
        "sys.stdin.read(); print(install_key(Path(sys.argv[1])).hex())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "engine.key")]
    running = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(6)]
    keys = {process.communicate()[0] for process in running}
    assert len(keys) == 1
    assert len(keys.pop().strip()) == 64
