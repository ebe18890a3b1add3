"""The key of this installation: 32 random bytes that only its user can read.

An engine is native code to the library that loads it, so only engines that carry a seal under this key are
ever loaded. The key never leaves the machine; an engine from elsewhere therefore has no valid seal.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

import platformdirs

from hitpoint.errors import OutputError

SIZE = 32


def key_path() -> Path:
    """Where the key of this user is kept."""
    return Path(platformdirs.user_data_dir("hitpoint", appauthor=False)) / "engine.key"


def read_key(path: Path | None = None) -> bytes | None:
    """The key, or None if there is none that only we could have read and written."""
    try:
        handle = os.open(path or key_path(), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        data = file.read(SIZE + 1)
    return data if len(data) == SIZE and _private(status) else None


def install_key(path: Path | None = None) -> bytes:
    """The key of this installation, made if there is none; of two that make it at once, one wins for both.

    Raises OutputError if it cannot be kept.
    """
    target = path or key_path()
    found = read_key(target)
    if found is not None:
        return found
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return _make(target)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error}.", "Engines need a key there.") from error


def _make(target: Path) -> bytes:
    """Link a finished file into place, which fails if there is one, so nobody ever sees half a key."""
    temp = target.with_name(f".{target.name}-{os.getpid()}-{secrets.token_hex(4)}")
    handle = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(SIZE))
            file.flush()
            os.fsync(file.fileno())
        # A file that others could read or that has another length is no key; what it sealed is void.
        if target.is_symlink() or (target.exists() and read_key(target) is None):
            target.unlink()
        with suppress(FileExistsError):
            os.link(temp, target)
    finally:
        temp.unlink()
    key = read_key(target)
    if key is None:
        raise OSError("it does not keep its permissions")
    return key


def _private(status: os.stat_result) -> bool:
    if os.name == "nt":  # the user's folder is private there; modes say nothing
        return stat.S_ISREG(status.st_mode)
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
