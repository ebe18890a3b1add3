"""A timeline together with its media: OpenTimelineIO's file bundles, one archive or one folder.

Laid out as that library's own adapters do it: `content.otio`, `version.txt`, and the files in `media/`, all
directly in it. What cannot be gathered is named, and its reference stays.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from hitpoint.errors import MediaError, MissingMediaError, OutputError, TimelineError, UsageError
from hitpoint.files import fsync, replacing
from hitpoint.media.facts import facts_of
from hitpoint.timeline.formats.base import Format, Loss
from hitpoint.timeline.formats.native import OTIOD, OTIOZ
from hitpoint.timeline.moved import respelled
from hitpoint.timeline.source import CONTENT, MAX_ENTRIES, MAX_TOTAL_BYTES, checked_entries
from hitpoint.timeline.track import insert, lift
from hitpoint.timeline.urls import absolute, is_relative, locate, reference

VERSION = "1.0.0"
MEDIA = "media"
_TEMP = ".hitpoint-bundle-"
_STALE_AFTER_S = 24 * 3600.0
_NAME_LENGTH = 100
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_PACKED = 16 << 20  # a larger text might be packed more tightly than readers of bundles trust


@dataclass(frozen=True, slots=True)
class Bundle:
    """What will be in it: the timeline's text, and the files by their names in `media/`."""

    text: str
    media: dict[str, Path]
    losses: tuple[Loss, ...]


def is_bundle(target: Format) -> bool:
    """Whether media goes with the timeline in this format."""
    return target in (OTIOZ, OTIOD)


def check_copy(path: Path, out: Path) -> None:
    """Raises UsageError if `out` is the bundle `path` itself: its media would be read while it is written."""
    if out.suffix.lower() in (*OTIOZ.suffixes, *OTIOD.suffixes) and path.resolve() == out.resolve():
        raise UsageError(f"{out.name} is the bundle itself.", "Give the result another name.")


def bundled(text: str, folder: Path, rate: Fraction) -> Bundle:
    """The timeline `text` at `rate`, whose relative references start in `folder`, with what they lead to.

    Nothing is written. Only what opens as media is gathered: a timeline of a stranger may name any file.
    """
    gathering = _Gathering(folder)
    base = respelled(lift(text), gathering.spelled)
    made = insert(base, rate) if base.cues else base.text
    if base.cues and lift(made).original != lift(text).original:
        raise TimelineError("The timeline is written in a way that cannot be bundled.", "Export it again.")
    return Bundle(made, {name: path for path, name in gathering.names.items()}, tuple(gathering.losses))


def write_bundle(out: Path, bundle: Bundle, *, keep: bool = True) -> Path:
    """Write it whole or not at all; what was there is kept as `NAME.bak-N` if `keep`. Raises OutputError."""
    size = sum(_size(path) for path in bundle.media.values()) + len(bundle.text)
    if size > MAX_TOTAL_BYTES or len(bundle.media) > MAX_ENTRIES - 2:
        raise OutputError(
            f"The media of {out.name} is {len(bundle.media)} files of {size / (1 << 30):.1f} GB; "
            f"a bundle may have {MAX_ENTRIES} files and {MAX_TOTAL_BYTES >> 30} GB.",
            "Write an .otio, which leaves the media where it is.",
        )
    if out.suffix.lower() == ".otiod":
        return _write_folder(out, bundle, keep)
    with replacing(out) as temp:
        _pack(temp, bundle)
        if keep and out.is_file():
            _linked(out, _free_backup(out))
    return out.resolve()


