"""R4: the disk is really full, or a limit on file sizes is met, at many sizes; no success is false."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from saving import edit_of, rows, score

from hitpoint.batch.queue import Queue
from hitpoint.batch.run import STATE_FOLDER, opened
from hitpoint.errors import OutputError
from hitpoint.timeline.read import read_timeline

CLIPS = 30
SIZES = 200


def attempts(
    path: Path, out: Path, sizes: list[int], short_of: Callable[[int], None], again: Callable[[], None]
) -> int:
    """Score with so little room, each size in turn; how often that was refused. A success must be one."""
    info, refused = read_timeline(path), 0
    for size in sizes:
        before = out.read_bytes() if out.exists() else None
        short_of(size)
        try:
            score(info, 0, out)
        except OutputError:
            refused += 1
            assert (out.read_bytes() if out.exists() else None) == before
        else:
            assert [name for name, _, _ in rows(out)] == ["cue"]
            out.unlink()
        finally:
            again()
        assert not list(out.parent.glob(".hitpoint-*"))
    return refused


def spread(most: int, count: int) -> list[int]:
    return [most * number // count for number in range(count)]


@pytest.mark.parametrize("count", [4, pytest.param(SIZES, marks=pytest.mark.battery)])
def test_a_limit_on_file_sizes(count: int, tmp_path: Path) -> None:
    """The kernel cuts a write off in the middle; the limit holds for the guard's child too."""
    path = edit_of(tmp_path, CLIPS)
    out = tmp_path / "out.otio"
    score(read_timeline(path), 0, out)
    needed = out.stat().st_size
    out.unlink()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))

    refused = attempts(path, out, spread(needed, count), limit, lambda: limit(soft))
    print(f"\nR4: {count} limits on the file's size below {needed} bytes: {refused} refused, the rest 0")
    assert refused == count


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB of its own."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", mounted], check=False).returncode
    ):
        pytest.skip("mounting is not allowed here")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", mounted], check=True)


@pytest.mark.parametrize("count", [4, pytest.param(SIZES, marks=pytest.mark.battery)])
def test_a_disk_with_little_room(count: int, disk: Path, tmp_path: Path) -> None:
    """A tmpfs that another file fills up to the last few blocks, or all of it."""
    path = edit_of(tmp_path, CLIPS)
    filler = disk / "filler"

    def fill(room: int) -> None:
        filler.write_bytes(bytes((1 << 20) - room // 4096 * 4096))

    needed = len(edit_of(tmp_path, CLIPS).read_bytes())
    refused = attempts(path, disk / "out.otio", spread(needed, count), fill, filler.unlink)
    print(f"\nR4: {count} amounts of room on a tmpfs below {needed} bytes: {refused} refused")
    assert refused == count


def test_a_batch_on_a_full_disk_is_not_told_of_another_batch(disk: Path) -> None:
    """The folder is there, and not a byte more goes in: from the very start, and after an earlier run."""
    for run in (1, 2):
        (disk / "out" / STATE_FOLDER).mkdir(parents=True, exist_ok=True)
        with pytest.raises(OSError, match="No space"):
            (disk / "filler").write_bytes(bytes(2 << 20))
        with pytest.raises(OutputError, match="full"), opened(disk / "out") as path:
            Queue(path)
        (disk / "filler").unlink()
        if run == 1:
            with opened(disk / "out") as path:
                Queue(path).close()
