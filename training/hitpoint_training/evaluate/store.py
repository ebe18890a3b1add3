"""What was measured, kept in files: a run that was stopped goes on, and another row costs only itself."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hitpoint_training.evaluate.frechet import Moments
from hitpoint_training.evaluate.measured import Impression, Measured
from hitpoint_training.evaluate.picture import Cuts, Shots

_HEARING = ("beats", "frechet", "heard", "patches", "sync")
_MEASURING = (*_HEARING, "finish", "loris", "measured", "melody", "picture", "tone")


@cache
def _sources(modules: tuple[str, ...]) -> str:
    """A hash of the code that measures: other code, other results."""
    folder = Path(__file__).parent
    return hashlib.sha256(b"".join((folder / f"{name}.py").read_bytes() for name in modules)).hexdigest()


def key_of(kind: type[Measured | Impression], *parts: str | Path) -> str:
    """A name for what is measured of some files (by path, size and time) and texts."""
    digest = hashlib.sha256(_sources(_MEASURING if kind is Measured else _HEARING).encode())
    for part in parts:
        if isinstance(part, Path):
            status = part.stat()
            digest.update(f"{part.resolve()} {status.st_size} {status.st_mtime_ns}\n".encode())
        else:
            digest.update(part.encode() + b"\n")
    return digest.hexdigest()[:24]


def keep(path: Path, found: Measured | Impression) -> None:
    """Write, whole or not at all."""
    shown = found.impression if isinstance(found, Measured) else found
    arrays: dict[str, Any] = {
        "patches": shown.patches,
        "count": np.array(shown.mel.count),
        "total": shown.mel.total,
        "squares": shown.mel.squares,
    }
    if isinstance(found, Measured):
        told = {
            "figures": found.figures,
            "shots": [found.shots.brightness, found.shots.centroid],
            "cuts": [found.cuts.on, found.cuts.off, found.cuts.beats],
        }
        arrays |= {"told": np.array(json.dumps(told)), "hits": found.hits, "beats": found.beats}
        arrays |= {f"bins {name}": bins for name, bins in found.bins.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        np.savez(file, **arrays)
    part.replace(path)


def kept_impression(path: Path) -> Impression:
    """As `keep` wrote it."""
    with np.load(path, allow_pickle=False) as data:
        moments = Moments(int(data["count"]), data["total"], data["squares"])
        return Impression(data["patches"], moments)


def kept(path: Path) -> Measured:
    """As `keep` wrote it."""
    with np.load(path, allow_pickle=False) as data:
        told = json.loads(str(data["told"]))
        return Measured(
            figures=told["figures"],
            hits=data["hits"],
            shots=Shots(*(tuple(part) for part in told["shots"])),
            cuts=Cuts(*(tuple(part) for part in told["cuts"])),
            bins={name[5:]: data[name] for name in data.files if name.startswith("bins ")},
            beats=data["beats"],
            impression=kept_impression(path),
        )
