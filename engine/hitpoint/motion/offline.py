"""A place without a network, for code that would use one: mediapipe reports its use to its makers.

It looks for `play.googleapis.com` when a graph is made, and no option of its own turns that off (1.2.2).
What is watched is nobody's business, and Hitpoint works offline; so its graphs are made in a thread that may
not open an internet socket, and the threads that they start inherit this. Linux only; elsewhere nothing is
held back.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import socket
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Made = TypeVar("Made")

_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2  # of prctl
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # classic BPF: load a word, jump if equal, return
_NUMBER, _MACHINE, _FAMILY = 0, 4, 16  # where the kernel puts them (struct seccomp_data)
_CALLS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""Of each machine its name for the kernel (AUDIT_ARCH) and the number of `socket`."""


class _Program(ctypes.Structure):
    _fields_ = (("count", ctypes.c_ushort), ("code", ctypes.c_char_p))


def without_network(make: Callable[[], Made]) -> Made:
    """What `make` returns, called in a thread that has no internet, nor have the threads that it starts.

    Raises what `make` raises.
    """
    with ThreadPoolExecutor(1, "offline", _renounce) as thread:
        return thread.submit(make).result()


def _renounce() -> None:
    """Give up internet sockets for this thread: they are then refused as on a machine that has none."""
    if not sys.platform.startswith("linux") or platform.machine() not in _CALLS:
        return
    machine, number = _CALLS[platform.machine()]
    steps = (
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 0, 5, machine),
        (_LOAD, 0, 0, _NUMBER),
        (_EQUAL, 0, 3, number),
        (_LOAD, 0, 0, _FAMILY),
        (_EQUAL, 2, 0, socket.AF_INET),
        (_EQUAL, 1, 0, socket.AF_INET6),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE | errno.EAFNOSUPPORT),
    )
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    program = _Program(len(steps), code)
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    libc.prctl(_NO_NEW_PRIVILEGES, ctypes.c_ulong(1), zero, zero, zero)
    libc.prctl(_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.byref(program), zero, zero)
