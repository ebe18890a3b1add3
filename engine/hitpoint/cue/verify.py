"""Reads a file's origin back: did Hitpoint make it, with what, and was the sound changed since."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hitpoint.cue.wav import PCM_KEY, SOURCE_TYPE
from hitpoint.errors import MediaError, MissingMediaError

MAX_TEXT_CHUNK = 1 << 20
MAX_CHUNKS = 1000
HASH_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Origin:
    """What a file says of itself. The fields are empty where it says nothing.

    `intact` is None without a recorded digest. It shows accidents, not forgery: the mark is not signed.
    """

    ai_generated: bool
    engine: str
    bundle: str
    request: str
    seed: str
    style: str
    time_reference: int | None  # samples
    intact: bool | None


@dataclass(frozen=True, slots=True)
class _Chunk:
    name: bytes
    start: int
    size: int


def read_origin(path: Path) -> Origin:
    """The marks of a WAV file.

    Raises MissingMediaError, and MediaError for anything that is no regular WAV file.
    """
    with _opened(path) as file:
        chunks = {chunk.name: chunk for chunk in reversed(list(_chunks(file)))}
        fields = _fields(_text(file, chunks.get(b"LIST")))
        recorded, data = fields.get(PCM_KEY), chunks.get(b"data")
        intact = None if recorded is None or data is None else _digest(file, data) == recorded
        return Origin(
            ai_generated=fields.get("digitalSourceType") == SOURCE_TYPE,
            engine=fields.get("engine", ""),
            bundle=fields.get("bundle", ""),
            request=fields.get("request", ""),
            seed=fields.get("seed", ""),
            style=fields.get("style", ""),
            time_reference=_time_reference(file, chunks.get(b"bext")),
            intact=intact,
        )


def chunk_of(path: Path, name: bytes, most: int) -> bytes | None:
    """The body of a chunk of a WAV file; None where there is none, or one of more than `most` bytes.

    Raises as `read_origin`.
    """
    with _opened(path) as file:
        found = next((chunk for chunk in _chunks(file) if chunk.name == name), None)
        if found is None or found.size > most:
            return None
        file.seek(found.start)
        return file.read(found.size)


@contextmanager
def _opened(path: Path) -> Generator[BinaryIO]:
    """A file that begins as a WAV file does."""
    if not path.exists():
        raise MissingMediaError(f"There is no file {path}.", "Check the name.")
    if not path.is_file():
        raise MediaError(f"{path} is not a regular file.", "Give a WAV file.")
    with path.open("rb") as file:
        header = file.read(12)
        if header[:4] != b"RIFF" or header[8:] != b"WAVE":
            raise MediaError(f"{path} is not a WAV file.", "Only WAV files carry Hitpoint's marks.")
        yield file


def _chunks(file: BinaryIO) -> Iterator[_Chunk]:
    """The top-level chunks, as far as they are whole or cut off by the file's end."""
    at = 12
    for _ in range(MAX_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        size = struct.unpack("<I", head[4:])[0]
        yield _Chunk(head[:4], at + 8, size)
        at += 8 + size + size % 2


def _text(file: BinaryIO, chunk: _Chunk | None) -> str:
    """The comment of a LIST/INFO chunk."""
    if chunk is None:
        return ""
    file.seek(chunk.start)
    body = file.read(min(chunk.size, MAX_TEXT_CHUNK))
    at = 4 if body[:4] == b"INFO" else len(body)
    while at + 8 <= len(body):
        size = struct.unpack("<I", body[at + 4 : at + 8])[0]
        if body[at : at + 4] == b"ICMT":
            return body[at + 8 : at + 8 + size].rstrip(b"\0").decode("utf-8", "replace")
        at += 8 + size + size % 2
    return ""


def _fields(comment: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in comment.split(";"))
    return {key: value for key, sign, value in pairs if sign}


def _time_reference(file: BinaryIO, chunk: _Chunk | None) -> int | None:
    if chunk is None or chunk.size < 346:
        return None
    file.seek(chunk.start + 338)
    raw = file.read(8)
    return int.from_bytes(raw, "little") if len(raw) == 8 else None


def _digest(file: BinaryIO, chunk: _Chunk) -> str:
    digest, left = hashlib.sha256(), chunk.size
    file.seek(chunk.start)
    while left and (block := file.read(min(left, HASH_BLOCK))):
        digest.update(block)
        left -= len(block)
    return digest.hexdigest()
