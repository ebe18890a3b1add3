"""Media references to paths and back. OTIO's own helper unquotes twice and leaves names with `#` broken."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

_WINDOWS = re.compile(r"/?[A-Za-z]:[\\/]|\\\\")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_NEEDS_QUOTING = re.compile(r"[#?%]")


@dataclass(frozen=True, slots=True)
class Located:
    """Where a reference leads, or in plain words why it leads nowhere that may be opened."""

    path: Path | None
    reason: str = ""


def locate(url: str, folder: Path) -> Located:
    """The file that `url` names; relative ones are sought from `folder`, that of the timeline.

    Only files of this machine: nothing here touches a network or a network share.
    """
    if not url or "\0" in url:
        return Located(None, "the reference names no file")
    if _WINDOWS.match(url):
        return _windows(url)
    if not _SCHEME.match(url):
        return _first_existing(url, folder)
    try:
        parts = urlsplit(url)
    except ValueError:
        return Located(None, f"the reference is malformed: {url}")
    if parts.scheme.lower() != "file":
        return Located(None, f"it is not on this machine ({parts.scheme}: address)")
    if parts.netloc.lower() not in ("", "localhost"):
        return Located(None, f"it is on another machine ({parts.netloc})")
    path = unquote(parts.path)
    if _WINDOWS.match(path):
        return _windows(path.removeprefix("/"))
    # A bare `#` in the address is a name that somebody forgot to quote.
    literal = url[len(parts.scheme) + 1 :]
    return _first_existing(path, folder, *(["/" + literal.lstrip("/")] if "#" in url or "?" in url else []))


def reference(path: Path, folder: Path) -> str:
    """How a timeline in `folder` should refer to `path`: relative beneath the folder, else absolute.

    Plain paths are what most hosts read; where a name has `#`, `?` or `%`, only a quoted one is safe.
    """
    target, base = absolute(path), absolute(folder)
    if target.is_relative_to(base):
        relative = target.relative_to(base).as_posix()
        return quote(relative) if _NEEDS_QUOTING.search(relative) else relative
    return target.as_uri() if _NEEDS_QUOTING.search(str(target)) else target.as_posix()


def is_relative(url: str) -> bool:
    """Whether the meaning of `url` depends on where the timeline lies."""
    return bool(url) and not (_SCHEME.match(url) or _WINDOWS.match(url) or url.startswith("/"))


def absolute(path: Path) -> Path:
    """Absolute and without `..`, links kept: a user's link to another disk is what they chose."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps `..`, resolve follows links


def _first_existing(text: str, folder: Path, *others: str) -> Located:
    candidates = [folder / text, folder / unquote(text), *(folder / other for other in others)]
    for candidate in candidates:
        try:
            if candidate.exists():
                return Located(absolute(candidate))
        except (OSError, ValueError):
            continue
    return Located(None, f"there is no file {absolute(candidates[1])}")


def _windows(text: str) -> Located:
    if os.name == "nt" and not text.startswith("\\\\"):
        return _first_existing(text, Path(text).parent)
    where = "a network share" if text.startswith("\\\\") else "a Windows machine"
    return Located(None, f"its path is one of {where}: {text}")
