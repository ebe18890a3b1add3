"""Timeline files as they lie on disk: the text, and the folder that its references start from."""

from __future__ import annotations

import hashlib
import shutil
import stat
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from platformdirs import user_cache_path

from hitpoint.errors import MissingMediaError, OutputError, TimelineError
from hitpoint.timeline.formats.base import Loss
from hitpoint.timeline.formats.convert import Converted, to_otio
from hitpoint.timeline.formats.registry import format_of
from hitpoint.timeline.prescan import MAX_BYTES

CONTENT = "content.otio"
MAX_ENTRIES = 10_000
MAX_TOTAL_BYTES = 8 << 30
MAX_RATIO = 100
_BLOCK = 1 << 20
_SMALL = 16 << 20  # below this a high ratio does no harm, and text compresses well
_TODO = "Export the bundle again, or export a plain .otio."


_FOLDERS = {".otiod": CONTENT, ".fcpxmld": "Info.fcpxml"}
"""Formats that are a folder, and the file in it that is the timeline."""


@dataclass(frozen=True, slots=True)
class Source:
    """A timeline as OpenTimelineIO text, and where its relative references start.

    `losses` are the parts of a file in another format that this text does not hold, `raw` that file itself.
    """

    data: bytes
    folder: Path
    losses: tuple[Loss, ...] = ()
    raw: bytes = b""


def load(path: Path) -> Source:
    """Read a timeline in any format; the media of an `.otioz` is unpacked into the user's cache.

    Raises TimelineError, MissingMediaError where there is no such file, OutputError if unpacking fails.
    """
    try:
        if not path.exists():
            raise MissingMediaError(f"There is no file {path}.", "Check the name.")
        folder = path.parent
        if path.is_dir() and path.suffix.lower() in _FOLDERS:
            path = path / _FOLDERS[path.suffix.lower()]
            folder = path.parent
        if not path.is_file():
            raise TimelineError(f"{path} is not a regular file.", "Choose a timeline file.")
        if path.suffix.lower() == ".otioz":
            return _load_bundle(path)
        if path.stat().st_size > MAX_BYTES:
            raise TimelineError(f"{path} is larger than {MAX_BYTES >> 20} MB.", "Split the timeline.")
        found = format_of(path)
        raw = path.read_bytes()
        read = to_otio(raw, found) if found is not None else Converted(raw)
        return Source(read.data, folder, read.losses, raw)
    except (MissingMediaError, OutputError):
        raise
    except OSError as error:
        raise TimelineError(f"{path} cannot be read: {error.strerror}.", "Check your permissions.") from error


def _load_bundle(path: Path) -> Source:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = checked_entries(archive)
            folder = user_cache_path("hitpoint") / "bundles" / _key(path, entries)
            if not _is_complete(folder, entries):
                _unpack(archive, entries, folder)
            return Source((folder / CONTENT).read_bytes(), folder)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise TimelineError(f"{path} is not a readable .otioz bundle: {error}.", _TODO) from error


def checked_entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files in the bundle, none of which may lead outside, be a link, or come twice.

    Raises TimelineError.
    """
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MAX_ENTRIES:
        raise TimelineError(f"The bundle has more than {MAX_ENTRIES} files.", _TODO)
    seen: set[str] = set()
    for entry in entries:
        name = PurePosixPath(entry.filename)
        mode = entry.external_attr >> 16
        if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or ":" in entry.filename:
            raise TimelineError(f"The bundle has a file that leads outside it: {entry.filename!r}.", _TODO)
        if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
            raise TimelineError(f"The bundle has a link or device in it: {entry.filename!r}.", _TODO)
        if str(name).casefold() in seen:
            raise TimelineError(f"The bundle has the file {entry.filename!r} twice.", _TODO)
        seen.add(str(name).casefold())
    contents = next((e for e in entries if e.filename == CONTENT), None)
    if contents is None:
        raise TimelineError("The bundle has no content.otio.", _TODO)
    if contents.file_size > MAX_BYTES:
        raise TimelineError("The bundle's content.otio is too large.", "Split the timeline.")
    return entries


def _key(path: Path, entries: list[zipfile.ZipInfo]) -> str:
    """The same content unpacks once; a changed bundle unpacks beside the old one."""
    facts = [f"{e.filename}\0{e.CRC}\0{e.file_size}" for e in entries]
    return f"{path.stem[:40]}-{hashlib.sha256(chr(10).join(facts).encode()).hexdigest()[:16]}"


def _is_complete(folder: Path, entries: list[zipfile.ZipInfo]) -> bool:
    targets = [(folder / e.filename, e.file_size) for e in entries]
    return all(target.is_file() and target.stat().st_size == size for target, size in targets)


def _unpack(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], folder: Path) -> None:
    """Into a fresh folder, counting real bytes (headers can lie), then into place in one move."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".unpack-", dir=folder.parent))
        try:
            left = MAX_TOTAL_BYTES
            for entry in entries:
                left -= _unpack_one(archive, entry, fresh / entry.filename, left)
            shutil.rmtree(folder, ignore_errors=True)
            fresh.replace(folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise OutputError(
            f"The bundle cannot be unpacked to {folder.parent}: {error.strerror or error}.",
            "Free some space.",
        ) from error


def _unpack_one(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    most = min(left, max(_SMALL, entry.compress_size * MAX_RATIO))
    written = 0
    with archive.open(entry) as packed, target.open("xb") as plain:
        while block := packed.read(_BLOCK):
            written += len(block)
            if written > most:
                raise TimelineError(
                    f"The bundle unpacks to far more than it should ({entry.filename!r}).", _TODO
                )
            plain.write(block)
    return written
