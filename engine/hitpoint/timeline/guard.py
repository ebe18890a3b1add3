"""Parses untrusted timeline text in a child process with a clock, and no environment, around it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hitpoint import children
from hitpoint.errors import TimelineError
from hitpoint.timeline.prescan import prescan
from hitpoint.timeline.tree import Tree, tree_from_json

CHILD = Path(__file__).with_name("child.py")
WALL_S = 120.0  # processor time is limited to much less; this is for a child that waits, or a busy machine
MAX_ANSWER = 128 << 20
_EXPORT_AGAIN = "Export it again from your editor as OpenTimelineIO (.otio)."


def parse(data: bytes) -> Tree:
    """The timeline in `data`. Raises TimelineError, whatever the bytes are."""
    text = prescan(data)
    answer = ask_child(CHILD, [], text.encode("utf-8"))
    fault = answer.get("fault")
    if fault == "newer":
        raise TimelineError(
            f"The timeline was written in a newer format than this version reads: {answer.get('detail')}.",
            "Export it for an older OpenTimelineIO version (0.18 or before), or update Hitpoint.",
        )
    if fault is not None or not isinstance(answer.get("timeline"), dict):
        detail = str(answer.get("detail", "no reason given"))[:300]
        raise TimelineError(f"The timeline cannot be read: {detail}.", _EXPORT_AGAIN)
    return tree_from_json(answer["timeline"])


def ask_child(script: Path, arguments: list[str], data: bytes) -> dict[str, Any]:
    """Run a child's `script` with `data` on its stdin; what it says. Raises TimelineError.

    Its answer goes to a file, so that the limit on file sizes holds for it too.
    """
    # On Windows a process does not start without SYSTEMROOT; nothing else is handed on.
    environment = {key: os.environ[key] for key in ("SYSTEMROOT",) if key in os.environ}
    with tempfile.TemporaryFile() as answer:
        try:
            done = subprocess.run(
                children.script(script, *arguments),
                input=data,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                env=environment,
                timeout=WALL_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise TimelineError(
                f"Reading the timeline took longer than {WALL_S:.0f} s.", _EXPORT_AGAIN
            ) from error
        if done.returncode != 0:
            raise TimelineError(
                f"The timeline library failed on this file (code {done.returncode}).", _EXPORT_AGAIN
            )
        if answer.tell() > MAX_ANSWER:
            raise TimelineError("The timeline is too large.", "Split the timeline.")
        answer.seek(0)
        return _decoded(answer.read())


def _decoded(raw: bytes) -> dict[str, Any]:
    try:
        found: Any = json.loads(raw)
    except ValueError as error:
        raise TimelineError("The timeline library gave no usable answer.", _EXPORT_AGAIN) from error
    if not isinstance(found, dict):
        raise TimelineError("The timeline library gave no usable answer.", _EXPORT_AGAIN)
    return found
