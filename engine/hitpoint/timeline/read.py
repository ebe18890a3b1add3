"""A timeline file, or a bare media file, as a list of clips in record time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from hitpoint.errors import MediaError, TimelineError
from hitpoint.files import sha256_of
from hitpoint.media.probe import probe
from hitpoint.timeline.flatten import Placed, extent_of, flatten, frame_rate_of
from hitpoint.timeline.formats.registry import format_of, project_of
from hitpoint.timeline.guard import parse
from hitpoint.timeline.marks import marks_of
from hitpoint.timeline.relink import MediaRoot, media_root
from hitpoint.timeline.source import Source, load
from hitpoint.timeline.tree import Media, Span, Tree
from hitpoint.timeline.urls import Located, absolute, locate
from hitpoint.values import ClipInfo, MediaInfo, MediaRange, TimelineInfo

_HASHED_BYTES = 16 << 20


def read_timeline(path: Path | str, root: Path | None = None) -> TimelineInfo:
    """The clips of a timeline in any format that is read; any other file is a one-clip timeline.

    A clip whose media cannot be used is listed all the same and says why; media that is not where the
    timeline says is sought below `root`. Raises TimelineError for a timeline that cannot be understood,
    MissingMediaError where there is no file, MediaError for bad media, UsageError for a root that is none.
    """
    path = absolute(Path(path))
    if format_of(path) is not None:
        source = load(path)
        return timeline_from(path, source, root)
    if project := project_of(path):
        raise TimelineError(
            f"{path} is {project}, which only its own program reads.",
            "Export the sequence as OpenTimelineIO, FCPXML, XML, AAF or EDL.",
        )
    return _from_media(path)


def timeline_from(path: Path, source: Source, root: Path | None = None) -> TimelineInfo:
    """The timeline in `source`, which is the file `path`."""
    found = timeline_of(parse(source.data), path, sha256_of(source.data), source.folder, root)
    return replace(found, losses=tuple(loss.sentence for loss in source.losses))


def timeline_of(tree: Tree, path: Path, sha256: str, folder: Path, root: Path | None = None) -> TimelineInfo:
    """The same from a parsed timeline, with references from `folder`."""
    reader = _Reader(folder, None if root is None else media_root(root))
    rate = frame_rate_of(tree)
    clips = tuple(reader.clip(n, each, rate) for n, each in enumerate(flatten(tree, reader.length), 1))
    extent = extent_of(tree, reader.length)
    marks, cues = marks_of(tree, reader.length)
    return TimelineInfo(
        path=path,
        name=tree.name or path.stem,
        rate=rate,
        start_timecode=tree.start[0] if tree.start else Fraction(0),
        duration=extent.duration,
        origin=extent.start,
        clips=clips,
        content_sha256=sha256,
        warnings=tuple(reader.warnings),
        media_root=root,
        marks=marks,
        cues=cues,
    )


@dataclass(slots=True)
class _Reader:
    """Turns flat clips into `ClipInfo`; looks into a media file only where the timeline leaves a gap."""

    folder: Path
    root: MediaRoot | None = None
    warnings: list[str] = field(default_factory=list)
    probed: dict[str, MediaInfo | None] = field(default_factory=dict)

    def clip(self, number: int, placed: Placed, rate: Fraction) -> ClipInfo:
        media, offline = self._media(placed)
        name = placed.node.name or (media.path.name if media else f"clip {number}")
        if placed.node.ramp:
            self.warnings.append(f"Clip {number} ({name}) changes its speed; it is read at constant speed.")
        if not media and not placed.duration:
            self.warnings.append(f"Clip {number} ({name}) has no length; clips after it may lie elsewhere.")
        return ClipInfo(
            index=number,
            name=name,
            track=placed.track,
            record_start=placed.record_start,
            duration=placed.duration,
            rate=rate,
            media=media,
            offline=offline,
            enabled=placed.enabled,
            layer=placed.layer,
            fade_in=placed.fade_in,
            fade_out=placed.fade_out,
        )

    def length(self, media: Media) -> Span | None:
        """The whole file, for a clip that has neither a source range nor an available range."""
        info = self._probe(media) if media.kind == "ExternalReference" else None
        return None if info is None else Span(info.start_timecode, info.duration, info.frame_rate)

    def _media(self, placed: Placed) -> tuple[MediaRange | None, str]:
        media = placed.node.media
        if placed.backwards or media is None:
            return None, "it is a nested sequence that is frozen or played backwards"
        if media.kind == "ImageSequenceReference":
            return None, "it is a sequence of single images; make a video file of it"
        if media.kind == "GeneratorReference":
            return None, "it is made by the editor (a generator), there is no file"
        if media.kind != "ExternalReference":
            return None, "the timeline says that its media is missing"
        found = self._located(media)
        if found.path is None:
            return None, found.reason
        zero = media.available.start if media.available else self._start_timecode(media, placed.start)
        return MediaRange(found.path, placed.start - zero, placed.duration, placed.speed), ""

    def _located(self, media: Media) -> Located:
        """Where the timeline says, else below the media root."""
        found = locate(media.url, self.folder)
        if found.path is not None or self.root is None:
            return found
        path, reason = self.root.find(media)
        return Located(path, reason and f"{found.reason}, and {reason}")

    def _start_timecode(self, media: Media, start: Fraction) -> Fraction:
        """Without an available range a source range counts in the file's own timecode, or from 0."""
        info = self._probe(media) if start > 0 else None
        return info.start_timecode if info is not None and start >= info.start_timecode else Fraction(0)

    def _probe(self, media: Media) -> MediaInfo | None:
        url = media.url
        if url not in self.probed:
            path = self._located(media).path
            try:
                self.probed[url] = None if path is None else probe(path)
            except MediaError:  # said again, and to the user, when the clip is selected
                self.probed[url] = None
        return self.probed[url]


def _from_media(path: Path) -> TimelineInfo:
    info = probe(path)
    clip = ClipInfo(
        index=1,
        name=path.stem,
        track="Video 1",
        record_start=Fraction(0),
        duration=info.duration,
        rate=info.frame_rate,
        media=MediaRange(path, Fraction(0), info.duration),
    )
    return TimelineInfo(
        path=path,
        name=path.stem,
        rate=info.frame_rate,
        start_timecode=info.start_timecode,
        duration=info.duration,
        clips=(clip,),
        content_sha256=_media_hash(path),
        is_media=True,
    )


def _media_hash(path: Path) -> str:
    """Of the size, the beginning and the end: a whole film would take minutes."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as stream:
        digest.update(stream.read(_HASHED_BYTES))
        stream.seek(max(0, size - _HASHED_BYTES))
        digest.update(stream.read(_HASHED_BYTES))
    return digest.hexdigest()
