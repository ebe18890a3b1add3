"""What touches the user's files: look for conflicts, place, take off again, export."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import ClassVar, Literal

from hitpoint.errors import MissingMediaError, OutputError
from hitpoint.files import locked, replacing, sha256_of, write_atomic
from hitpoint.progress import Progress
from hitpoint.values import Asset, HitReport
from hitpoint_plugin.codec import to_json
from hitpoint_plugin.tasks.base import Task
from hitpoint_plugin.tasks.exchange import marker_edl, tempo_midi
from hitpoint_plugin.tasks.scoring import Take, Watched

ExportKind = Literal["wav", "report", "tempo", "markers"]


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Music of ours that lies where new music is to go: (start, end) on the timeline, and its name."""

    ranges: tuple[tuple[Fraction, Fraction], ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindConflicts(Task):
    """Look on the timeline `out` for music under the clip that was watched."""

    result: ClassVar[type] = Conflicts
    watched: Watched
    out: Path

    def run(self, progress: Progress) -> Conflicts:
        """What a placement would replace."""
        from hitpoint.timeline.prescan import prescan
        from hitpoint.timeline.source import load
        from hitpoint.timeline.track import lift

        if not self.out.exists():
            return Conflicts((), ())
        selection, origin = self.watched.selection, self.watched.timeline.origin
        start, end = selection.record_start, selection.record_start + selection.duration
        cues = lift(prescan(load(self.out).data)).cues
        under = [cue for cue in cues if cue.start - origin < end and cue.end - origin > start]
        ranges = tuple((cue.start - origin, cue.end - origin) for cue in under)
        return Conflicts(ranges, tuple(str(cue.clip.get("name", "")) for cue in under))


@dataclass(frozen=True, slots=True)
class Placed:
    """A placement that can be undone: the file, what it is now, and what it was (None: there was none)."""

    path: Path
    sha256: str
    before: Path | None
    clip: str
    record_start: Fraction
    duration: Fraction
    asset: Asset
    hits: tuple[HitReport, ...]
    rate: Fraction  # of the timeline's frames
    kept: bool  # earlier music stays beside it


@dataclass(frozen=True, slots=True)
class Place(Task):
    """Lay a take on the timeline `out`; its sound goes beside it. What `out` was is kept in `attic`.

    Music of ours that lies there is replaced or, with `keep`, stays, and the take gets a track of its own.
    """

    result: ClassVar[type] = Placed
    watched: Watched
    take: Take
    out: Path
    attic: Path
    keep: bool = False

    def run(self, progress: Progress) -> Placed:
        """The sound first, the timeline last, so that a failure leaves nothing dangling."""
        from hitpoint.see import Seen
        from hitpoint.steps import check_target, lay

        check_target(self.out)
        asset = _copied(self.take.asset, self.out.parent)
        before = self._kept()
        take, selection = self.take, self.watched.selection
        watched = self.watched
        seen = Seen(watched.timeline, selection, watched.rhythm, watched.seconds, take.speech)
        facts = (take.request, take.style, take.bundle, asset, take.hits, take.hit_rate)
        path = lay(seen, *facts, self.out, keep=self.keep)
        digest = sha256_of(path.read_bytes())
        clip, rate = selection.clip.name, self.watched.timeline.rate
        where = (clip, selection.record_start, selection.duration)
        return Placed(path, digest, before, *where, asset, take.hits, rate, self.keep)

    def _kept(self) -> Path | None:
        if not self.out.exists():
            return None
        data = self.out.read_bytes()
        self.attic.mkdir(parents=True, exist_ok=True)
        return write_atomic(self.attic / f"{sha256_of(data)[:16]}.otio", data)


@dataclass(frozen=True, slots=True)
class Unplace(Task):
    """Undo a placement: the very bytes of before or, if the file was changed since, our music off it."""

    result: ClassVar[type] = str
    placed: Placed

    def run(self, progress: Progress) -> str:
        """What was done, in plain words."""
        from hitpoint.timeline.remove import remove

        path, before = self.placed.path, self.placed.before
        with locked(path):
            untouched = path.exists() and sha256_of(path.read_bytes()) == self.placed.sha256
            if untouched and before is None:
                path.unlink()
                return f"{path.name} was taken away again; it did not exist before."
            if untouched and before is not None and before.exists():
                write_atomic(path, before.read_bytes())
                return f"{path.name} is what it was before, byte for byte."
        return remove(path).sentence


@dataclass(frozen=True, slots=True)
class Export(Task):
    """Write a take, or what is known of it, to a file of its own."""

    result: ClassVar[type] = Path
    kind: ExportKind
    watched: Watched
    take: Take
    out: Path

    def run(self, progress: Progress) -> Path:
        """The file that was written."""
        if self.kind == "wav":
            return _copied(self.take.asset, self.out.parent, self.out.name).path
        if self.kind == "tempo":
            return write_atomic(self.out, tempo_midi(self.watched.rhythm.tempo))
        if self.kind == "markers":
            return write_atomic(self.out, marker_edl(self.watched, self.take).encode("utf-8"))
        report = {"clip": self.watched.selection.clip.name, "hit_rate": self.take.hit_rate,
                  "chance_rate": self.take.chance_rate, "hit_points": to_json(self.take.hits)}  # fmt: skip
        return write_atomic(self.out, (json.dumps(report, indent=2) + "\n").encode("utf-8"))


def _copied(asset: Asset, folder: Path, name: str = "") -> Asset:
    target = folder / (name or asset.path.name)
    if not asset.path.exists():
        raise MissingMediaError(f"The sound {asset.path} is gone.", "Generate the take again.")
    if target.resolve() != asset.path.resolve():
        try:
            with replacing(target) as temp:
                shutil.copyfile(asset.path, temp)
        except OSError as error:
            raise OutputError(f"{target} cannot be written: {error}.", "Choose another folder.") from error
    return replace(asset, path=target)
