"""Atomic writes, backups, the lock, and the sweeping of what killed processes left."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hitpoint import exchange, files
from hitpoint.errors import ConflictError, OutputError
from hitpoint.files import (
    backup,
    backups,
    discard_temps,
    is_still,
    locked,
    replacing,
    sweep_stale_temps,
    write_atomic,
    write_over,
)


def test_content_mode_and_links_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "real" / "x.otio"
    path.parent.mkdir()
    path.write_bytes(b"old")
    path.chmod(0o640)
    (tmp_path / "link.otio").symlink_to(path)
    assert write_atomic(tmp_path / "link.otio", b"new") == path
    assert path.read_bytes() == b"new"
    assert (tmp_path / "link.otio").is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_the_order_of_steps_survives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content is on the disk before the name points to it, and the name before we say done."""
    log: list[str] = []
    real_sync, real_look, real_put = os.fsync, files.is_still, exchange.put_in_place

    def sync(handle: int) -> None:
        log.append("fsync folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "fsync file")
        real_sync(handle)

    def look(path: Path, before: bytes | None) -> bool:
        log.append("look")
        return real_look(path, before)

    def put(temp: Path, target: Path, before: bytes | None) -> bool:
        log.append("rename")
        return real_put(temp, target, before)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(files, "is_still", look)
    monkeypatch.setattr(exchange, "put_in_place", put)
    write_over(tmp_path / "x", b"new", None, "Again.")
    assert log == ["fsync file", "fsync file", "look", "rename", "fsync folder"]


def test_what_is_no_longer_what_was_read_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"saved by an editor")
    for before in (b"old", None):
        with pytest.raises(ConflictError, match="Again"):
            write_over(tmp_path / "x", b"new", before, "Again.")
        assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("x", b"saved by an editor")]
    assert write_over(tmp_path / "x", b"new", b"saved by an editor", "Again.") == tmp_path / "x"
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("x", b"new")]


def test_a_disk_that_forgets_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda self: b"rot")
    with pytest.raises(OutputError, match="read back"):
        write_atomic(tmp_path / "x", b"new")
    assert not list(tmp_path.iterdir())


def test_large_files_are_written_through_a_temporary_one(tmp_path: Path) -> None:
    with replacing(tmp_path / "x.wav") as temp:
        temp.write_bytes(b"sound")
        assert temp.parent == tmp_path
        assert not (tmp_path / "x.wav").exists()
    assert (tmp_path / "x.wav").read_bytes() == b"sound"


def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(b"sound")

    def write_half() -> None:
        with replacing(tmp_path / "x.wav") as temp:
            temp.write_bytes(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("x.wav", b"sound")]


def test_unfinished_files_can_be_discarded_before_a_hard_exit(tmp_path: Path) -> None:
    def discard_while_writing() -> None:
        with replacing(tmp_path / "x") as temp:
            temp.write_bytes(b"half")
            discard_temps()
            assert not temp.exists()

    with pytest.raises(OutputError):
        discard_while_writing()
    assert not list(tmp_path.iterdir())


def test_backups_are_numbered(tmp_path: Path) -> None:
    path = tmp_path / "a[1].otio"
    for number in range(11):
        backup(path, str(number).encode())
    assert [p.name for p in backups(path)] == [f"a[1].otio.bak-{n}" for n in range(1, 12)]
    assert [p.read_text() for p in backups(path)] == [str(n) for n in range(11)]


def test_a_file_that_is_replaced_while_it_is_read_is_not_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor saves in the middle of our reading: what we read is the old file, and no longer there."""
    path = tmp_path / "x.otio"
    assert is_still(path, None)
    path.write_bytes(b"old")
    assert is_still(path, b"old")
    assert not is_still(path, None)
    real = Path.read_bytes

    def meanwhile(self: Path) -> bytes:
        found = real(self)
        (tmp_path / "editor").write_bytes(b"new")
        (tmp_path / "editor").replace(path)
        return found

    monkeypatch.setattr(Path, "read_bytes", meanwhile)
    assert not is_still(path, b"old")


def test_temps_of_the_dead_are_swept_and_those_of_the_living_stay(tmp_path: Path) -> None:
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    names = {
        f".hitpoint-{int(dead.stdout)}-00000000.tmp": False,
        f".hitpoint-{int(dead.stdout)}-00000000-00000000.tmp": True,  # of another machine
        f".hitpoint-{os.getpid()}-00000000.tmp": True,
        f".hitpoint-{os.getpid()}-11111111.tmp": False,  # older than a day: the number was given out again
        ".hitpoint-notes.tmp": True,
        "x.tmp": True,
    }
    for name in names:
        (tmp_path / name).touch()
    old = time.time() - 2 * 24 * 3600
    os.utime(tmp_path / f".hitpoint-{os.getpid()}-11111111.tmp", (old, old))
    assert sweep_stale_temps(tmp_path) == 2
    assert {p.name for p in tmp_path.iterdir()} == {name for name, stays in names.items() if stays}


HOLDER = """
import sys, time
from pathlib import Path
from hitpoint.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_the_lock_keeps_others_out_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.otio"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    monkeypatch.setattr(files, "_LOCK_WAIT_S", 0.2)
    with pytest.raises(ConflictError, match="locked"), locked(path):
        pass
    holder.communicate("done\n")
    with locked(path):
        assert not list(tmp_path.iterdir())


def test_a_killed_holder_does_not_keep_the_lock(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "x")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.communicate()
    with locked(tmp_path / "x"):
        pass
