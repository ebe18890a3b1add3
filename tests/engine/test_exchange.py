"""An editor saves in the very moment in which we put our file in the place of its own."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hitpoint import exchange
from hitpoint.errors import ConflictError, OutputError
from hitpoint.files import write_over

SAVE = """
import os, sys
path, text = sys.argv[1:]
with open(path + "~", "w") as stream:
    stream.write(text)
os.replace(path + "~", path)
"""


def save(path: Path, text: str) -> None:
    """What an editor does, from a process of its own."""
    subprocess.run([sys.executable, "-c", SAVE, str(path), text], check=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    if sys.platform != "linux":
        pytest.skip("only Linux has the call")
    path = tmp_path / "x.otio"
    path.write_text("old")
    return path


def after_the_look(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let `act` happen between our last look and the rename."""
    real = exchange.put_in_place

    def put(temp: Path, target: Path, before: bytes | None) -> bool:
        act()
        return real(temp, target, before)

    monkeypatch.setattr(exchange, "put_in_place", put)


def after_renames(monkeypatch: pytest.MonkeyPatch, *acts: Callable[[], object]) -> None:
    """Let each of `acts` happen directly after one more rename."""
    real, left = exchange._rename, list(acts)

    def rename(old: Path, new: Path, flag: int) -> None:
        real(old, new, flag)
        if left:
            left.pop(0)()

    monkeypatch.setattr(exchange, "_rename", rename)


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_save_between_the_look_and_the_rename_survives(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    after_the_look(monkeypatch, lambda: save(path, "saved"))
    with pytest.raises(ConflictError, match="at the same moment"):
        write_over(path, b"ours", b"old", "Again.")
    assert content(path.parent) == {"x.otio": "saved"}


def test_a_file_that_appears_between_the_look_and_the_rename_survives(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.unlink()
    after_the_look(monkeypatch, lambda: save(path, "saved"))
    with pytest.raises(ConflictError):
        write_over(path, b"ours", None, "Again.")
    assert content(path.parent) == {"x.otio": "saved"}


def test_a_file_that_goes_between_the_look_and_the_rename_stays_away(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_the_look(monkeypatch, path.unlink)
    with pytest.raises(ConflictError):
        write_over(path, b"ours", b"old", "Again.")
    assert content(path.parent) == {}


def test_the_newest_of_several_saves_survives(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One before our rename, one before it is undone, one while that is put right."""
    after_the_look(monkeypatch, lambda: save(path, "first"))
    after_renames(monkeypatch, lambda: save(path, "second"), lambda: save(path, "third"))
    with pytest.raises(ConflictError):
        write_over(path, b"ours", b"old", "Again.")
    assert content(path.parent) == {"x.otio": "third"}


def test_a_save_into_the_same_file_that_began_before_the_rename_survives(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor that does not rename has emptied the file and writes while we look at what we have."""
    streams = []
    after_the_look(monkeypatch, lambda: streams.append(path.open("w")))
    with pytest.raises(ConflictError):
        write_over(path, b"ours", b"old", "Again.")
    streams[0].write("saved")
    streams[0].close()
    assert content(path.parent) == {"x.otio": "saved"}


def test_what_cannot_be_read_after_the_rename_goes_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, faults = Path.read_bytes, [1]

    def read(self: Path) -> bytes:
        if faults and real(self) == b"old" and self != path:
            faults.pop()
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(self)

    monkeypatch.setattr(Path, "read_bytes", read)
    with pytest.raises(OutputError, match=r"fault.* Nothing was changed"):
        write_over(path, b"ours", b"old", "Again.")
    assert not faults
    assert content(path.parent) == {"x.otio": "old"}


def test_a_save_that_cannot_go_back_is_kept_under_a_name_that_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_the_look(monkeypatch, lambda: save(path, "saved"))
    after_renames(monkeypatch, path.unlink)
    with pytest.raises(OutputError, match="saved by another program") as raised:
        write_over(path, b"ours", b"old", "Again.")
    (kept,) = path.parent.iterdir()
    assert str(kept) in raised.value.todo
    assert kept.read_text() == "saved"


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EINVAL])
@pytest.mark.parametrize("before", [b"old", None])
def test_without_the_call_it_is_a_rename(
    code: int, before: bytes | None, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(old: Path, new: Path, flag: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(exchange, "_rename", unknown)
    if before is None:
        path.unlink()
    write_over(path, b"ours", before, "Again.")
    assert content(path.parent) == {"x.otio": "ours"}
    with pytest.raises(ConflictError):
        write_over(path, b"ours again", before, "Again.")
    assert content(path.parent) == {"x.otio": "ours"}
