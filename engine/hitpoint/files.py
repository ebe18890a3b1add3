"""Writing so that nothing is ever lost: a file is either the old one or the whole new one, never between.

The steps are those of `write_atomic`: temporary file in the same folder, write, flush, fsync, read back,
rename, fsync of the folder. `write_over` is for files that others write too: nobody's save is lost. A killed
process leaves at most a temporary file, which `sweep_stale_temps` takes away at the next start.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import socket
import sys
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_cache_path

from hitpoint import exchange
from hitpoint.errors import ConflictError, OutputError

if sys.platform != "win32":  # there the comparison of contents before each replace is the only guard
    import fcntl

_unfinished: set[Path] = set()
"""Temporary files of this process, so that `discard_temps` finds those in folders it does not know."""

_TEMP = re.compile(r"\.hitpoint-(\d+)-[0-9a-f]{8}(?:-([0-9a-f]{8}))?\.tmp")
_HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"
"""Of another machine that shares the folder, nobody here can tell whether a process is alive."""
_STALE_AFTER_S = 24 * 3600.0
_LOCK_WAIT_S = 20.0

_CAUSES = {
    errno.ENOSPC: ("the disk is full", "Free some space or choose another disk."),
    errno.EDQUOT: ("your disk quota is used up", "Free some space or choose another disk."),
    errno.EFBIG: ("a limit on file sizes was met", "Raise the limit or choose another disk."),
    errno.EROFS: ("the disk is read-only", "Choose a folder that can be written."),
    errno.EACCES: ("you have no permission", "Choose a folder that can be written."),
    errno.EPERM: ("you have no permission", "Choose a folder that can be written."),
    errno.ENAMETOOLONG: ("its name is too long", "Choose a shorter name."),
    errno.EIO: ("the disk reported a fault", "Choose another disk, and have this one looked at."),
}

_CANNOT_SYNC_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM)
"""Some network shares know no fsync of a folder, and a folder may be writable and not readable."""


def write_atomic(path: Path, data: bytes) -> Path:
    """Put `data` at `path` completely or not at all, and return the real path (links are followed).

    Raises OutputError; the previous file is then untouched.
    """
    return _write(path, data, _rename)


def write_over(path: Path, data: bytes, before: bytes | None, again: str) -> Path:
    """The same, if `path` holds `before` (None: there is nothing), up to the very step in which it changes.

    Raises OutputError, and ConflictError, with what to do `again`, if it holds something else; what somebody
    else saved meanwhile is then there.
    """

    def put(temp: Path, target: Path) -> None:
        if not (is_still(target, before) and exchange.put_in_place(temp, target, before)):
            raise ConflictError(f"{path} was changed at the same moment.", again)

    return _write(path, data, put)


def _write(path: Path, data: bytes, put: Callable[[Path, Path], None]) -> Path:
    with _replacing(path, put) as temp:
        with temp.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if temp.read_bytes() != data:
            raise OutputError(f"{path} did not read back as it was written.", "Choose another disk.")
    return path.resolve()


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """A temporary path beside `path` to write to; it becomes `path` when the block ends without error.

    For files too large to hold in memory. Raises OutputError, also for an OSError inside the block.
    """
    with _replacing(path, _rename) as temp:
        yield temp


def _rename(temp: Path, target: Path) -> None:
    temp.replace(target)


@contextmanager
def _replacing(path: Path, put: Callable[[Path, Path], None]) -> Generator[Path]:
    """`replacing` with the last step, in which the temporary file gets its name."""
    target = _checked_target(path)
    temp = target.parent / f".hitpoint-{os.getpid()}-{os.urandom(4).hex()}-{_HOST}.tmp"
    _unfinished.add(temp)
    try:
        yield temp
        fsync(temp)
        if target.exists():
            shutil.copymode(target, temp)
        put(temp, target)
        _make_durable(target)
    except OutputError:
        raise
    except OSError as error:
        raise _output_error(path, error) from error
    finally:
        _discard(temp)


def cache_folder() -> Path:
    """Where what can be had again is kept: $HITPOINT_CACHE, or the system's place for caches."""
    own = os.environ.get("HITPOINT_CACHE")
    return Path(own) if own else user_cache_path("hitpoint")


def discard_temps() -> None:
    """Remove every unfinished file of this process; for the moment before a hard exit."""
    for temp in list(_unfinished):
        _discard(temp)


