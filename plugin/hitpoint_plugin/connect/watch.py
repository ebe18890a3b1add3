"""Export here, it comes back there: every timeline that appears in a folder is scored once.

A file is taken when it has stopped changing. Its answer goes into the folder `scored` below, under a name of
its own, so that nothing is ever overwritten; what cannot be scored gets a text file that says why. Which
contents were answered is written down beside the answers.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from hitpoint.errors import Cancelled, HitpointError
from hitpoint.files import sweep_stale_temps, write_atomic
from hitpoint.progress import Progress
from hitpoint.score import score
from hitpoint.timeline.formats.native import OTIOD, OTIOZ
from hitpoint.timeline.formats.registry import format_of, project_of
from hitpoint.values import ScoreRequest, ScoreResult
from hitpoint_plugin.connect.only_one import only_one

ANSWERS = "scored"
LEDGER = ".hitpoint-watch.json"
POLL_S = 1.0
STILL_S = 2.0
"""So long a file must be as it is: editors write theirs piece by piece."""

VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".mxf", ".mpeg", ".mpg", ".m4v")

Score = Callable[[ScoreRequest, Path, Progress], ScoreResult]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an input: the file that was written, and whether it is the music or the reason."""

    source: Path
    written: Path
    scored: bool


class Watch:
    """A folder that is watched; videos are mostly the material of the timelines, so only if wanted."""

    def __init__(
        self, folder: Path, request: ScoreRequest, *, videos: bool = False, work: Score = score
    ) -> None:
        self.folder, self.answers, self._videos = folder, folder / ANSWERS, videos
        self._request, self._work = request, work
        self._seen: dict[Path, tuple[str, float]] = {}  # what a file looked like, and since when

    def round(self, now: float, progress: Progress) -> Iterator[Answer]:
        """Look once, and answer what is still and has no answer yet."""
        present = set(self._inputs())
        self._seen = {path: seen for path, seen in self._seen.items() if path in present}
        for path in sorted(present):
            looks = _looks(path)
            before = self._seen.get(path)
            if before is None or before[0] != looks:
                self._seen[path] = (looks, now)
            elif looks and now - before[1] >= STILL_S and (found := self._answer(path, looks, progress)):
                yield found

    def _inputs(self) -> Iterator[Path]:
        with suppress(OSError):
            for path in self.folder.iterdir():
                if not path.name.startswith((".", "~")) and self._is_input(path):
                    yield path

    def _is_input(self, path: Path) -> bool:
        """Projects that nobody else reads count too: their answer is what to export instead."""
        known = format_of(path) is not None or bool(project_of(path))
        return known or (self._videos and path.suffix.lower() in VIDEOS)

    def _answer(self, path: Path, looks: str, progress: Progress) -> Answer | None:
        digest = _digest(path)
        if digest is None or digest in self._answered():
            return None
        self.answers.mkdir(exist_ok=True)
        sweep_stale_temps(self.answers)
        out = self._free_name(path)
        try:
            result = self._work(replace(self._request, timeline=path), out, progress)
            written, scored = result.output, True
        except Cancelled:
            raise
        except Exception as error:  # whatever a file does to us, the next one must get its turn
            if _looks(path) != looks:
                return None  # it was still being written after all
            written, scored = self._explain(out, path, error), False
        self._note(digest, written)
        return Answer(path, written, scored)

    def _free_name(self, path: Path) -> Path:
        """The answer's name: a second version of an input gets a number."""
        suffix = _answer_suffix(path)
        taken = {each.name for each in self.answers.iterdir()}
        number = 1
        while True:
            stem = f"{path.stem}-scored" + (f"-{number}" if number > 1 else "")
            if f"{stem}{suffix}" not in taken and f"{stem}-error.txt" not in taken:
                return self.answers / f"{stem}{suffix}"
            number += 1

    def _explain(self, out: Path, path: Path, error: Exception) -> Path:
        what = error.what if isinstance(error, HitpointError) else f"{type(error).__name__}: {error}"
        todo = error.todo if isinstance(error, HitpointError) else "Please report this with the file."
        text = f"{path.name} could not be scored.\n\n{what}\n{todo}\n"
        return write_atomic(out.with_name(f"{out.stem}-error.txt"), text.encode("utf-8"))

    def _answered(self) -> dict[str, str]:
        try:
            found = json.loads((self.answers / LEDGER).read_text(encoding="utf-8"))
            return {str(key): str(value) for key, value in found.items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def _note(self, digest: str, written: Path) -> None:
        text = json.dumps(self._answered() | {digest: written.name}, indent=1) + "\n"
        write_atomic(self.answers / LEDGER, text.encode("utf-8"))


def watch(watched: Watch, said: Callable[[Answer], object], progress: Progress, *, once: bool = False) -> int:
    """Watch until cancelled, or with `once` until everything there has its answer. Returns how many failed.

    Raises Cancelled, and ConflictError while another process watches the folder.
    """
    failed, last = 0, time.monotonic()
    with only_one(watched.folder):
        while True:
            for answer in watched.round(time.monotonic(), progress):
                failed += not answer.scored
                said(answer)
                last = time.monotonic()
            if once and time.monotonic() - last > STILL_S + 2 * POLL_S:
                return failed
            progress.cancelled.wait(POLL_S)
            progress.report("Watching", 0.0)


def _answer_suffix(path: Path) -> str:
    """The format of the input, where that can be written."""
    found = format_of(path)
    return ".otio" if found is None or found in (OTIOZ, OTIOD) else found.suffixes[0]


def _files(path: Path) -> list[Path]:
    """The file, or all files of a bundle that is a folder."""
    return sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]


def _looks(path: Path) -> str:
    """Sizes and times; empty while nothing is in it."""
    try:
        facts = [(str(each), each.stat().st_size, each.stat().st_mtime_ns) for each in _files(path)]
    except OSError:
        return ""
    return str(facts) if any(size for _name, size, _time in facts) else ""


def _digest(path: Path) -> str | None:
    """Of the name and everything in it, so that a new export of the same cut under another name counts."""
    found = hashlib.sha256(path.name.encode("utf-8", "surrogateescape"))
    try:
        for each in _files(path):
            with each.open("rb") as stream:
                while block := stream.read(1 << 20):
                    found.update(block)
    except OSError:
        return None
    return found.hexdigest()
