"""The built program: `hitpoint`, and in the place of Python where Hitpoint starts itself again.

Its children (`hitpoint.children`) and the editors' scripts run `sys.executable` as Python: with `-m MODULE`
or with the path of a file. Here that is this program, and only what it was built from can be run so. It has
no current folder, no PYTHON variables and no user's packages on its path anyway: -P and -I change nothing.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

OURS = ("hitpoint", "hitpoint_plugin")


def wanted(arguments: list[str], home: Path) -> tuple[str, list[str]]:
    """The module that Python would run for `arguments`, and what it would hand on; "" for the command line.

    `home` is where the program lies. ValueError for a module or a file that is not ours.
    """
    rest = list(arguments)
    while rest and rest[0] in ("-P", "-I"):
        rest.pop(0)
    as_python = len(rest) < len(arguments)
    if rest[:1] == ["-m"] and len(rest) > 1:
        return _ours(rest[1]), rest[2:]
    if as_python and rest:
        path = Path(os.path.normpath(rest[0]))
        if path.suffix != ".py" or not path.is_relative_to(home):
            raise ValueError(f"{path} is no part of this program.")
        return _ours(".".join(path.relative_to(home).with_suffix("").parts)), rest[1:]
    return "", arguments


def _ours(name: str) -> str:
    if name.partition(".")[0] not in OURS:
        raise ValueError(f"{name} is no part of this program.")
    return name


def main() -> None:
    """Run the command line, or one of our modules as `python -m` does."""
    try:
        name, rest = wanted(sys.argv[1:], Path(sys.prefix))
    except ValueError as error:
        raise SystemExit(str(error)) from None
    if name:
        sys.argv = [sys.executable, *rest]
        runpy.run_module(name, run_name="__main__", alter_sys=True)
        return
    from hitpoint.cli.app import main as command_line

    command_line()


if __name__ == "__main__":
    main()
