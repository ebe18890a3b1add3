"""The last step of writing over a file that others write too: in its place, or not at all.

An editor takes no lock. Between our last look at its file and a rename there is time for a save, which the
rename would throw away unseen. Linux can exchange two names in one step (`renameat2`): what was there is then
in our hands, is looked at once more, and goes back if it is not what we know. Where the system or the file
system has no such call, it is the rename, and what an editor saves in that moment is lost.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

from hitpoint.errors import OutputError

_AT_FDCWD = -100
_NOREPLACE, _EXCHANGE = 1, 2
_UNKNOWN_HERE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)
"""An old kernel, a file system without the flag (NFS), a container's filter. A rename may do even so."""


def put_in_place(temp: Path, target: Path, before: bytes | None) -> bool:
    """Give `temp` the name `target` if that holds `before` (None: there is nothing); whether it did.

    If it did not, `target` is as others left it. `temp` is rubbish afterwards, whatever is in it. Raises
    OSError, nothing being changed, and OutputError if what others saved had to go under another name.
    """
    ours = _stamp(temp)
    try:
        _rename(temp, target, _NOREPLACE if before is None else _EXCHANGE)
    except (FileExistsError, FileNotFoundError):
        return False
    except OSError as error:
        if error.errno not in _UNKNOWN_HERE:
            raise
        temp.replace(target)
        return True
    if before is None:
        return True
    known = False
    try:
        known = temp.read_bytes() == before
    finally:  # what cannot be read is not known either
        if not known:
            _put_back(temp, target, ours)
    return known


def _put_back(temp: Path, target: Path, ours: tuple[int, int, int]) -> None:
    """Exchange again, until what comes out is what was put in: if not, it is a still newer save."""
    placed = ours
    try:
        while True:
            theirs = _stamp(temp)
            _rename(temp, target, _EXCHANGE)
            if _stamp(temp) == placed:
                return
            placed = theirs
    except OSError as error:
        kept = temp.rename(target.with_name(f"{target.name}.rescued-{os.urandom(4).hex()}"))
        raise OutputError(
            f"{target} was saved by another program while we wrote it, and then the disk reported a fault: "
            f"{error.strerror}.",
            f"What was saved is kept as {kept}.",
        ) from error


def _stamp(path: Path) -> tuple[int, int, int]:
    """Tells files apart without reading them, and a file from itself after an editor wrote into it."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _rename(old: Path, new: Path, flag: int) -> None:
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if sys.platform == "linux" else None
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if call(_AT_FDCWD, os.fsencode(old), _AT_FDCWD, os.fsencode(new), flag):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(new))