def content_of(path: Path) -> bytes | None:
    """What is at `path` before it is overwritten; None if nothing is. Raises OutputError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError(f"{path} cannot be read: {why}.", "Nothing was changed.") from error


def is_still(path: Path, before: bytes | None) -> bool:
    """Whether `path` holds `before` (None: there is nothing) now, not only when its reading began.

    An editor takes no lock and may save at any moment, also after this. Raises OutputError.
    """
    stamp = _stamp(path)
    return content_of(path) == before and _stamp(path) == stamp


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def backup(path: Path, data: bytes) -> Path:
    """Keep `data`, what `path` held, as the first free `NAME.bak-N` beside it. Raises OutputError."""
    number = 1
    while (copy := path.with_name(f"{path.name}.bak-{number}")).exists():
        number += 1
    return write_atomic(copy, data)


def backups(path: Path) -> list[Path]:
    """The backups of `path`, oldest first."""
    found = path.parent.glob(f"{_glob_escape(path.name)}.bak-*")
    numbered = [(int(p.suffix[5:]), p) for p in found if p.suffix[5:].isdecimal()]
    return [p for _, p in sorted(numbered)]


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Keep other Hitpoint processes from writing in the folder of `path`; hold it for moments only.

    Advisory, and unreliable on some network shares, so writers compare contents as well. The lock is on
    the folder itself, which leaves no lock file behind. Raises ConflictError after 20 s of waiting.
    """
    if sys.platform == "win32":
        yield
        return
    folder = os.open(_checked_target(path).parent, os.O_RDONLY)
    try:
        deadline = time.monotonic() + _LOCK_WAIT_S
        while not _try_lock(folder):
            if time.monotonic() > deadline:
                raise ConflictError(f"Another Hitpoint keeps {path} locked.", "Wait for it to finish.")
            time.sleep(0.02)
        yield
    finally:
        os.close(folder)


def sweep_stale_temps(folder: Path) -> int:
    """Remove what killed Hitpoint processes left in `folder`; returns how many files went."""
    swept = 0
    for temp in _temps(folder):
        match = _TEMP.fullmatch(temp.name)
        if match is None:
            continue
        dead = match[2] in (None, _HOST) and not _alive(int(match[1]))
        if dead or _age_s(temp) > _STALE_AFTER_S:
            with suppress(OSError):
                temp.unlink()
                swept += 1
    return swept


def sha256_of(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def _discard(temp: Path) -> None:
    with suppress(OSError):
        temp.unlink(missing_ok=True)
    _unfinished.discard(temp)


def _checked_target(path: Path) -> Path:
    try:
        target = path.resolve()
        if target.is_dir():
            raise OutputError(f"{path} is a folder, not a file.", "Give the name of a file in it.")
        if not target.parent.is_dir():
            raise OutputError(f"The folder {target.parent} does not exist.", "Create it or choose another.")
        if target.exists() and not target.is_file():
            raise OutputError(f"{path} is not a regular file.", "Choose another name.")
    except OutputError:
        raise
    except RuntimeError as error:  # how Python before 3.13 reports a link that leads to itself
        raise OutputError(f"{path} is a link that leads nowhere.", "Choose another name.") from error
    except OSError as error:
        raise _output_error(path, error) from error
    return target


def _output_error(path: Path, error: OSError) -> OutputError:
    why, todo = _CAUSES.get(error.errno or 0, (error.strerror or str(error), "Choose another place."))
    return OutputError(f"{path} cannot be written: {why}.", f"{todo} Nothing was changed.")


def _make_durable(target: Path) -> None:
    """After the rename: let the new name survive a power cut. The new file is whole by now, and stays."""
    if os.name == "nt":  # Windows cannot open a folder for this, and does not need it
        return
    try:
        fsync(target.parent)
    except OSError as error:
        if error.errno in _CANNOT_SYNC_FOLDERS:
            return
        raise OutputError(
            f"{target} is written, but the disk reported a fault after it: {error.strerror}.",
            "Copy it to another disk, and have this one looked at.",
        ) from error


def fsync(path: Path) -> None:
    """Have the disk keep what was written to a file or a folder. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    if sys.platform != "win32":
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _temps(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from list(folder.glob(".hitpoint-*.tmp"))


def _alive(pid: int) -> bool:
    if os.name == "nt":  # no harmless probe there; age decides
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _glob_escape(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)
