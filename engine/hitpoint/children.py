"""How Hitpoint starts itself again, in a process of its own: one place for every such command line.

The built program has no Python beside it. `sys.executable` is then the program itself, which understands
exactly these two forms, and only for what it was built from (`packaging/program.py`).
"""

from __future__ import annotations

import sys
from pathlib import Path


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs our module `name`; the current folder offers it no modules."""
    return [sys.executable, "-P", "-m", name, *arguments]


def script(path: Path, *arguments: str) -> list[str]:
    """The command that runs our file at `path` alone: no PYTHON variables, no packages of the user."""
    return [sys.executable, "-I", str(path), *arguments]
