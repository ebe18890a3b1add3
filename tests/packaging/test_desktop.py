"""The menu entry starts the program that was meant, and goes away again with everything that came with it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"
SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("PyQt6.QtGui", reason="PyQt6 is not installed: pip install 'hitpoint[plugin]'")
    out = tmp_path_factory.mktemp("share")
    subprocess.run([sys.executable, str(PACKAGING / "share.py"), str(out)], check=True)
    return out


def install(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(PACKAGING / "install_desktop.sh"), *arguments]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(data / "home"), "XDG_DATA_HOME": str(data)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def program_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    program = folder / "hitpoint"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


def test_the_entry_starts_the_program_and_goes_away_again(share: Path, tmp_path: Path) -> None:
    program = program_in(tmp_path / "a folder")
    data = tmp_path / "data"
    assert install(data, str(program), str(share)).returncode == 0
    entry = data / "applications" / "hitpoint.desktop"
    assert f'Exec="{program}" panel %f' in entry.read_text().splitlines()
    if shutil.which("desktop-file-validate"):
        subprocess.run(["desktop-file-validate", str(entry)], check=True)
    for size in SIZES:
        head = (data / f"icons/hicolor/{size}x{size}/apps/hitpoint.png").read_bytes()[:24]
        assert head[:8] == PNG
        assert int.from_bytes(head[16:20]) == int.from_bytes(head[20:24]) == size
    assert install(data, "--remove").returncode == 0
    assert [path for path in data.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", ["a$HOME", 'a"b', "100%", "a&b", "a|b"])
def test_a_path_that_an_entry_cannot_hold_is_refused(name: str, share: Path, tmp_path: Path) -> None:
    program = program_in(tmp_path / name)
    done = install(tmp_path / "data", str(program), str(share))
    assert done.returncode == 2
    assert "plainer name" in done.stderr
    assert not (tmp_path / "data").exists()
