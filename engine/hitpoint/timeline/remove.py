"""Takes our music off a timeline again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hitpoint.errors import TimelineError, UsageError
from hitpoint.files import locked, sha256_of, sweep_stale_temps, write_over
from hitpoint.timeline.bundle import is_bundle
from hitpoint.timeline.formats.convert import from_otio
from hitpoint.timeline.formats.graft import grafts, ungraft
from hitpoint.timeline.formats.registry import format_of
from hitpoint.timeline.guard import parse
from hitpoint.timeline.prescan import prescan
from hitpoint.timeline.source import load
from hitpoint.timeline.track import Lifted, lift
from hitpoint.timeline.urls import absolute, locate


@dataclass(frozen=True, slots=True)
class RemoveReport:
    """What was taken off. `exact`: the file is what it was before the first score, byte for byte.

    If not, an editor has changed it since, or it is of a format that is written as a whole.
    """

    path: Path
    cues: int
    exact: bool
    sounds: tuple[Path, ...]  # the sound files, which stay on the disk

    @property
    def sentence(self) -> str:
        """The report in plain words."""
        how = "is what it was, byte for byte" if self.exact else "keeps everything else"
        what = "1 cue was" if self.cues == 1 else f"{self.cues} cues were"
        return f"{what} taken off; {self.path} {how}. The sound files are still there."


def remove(path: Path | str) -> RemoveReport:
    """Remove everything that Hitpoint placed on the timeline at `path`.

    Raises TimelineError if there is nothing of ours on it or it cannot be read, ConflictError if it
    changes at the same moment, OutputError if it cannot be written.
    """
    path = absolute(Path(path))
    target = format_of(path)
    if target is None:
        raise UsageError(f"{path.name} is not a file that Hitpoint writes.", "Give the scored timeline.")
    if is_bundle(target):
        raise UsageError(
            f"{path.name} is a bundle, a copy of a timeline with its media.",
            "The timeline that it was made from is as it was. Or unpack it and give its content.otio.",
        )
    with locked(path):
        sweep_stale_temps(path.parent)
        source = load(path)
        parse(source.data)
        lifted = lift(prescan(source.data))
        if not lifted.cues:
            raise TimelineError(f"There is no music of Hitpoint on {path}.", "Nothing was changed.")
        data = lifted.original.encode("utf-8")
        exact = target.native and sha256_of(data) == lifted.original_sha256
        parse(data)
        if grafts(target):
            data, exact = ungraft(target, source.raw)
        elif not target.native:
            data = from_otio(data, path.parent, path, target).data
        write_over(path, data, source.raw, "Remove it again.")
    return RemoveReport(path, len(lifted.cues), exact, _sounds(lifted, path.parent))


def _sounds(lifted: Lifted, folder: Path) -> tuple[Path, ...]:
    urls = [
        str(reference.get("target_url", ""))
        for cue in lifted.cues
        for reference in cue.clip.get("media_references", {}).values()
    ]
    return tuple(path for url in urls if (path := locate(url, folder).path) is not None)
