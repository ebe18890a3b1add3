"""Starts the panel, which is a program of its own under another licence; the engine never imports it."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path

from hitpoint import children
from hitpoint.errors import UsageError

PANEL = "hitpoint_plugin"


def open_panel(source: Path | None, screenshot: Path | None, size: str | None) -> int:
    """Run the panel until it is closed, and return its exit code. Raises UsageError where it is missing."""
    missing = [name for name in (PANEL, "PyQt6", "pyqtgraph") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"The panel cannot start: {', '.join(missing)} is not installed.",
            "Install it with: pip install 'hitpoint[cpu,plugin]'",
        )
    arguments = [] if source is None else [str(source)]
    arguments += [] if screenshot is None else ["--screenshot", str(screenshot)]
    arguments += [] if size is None else ["--size", size]
    return subprocess.call(children.module(PANEL, *arguments))
