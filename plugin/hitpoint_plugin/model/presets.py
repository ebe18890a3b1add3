"""The user's presets on the disk: small, in a file of their own, so that they outlive every session."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hitpoint.errors import OutputError
from hitpoint.files import write_atomic
from hitpoint_plugin.codec import CodecError, from_json, to_json
from hitpoint_plugin.model.state import Preset
from hitpoint_plugin.tasks import Failure

_ASIDE = ".unreadable.json"


@dataclass(frozen=True, slots=True)
class _Saved:
    presets: tuple[Preset, ...] = ()


def load_presets(path: Path) -> tuple[tuple[Preset, ...], Failure | None]:
    """What was saved. A file that cannot be read is kept aside, and the failure says where."""
    try:
        return from_json(_Saved, json.loads(path.read_text(encoding="utf-8"))).presets, None
    except FileNotFoundError:
        return (), None
    except (CodecError, ValueError, OSError) as error:
        return (), kept_aside(path, "Your presets", error)


def save_presets(path: Path, presets: tuple[Preset, ...]) -> Failure | None:
    """Write all of them, or none; the failure says why not."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(to_json(_Saved(presets)), indent=1).encode("utf-8"))
    except (OSError, OutputError) as error:
        return Failure("The presets could not be saved.", "Free some space, then save again.", str(error))
    return None


def kept_aside(path: Path, what: str, error: Exception) -> Failure:
    """Move a file that cannot be read out of the way, and say so."""
    aside = path.with_suffix(_ASIDE)
    with suppress(OSError):
        path.replace(aside)
    todo = f"The file was kept as {aside}; the panel starts without it."
    return Failure(f"{what} could not be read.", todo, f"{path}: {error}")
