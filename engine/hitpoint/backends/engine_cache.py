"""Engine files that are only opened if this installation sealed exactly these bytes for exactly this recipe.

File: magic, HMAC-SHA-256 over all that follows, length of the header, header (JSON), plan. The seal is
compared before anything else is read, so neither JSON nor TensorRT ever meets bytes that we did not write.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import stat
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hitpoint.errors import OutputError
from hitpoint.files import cache_folder, write_atomic

MAGIC = b"hitpoint engine 1\n"
LARGEST = 4 << 30
_SEAL, _LENGTH = 32, 8
_PLAN_AT = len(MAGIC) + _SEAL


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that an engine depends on; a change in any of it makes another engine."""

    graph: str
    onnx_sha256: str
    runtime: str
    runtime_version: str
    gpu: str  # name, uuid, driver; "none" where it was built without
    precision: str
    profiles: str
    rules_sha256: str  # of the code that types the graph and drives the compiler

    def digest(self) -> str:
        """Hexadecimal SHA-256 of all fields."""
        return hashlib.sha256(_json(asdict(self))).hexdigest()

    def path(self, folder: Path) -> Path:
        """Where the engine of this recipe is kept."""
        return folder / f"{self.graph}-{self.digest()[:32]}.engine"


@dataclass(frozen=True, slots=True)
class Summary:
    """What an engine is made of. Without a GPU some figures are not known."""

    network_layers: int
    kinds: tuple[tuple[str, int], ...]  # of network layers, most frequent first
    half_tensors: int
    tensors: int
    plan_bytes: int
    build_seconds: float
    half_error: float | None  # of the output, by ONNX Runtime; None in fp32
    engine_kinds: tuple[tuple[str, int], ...]  # of the layers after fusion; empty without a GPU
    device_memory: int | None  # bytes of working memory at the largest profile; None without a GPU


@dataclass(frozen=True, slots=True)
class Sealed:
    """An engine that passed every check."""

    plan: bytes
    summary: Summary


def engines_folder() -> Path:
    """Where engines are looked for, and built unless another folder is named."""
    return cache_folder() / "engines"


def save(folder: Path, key: bytes, recipe: Recipe, engine: Sealed) -> Path:
    """Seal an engine and put it in the cache, completely or not at all. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error}.", "Choose another folder with -o.") from error
    header = _json({"recipe": asdict(recipe), "summary": asdict(engine.summary)})
    body = len(header).to_bytes(_LENGTH, "little") + header + engine.plan
    path = recipe.path(folder)
    write_atomic(path, MAGIC + _seal(key, body) + body)
    path.chmod(0o600)
    return path


def load(folder: Path, key: bytes | None, recipe: Recipe) -> Sealed | str:
    """The engine of a recipe, or why there is none to be used."""
    found = _unsealed(recipe.path(folder), key)
    if isinstance(found, str):
        return found
    made, engine = found
    return engine if made == recipe else "it was built for something else"


def find(folder: Path, key: bytes | None, graph: str, fits: Callable[[Recipe], bool]) -> Sealed | str:
    """The first engine of a graph whose recipe `fits`, or why there is none to be used."""
    why = "not built yet"
    for path in sorted(folder.glob(f"{graph}-*.engine")):
        found = _unsealed(path, key)
        if isinstance(found, str):
            why = found
        elif found[0].graph == graph and fits(found[0]):
            return found[1]
        else:
            why = "it was built for something else"
    return why


def _unsealed(path: Path, key: bytes | None) -> tuple[Recipe, Sealed] | str:
    """What is in an engine file, or why it is not to be used."""
    data = _read(path)
    if isinstance(data, str):
        return data
    if key is None:
        return "this installation has no key yet"
    body = data[_PLAN_AT:]
    if data[: len(MAGIC)] != MAGIC or not hmac.compare_digest(data[len(MAGIC) : _PLAN_AT], _seal(key, body)):
        return "it was changed, or sealed by another installation"
    size = int.from_bytes(body[:_LENGTH], "little")
    header = json.loads(body[_LENGTH : _LENGTH + size])
    return Recipe(**header["recipe"]), Sealed(body[_LENGTH + size :], _summary(header["summary"]))


def _summary(content: dict[str, Any]) -> Summary:
    """JSON knows lists only."""
    for name in ("kinds", "engine_kinds"):
        content[name] = tuple((str(kind), int(count)) for kind, count in content[name])
    return Summary(**content)


def _read(path: Path) -> bytes | str:
    """The bytes of a regular file, opened once and never through a link, or why not."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return "not built yet"
    except OSError as error:
        return f"it cannot be opened ({error.strerror})"
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or not _PLAN_AT + _LENGTH < status.st_size <= LARGEST:
            return "it is no engine file"
        return file.read()


def _seal(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
