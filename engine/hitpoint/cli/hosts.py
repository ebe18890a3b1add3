"""`hitpoint hosts`: connectors for editors, by the panel's package, which the engine never imports."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import typer

from hitpoint import children
from hitpoint.errors import UsageError

PACKAGE = "hitpoint_plugin"


def hosts(context: typer.Context) -> None:
    """Editors: list, install or remove a connector, watch a folder for timelines."""
    if find_spec(PACKAGE) is None:
        raise UsageError(
            "The connectors are not installed.", "Install them with: pip install 'hitpoint[cpu,plugin]'"
        )
    command = children.module(f"{PACKAGE}.connect", *context.args)
    if sys.platform != "win32":
        os.execv(command[0], command)  # in our place, so that whoever stops us stops it
    raise SystemExit(subprocess.run(command, check=False).returncode)
