"""How Blender is started here: as a program, or as the module bpy of another Python."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def blender_command(script: Path) -> list[str] | None:
    """The command that runs `script` in Blender, arguments to follow; None if there is none."""
    if python := os.environ.get("HITPOINT_BPY"):
        return [python, str(script), "--"]
    if program := shutil.which("blender"):
        return [program, "-b", "--factory-startup", "--python", str(script), "--"]
    return None
