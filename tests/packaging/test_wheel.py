"""The wheel holds the four packages, what they read at run time, the licences, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "hitpoint": "engine",
    "hitpoint_plugin": "plugin",
    "hitpoint_export": "export",
    "hitpoint_training": "training",
}
DATA = re.compile(
    r"hitpoint/py\.typed"
    r"|hitpoint/bundles/starter/(manifest\.json|(cond|step|step_int8|decode|decode_int8|encode)\.onnx)"
    r"|hitpoint_plugin/connect/scripts/\w+\.txt"
    r"|hitpoint_plugin/view/hitpoint\.svg"
)
ABOUT = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE", "licenses/LICENSE-GPL-3.0"}
MOST_BYTES = 65 << 20  # the bundle is nearly all of it (docs/decisions/0009-near-in-time.md)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    pytest.importorskip("hatchling", reason="hatchling is not installed: pip install 'hitpoint[dev]'")
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = out.glob("*.whl")
    assert path.stat().st_size < MOST_BYTES
    return zipfile.ZipFile(path)


def test_every_module_and_its_data_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    about = {name.split(".dist-info/")[1] for name in names if ".dist-info/" in name}
    assert about == ABOUT
    inside = {name for name in names if ".dist-info/" not in name}
    modules = {
        path.relative_to(ROOT / folder).as_posix()
        for package, folder in PACKAGES.items()
        for path in (ROOT / folder / package).rglob("*.py")
    }
    assert len(modules) > 250
    assert {name for name in inside if name.endswith(".py")} == modules
    data = inside - modules
    assert [name for name in data if not DATA.fullmatch(name)] == []
    assert len(data) == 14


def test_what_it_says_of_itself(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    said = message_from_string(wheel.read(name).decode("utf-8"))
    assert said["License-Expression"] == "Apache-2.0 AND GPL-3.0-only"
    assert {"cpu", "gpu", "plugin", "ray"} <= set(said.get_all("Provides-Extra", []))
    (points,) = [name for name in wheel.namelist() if name.endswith("/entry_points.txt")]
    assert "hitpoint = hitpoint.cli.app:main" in wheel.read(points).decode("utf-8")
