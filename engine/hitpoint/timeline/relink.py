"""Finds media that has moved: by file name below one folder, then by length and start timecode."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote

from hitpoint.errors import MediaError, UsageError
from hitpoint.media.facts import MediaFacts, facts_of
from hitpoint.timeline.tree import Media, Span

MAX_FILES = 500_000
_SLACK_S = Fraction(1, 10)  # containers and editors round lengths differently


@dataclass(slots=True)
class MediaRoot:
    """A folder and all file names below it; links to other folders are not followed."""

    folder: Path
    names: dict[str, list[Path]] = field(default_factory=dict[str, list[Path]])
    facts: dict[Path, MediaFacts | None] = field(default_factory=dict[Path, MediaFacts | None])

    def find(self, media: Media) -> tuple[Path | None, str]:
        """The one file that `media` can be, or None and why not."""
        name = name_of(media.url)
        found = self.names.get(name.casefold(), [])
        if not found:
            return None, f"there is no {name} below {self.folder}"
        if len(found) > 1:
            fitting = [path for path in found if self._fits(path, media.available)]
            if len(fitting) != 1:
                which = "none has" if not fitting else f"{len(fitting)} have"
                what = "the length and start timecode that the timeline says"
                return None, f"there are {len(found)} files {name} below {self.folder}, and {which} {what}"
            found = fitting
        return found[0], ""

    def _fits(self, path: Path, span: Span | None) -> bool:
        if span is None:
            return True
        if path not in self.facts:
            try:
                self.facts[path] = facts_of(path)
            except MediaError:
                self.facts[path] = None
        facts = self.facts[path]
        if facts is None or facts.duration is None:
            return False
        return abs(facts.duration - span.duration) <= _SLACK_S and abs(facts.start - span.start) <= _SLACK_S


def media_root(folder: Path) -> MediaRoot:
    """Look through `folder` once. Raises UsageError if it is none, or holds too many files."""
    if not folder.is_dir():
        raise UsageError(f"The media root {folder} is no folder.", "Name the folder that the media is in.")
    names: dict[str, list[Path]] = {}
    count = 0
    for where, folders, files in os.walk(folder):
        folders.sort()
        count += len(files)
        if count > MAX_FILES:
            raise UsageError(
                f"There are more than {MAX_FILES} files below {folder}.", "Name one further down."
            )
        for name in sorted(files):
            names.setdefault(name.casefold(), []).append(Path(where) / name)
    return MediaRoot(folder, names)


def name_of(url: str) -> str:
    """The file name in a reference of any kind: address, path, or path of a Windows machine."""
    last = url.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return unquote(last) if "://" in url or url.startswith("file:") else last
