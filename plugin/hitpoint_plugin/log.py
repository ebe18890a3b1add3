"""The panel's log: what was done and what failed, in a file that never grows beyond two megabytes."""

from __future__ import annotations

import logging
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

LOG = logging.getLogger("hitpoint.panel")
_BYTES = 1_000_000
_SHOWN = 200_000  # characters from the end


def start_log(folder: Path) -> Path:
    """From now on log into `folder`; a disk that takes nothing must not stop the work."""
    path = folder / "panel.log"
    for handler in LOG.handlers[:]:
        LOG.removeHandler(handler)
        handler.close()
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        file = RotatingFileHandler(path, maxBytes=_BYTES, backupCount=1, encoding="utf-8", delay=True)
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        LOG.addHandler(file)
    return path


def read_log(path: Path) -> str:
    """The end of the log; empty where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")[-_SHOWN:]
    except OSError:
        return ""