@dataclass(slots=True)
class _Gathering:
    """The files of a bundle, each under a name of its own that every file system accepts."""

    folder: Path
    names: dict[Path, str] = field(default_factory=dict[Path, str])
    losses: list[Loss] = field(default_factory=list[Loss])
    faults: dict[str, str] = field(default_factory=dict[str, str])

    def spelled(self, url: str) -> str | None:
        """How the bundle refers to what `url` leads to; None to leave it as it is."""
        found = locate(url, self.folder)
        fault = found.reason if found.path is None else self._fault(found.path)
        if found.path is not None and not fault:
            return f"{MEDIA}/{self._name(found.path.resolve())}"
        if url not in self.faults:
            self.faults[url] = fault
            self.losses.append(Loss("not gathered", f"The media {url!r}", fault))
        return self._from_anywhere(url) if is_relative(url) else None

    def _from_anywhere(self, url: str) -> str:
        path = absolute(self.folder / url)
        return reference(path, path / "bundle") + ("/" if url.endswith("/") else "")

    def _fault(self, path: Path) -> str:
        if not path.is_file():
            return "it is no single file"
        try:
            facts_of(path)
        except (MediaError, MissingMediaError) as error:
            return f"it cannot be opened ({error.what.rstrip('.')})"
        return ""

    def _name(self, path: Path) -> str:
        if path not in self.names:
            suffix = re.sub(r"[^A-Za-z0-9.]", "", path.suffix)[:10]
            stem = re.sub(r"[^A-Za-z0-9._-]+", "_", path.stem).strip(".")[:_NAME_LENGTH] or "media"
            stem = f"_{stem}" if _RESERVED.fullmatch(stem) else stem
            taken = {name.casefold() for name in self.names.values()}
            name, number = stem + suffix, 2
            while name.casefold() in taken:
                name, number = f"{stem}-{number}{suffix}", number + 1
            self.names[path] = name
        return self.names[path]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror}.", "Check your permissions.") from error


def _pack(temp: Path, bundle: Bundle) -> None:
    """The archive, media as it is, read back before it gets its name."""
    text = bundle.text.encode("utf-8")
    packed = zipfile.ZIP_DEFLATED if len(text) <= _PACKED else zipfile.ZIP_STORED
    with zipfile.ZipFile(temp, "w", strict_timestamps=False) as archive:
        archive.writestr("version.txt", VERSION, compress_type=zipfile.ZIP_DEFLATED)
        archive.writestr(CONTENT, text, compress_type=packed)
        for name, path in bundle.media.items():
            archive.write(path, f"{MEDIA}/{name}", compress_type=zipfile.ZIP_STORED)
    with zipfile.ZipFile(temp) as archive:
        checked_entries(archive)
        if archive.testzip() is not None or archive.read(CONTENT) != text:
            raise OutputError("The bundle did not read back as it was written.", "Choose another disk.")


def _write_folder(out: Path, bundle: Bundle, keep: bool) -> Path:
    """Made beside its place, then named. A folder cannot be exchanged for another in one step everywhere:
    a process killed between the two renames leaves the old one under its other name."""
    _sweep(out.parent)
    try:
        fresh = Path(tempfile.mkdtemp(prefix=_TEMP, dir=out.parent))
        try:
            _fill(fresh, bundle)
            old = _free_backup(out) if keep else Path(tempfile.mkdtemp(prefix=_TEMP, dir=out.parent)) / "old"
            if out.exists():
                out.rename(old)
            fresh.rename(out)
            if not keep:
                shutil.rmtree(old.parent, ignore_errors=True)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError(f"{out} cannot be written: {why}.", "Choose another place.") from error
    return out.resolve()


def _fill(folder: Path, bundle: Bundle) -> None:
    folder.chmod(0o755)  # as any other folder; a temporary one is for its owner alone
    (folder / MEDIA).mkdir()
    (folder / "version.txt").write_text(VERSION, encoding="utf-8")
    (folder / CONTENT).write_bytes(bundle.text.encode("utf-8"))
    for name, path in bundle.media.items():
        shutil.copyfile(path, folder / MEDIA / name)
    for written in [*folder.rglob("*"), folder]:
        with suppress(PermissionError):  # Windows does not open folders
            fsync(written)


def _sweep(folder: Path) -> None:
    """What a killed process left."""
    for temp in folder.glob(f"{_TEMP}*"):
        with suppress(OSError):
            if time.time() - temp.stat().st_mtime > _STALE_AFTER_S:
                shutil.rmtree(temp, ignore_errors=True)


def _free_backup(out: Path) -> Path:
    number = 1
    while (copy := out.with_name(f"{out.name}.bak-{number}")).exists():
        number += 1
    return copy


def _linked(out: Path, copy: Path) -> None:
    """A second name for what is about to be replaced; a copy where the disk knows no such thing."""
    try:
        os.link(out, copy)
    except OSError:
        shutil.copyfile(out, copy)
