"""One watcher for a folder: two would answer the same export twice."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from hitpoint.errors import ConflictError, OutputError

if sys.platform != "win32":
    import fcntl

LOCK = ".hitpoint-watch.lock"


@contextmanager
def only_one(folder: Path) -> Generator[None]:
    """Keep other processes from watching `folder`; the system lets go when this one ends, however it does.

    The file holds our process id for whoever is refused, and goes away at the end. Unreliable on some network
    shares, and no guard at all on Windows. Raises ConflictError, OutputError.
    """
    path = folder / LOCK
    handle = _taken(path)
    try:
        handle.seek(0)
        handle.truncate()
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield
    finally:
        with suppress(OSError):
            path.unlink()  # while it is still ours
        handle.close()


def _taken(path: Path) -> TextIO:
    """The file with the lock on it."""
    while True:
        try:
            handle = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise OutputError(
                f"{path} cannot be written: {error.strerror}.", "Choose a folder that can."
            ) from error
        if not _lock(handle):
            handle.seek(0)
            other = handle.read().strip() or "unknown"
            handle.close()
            raise ConflictError(
                f"{path.parent} is watched already, by the process {other}.",
                "One watcher is enough; end the other first, or watch another folder.",
            )
        with suppress(OSError):
            if os.path.samestat(os.fstat(handle.fileno()), path.stat()):
                return handle
        handle.close()  # who had it has removed it meanwhile


def _lock(handle: TextIO) -> bool:
    """Whether it is ours now; a file system that knows no locks says yes."""
    if sys.platform != "win32":
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
    return True
