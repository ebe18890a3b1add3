"""Lays a finished cue on the timeline, on our own track, at the exact frame, and touches nothing else.

Where things go, all in the video's frame rate: the clip starts on the frame in which the scored picture
starts, and what is left within that frame is silence at the head of the WAV (`frame_aligned`), because
hosts place on whole frames only. The WAV counts from 0, not from its BWF time reference, as editors differ
in whether they read that. A last frame that the sound fills only partly counts as whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Protocol

from hitpoint.errors import ConflictError, TimelineError
from hitpoint.files import (
    backup,
    backups,
    content_of,
    locked,
    sha256_of,
    sweep_stale_temps,
    write_over,
)
from hitpoint.timeline.bundle import bundled, check_copy, is_bundle, write_bundle
from hitpoint.timeline.formats.base import Format
from hitpoint.timeline.formats.convert import from_otio, to_otio
from hitpoint.timeline.formats.from_tree import sheet_of
from hitpoint.timeline.formats.graft import graft, grafts, ungraft
from hitpoint.timeline.formats.registry import format_of, writable
from hitpoint.timeline.guard import parse
from hitpoint.timeline.moved import moved, moved_cues
from hitpoint.timeline.onecut import one_clip_timeline
from hitpoint.timeline.prescan import Json, prescan
from hitpoint.timeline.read import timeline_from, timeline_of
from hitpoint.timeline.relink import name_of
from hitpoint.timeline.source import CONTENT, Source, load
from hitpoint.timeline.track import (
    KEY,
    Cue,
    Lifted,
    Object,
    beside,
    cleared,
    insert,
    is_our_track,
    item_object,
    lift,
    merged,
    range_object,
)  # fmt: skip
from hitpoint.timeline.tree import Node, Tree
from hitpoint.timeline.urls import absolute, reference
from hitpoint.values import Asset, ClipInfo, Selection, TimelineInfo

_TRIES = 3
"""With an editor that saves all the time there is an end to it."""

COLOURS = {"movement": "GREEN", "cut": "CYAN", "user": "MAGENTA"}


class Hit(Protocol):
    """Anything with a time in seconds from the start of the clip: a `HitPoint` or a `HitReport`."""

    @property
    def time(self) -> float:
        """Seconds."""
        ...

    @property
    def strength(self) -> float:
        """0 to 1."""
        ...

    @property
    def kind(self) -> str:
        """Why: movement, cut or user."""
        ...


@dataclass(frozen=True, slots=True)
class _Edit:
    """A change to `out`: the new text, and the bytes that were there when it was made (None: no file)."""

    text: str
    before: bytes | None
    keep_backup: bool


def frame_aligned(selection: Selection, rate: Fraction) -> tuple[int, Fraction]:
    """The frame of the timeline in which the selection starts, and how far into that frame, in seconds.

    The second is the silence that the sound must begin with.
    """
    frame = math.floor(selection.record_start * rate)
    return frame, selection.record_start - frame / rate


def place(
    info: TimelineInfo,
    selection: Selection,
    asset: Asset,
    name: str,
    hit_points: Sequence[Hit],
    metadata: Mapping[str, Json],
    out: Path,
    *,
    keep: bool = False,
) -> Path:
    """Write the timeline with `asset` on its `Hitpoint` track to `out`, and return that path.

    `out` may be the timeline itself; what is overwritten and not contained in the new file is kept as
    `NAME.bak-N`. Cues of other clips stay; one that lies under the new one is replaced or, with `keep`,
    stays too, and the new one goes on a track `Hitpoint 2` (3, ...). What an editor saves meanwhile is read
    again. Raises UsageError, TimelineError, OutputError, and ConflictError if the clip is no longer there, or
    if the file changed each time.
    """
    out = absolute(out)
    target = writable(out)
    check_copy(info.path, out)
    with locked(out.parent / CONTENT if is_bundle(target) else out):
        sweep_stale_temps(out.parent)
        once = partial(_place, info, selection, asset, name, hit_points, metadata, out, target, keep)
        for _ in range(_TRIES - 1):
            with suppress(ConflictError):
                return once()
        return once()


def _place(
    info: TimelineInfo,
    selection: Selection,
    asset: Asset,
    name: str,
    hit_points: Sequence[Hit],
    metadata: Mapping[str, Json],
    out: Path,
    target: Format,
    keep: bool,
) -> Path:
    """Once: from the file as it is now to the new one, if nobody saves in between."""
    info, source, selection = _current(info, selection, out)
    text = prescan(source.data)
    cue = _cue(info, selection, asset, name, hit_points, metadata, out.parent)
    project = _project(info, source, target)
    edit = _edited(info, source, text, cue, out, project, keep=keep)
    tree = parse(edit.text.encode("utf-8"))
    _verify(info, selection, tree, out)
    data = edit.text.encode("utf-8")
    if not target.native:
        sheet = sheet_of(tree, out.parent)
        data = (
            target.write(sheet, out) if project is None else graft(target, project, sheet, source.folder, out)
        )
        _verify_written(info, selection, asset.path, data, target)
    if is_bundle(target):
        return write_bundle(out, bundled(edit.text, out.parent, info.rate), keep=edit.keep_backup)
    if edit.keep_backup:
        _keep(out, edit.before)
    return write_over(out, data, edit.before, "Place it again.")


def _current(info: TimelineInfo, selection: Selection, out: Path) -> tuple[TimelineInfo, Source, Selection]:
    """The timeline as it is now. If somebody changed it meanwhile, our clip must still be in it."""
    if info.is_media:
        return info, Source(one_clip_timeline(info, out.parent), out.parent), selection
    source = load(info.path)
    if sha256_of(source.data) == info.content_sha256:
        return info, source, selection
    now = timeline_from(info.path, source, info.media_root)
    same = [clip for clip in now.clips if _same(clip, selection.clip)]
    if len(same) != 1:
        raise ConflictError(
            f"{info.path} was changed while the music was made, and clip {selection.clip.name} is not "
            "where it was.",
            "Score it again.",
        )
    return now, source, replace(selection, clip=same[0])


def _same(one: ClipInfo, other: ClipInfo) -> bool:
    return replace(one, index=0, rate=other.rate) == replace(other, index=0)


def _project(info: TimelineInfo, source: Source, target: Format) -> bytes | None:
    """The user's own project without our music, where that is what the music is put into."""
    if info.is_media or not grafts(target) or format_of(info.path) is not target:
        return None
    return ungraft(target, source.raw)[0]


def _edited(
    info: TimelineInfo,
    source: Source,
    text: str,
    cue: Cue,
    out: Path,
    project: bytes | None,
    *,
    keep: bool,
) -> _Edit:
    """The new text of `out`, made from the input's, with the cues of an earlier `out` carried over."""
    base = lift(text)
    original = base.original
    in_place = not info.is_media and out.resolve() == info.path.resolve()
    there, folder = _there(out)
    before = source.raw if in_place else there  # in place it is what was read, not a later save
    if not in_place:
        base = moved(base, source.folder, out)
    held = None if before is None else _earlier(before, out)
    alike = held is not None and bool(held.cues)
    if project is not None:
        alike = alike and before is not None and ungraft(writable(out), before)[0] == project
    else:
        alike = alike and held is not None and _alike(held, base, out)
    if held is not None and alike and not in_place:
        for each in held.cues if folder == out.parent else moved_cues(held.cues, folder, out.parent):
            base = replace(base, cues=merged(base.cues, each, info.rate))
    if keep:
        cue = beside(base.cues, cue, info.rate)
    else:
        base = replace(base, cues=cleared(base.cues, cue, info.rate))
    base = replace(
        base,
        cues=merged(base.cues, cue, info.rate),
        original_sha256=sha256_of(original.encode("utf-8")),
    )
    new = insert(base, info.rate)
    if lift(new).original != original:
        raise TimelineError(
            "The timeline is written in a way that cannot be restored exactly.", "Export it again."
        )
    contained = before is None or (alike and (project is not None or _says_no_more(before, out)))
    return _Edit(new, before, keep_backup=not contained)


def _says_no_more(before: bytes, out: Path) -> bool:
    """Whether all that a file says is what we would write: a project may hold what other formats do not."""
    target = writable(out)
    return target.native or from_otio(to_otio(before, target).data, out.parent, out, target).data == before


def _there(out: Path) -> tuple[bytes | None, Path]:
    """What is at `out` now, or the timeline in the bundle that is there, and where its references start."""
    if not is_bundle(writable(out)):
        return content_of(out), out.parent
    if not out.exists():
        return None, out.parent
    try:
        found = load(out)
    except TimelineError:
        return b"", out.parent  # no timeline, and so kept as a backup
    return found.data, found.folder


def _earlier(data: bytes, out: Path) -> Lifted | None:
    """What is in the file that is about to be overwritten, if it is a timeline at all."""
    target = writable(out)
    try:
        return lift(prescan(to_otio(data, target).data))
    except TimelineError:
        return None


def _alike(one: Lifted, other: Lifted, out: Path) -> bool:
    """Whether two timelines are the same but for our music: as the file `out` would say it."""
    target = writable(out)
    if target.native:
        return one.original == other.original
    texts = (each.text.encode("utf-8") for each in (one, other))
    first, second = (from_otio(text, out.parent, out, target).data for text in texts)
    return first == second


def _cue(
    info: TimelineInfo,
    selection: Selection,
    asset: Asset,
    name: str,
    hit_points: Sequence[Hit],
    metadata: Mapping[str, Json],
    folder: Path,
) -> Cue:
    rate = info.rate
    frame, lead = frame_aligned(selection, rate)
    length = _whole_frames(asset, rate)
    sound: Object = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "metadata": {},
        "name": asset.path.name,
        "available_range": range_object(Fraction(0), Fraction(length), rate),
        "available_image_bounds": None,
        "target_url": reference(asset.path, folder),
    }
    ours: dict[str, Json] = dict(metadata) | {
        "clip": selection.clip.name,
        "record_start": str(selection.record_start),
        "duration": str(selection.duration),
        "sha256": asset.sha256,
    }
    clip = item_object(
        "Clip.2",
        name,
        range_object(Fraction(0), Fraction(length), rate),
        metadata={KEY: ours},
        markers=[_marker(hit, lead, rate) for hit in hit_points],
        media_references={"DEFAULT_MEDIA": sound},
        active_media_reference_key="DEFAULT_MEDIA",
    )
    return Cue(info.origin + frame / rate, length / rate, clip)


def _whole_frames(asset: Asset, rate: Fraction) -> int:
    """Frames that the sound touches; half a sample of rounding does not make another frame."""
    exact = Fraction(asset.samples, asset.sample_rate) * rate
    return max(1, math.ceil(exact - rate / asset.sample_rate))


def _marker(hit: Hit, lead: Fraction, rate: Fraction) -> Object:
    # The frame that is seen at that moment; a cut's time as a float may fall just short of its frame.
    frame = math.floor((lead + Fraction(hit.time)) * rate + Fraction(1, 1000))
    text = f"{hit.kind} {hit.time:.3f} s"
    return {
        "OTIO_SCHEMA": "Marker.2",
        "metadata": {KEY: {"time": float(hit.time), "strength": float(hit.strength), "kind": hit.kind}},
        "name": text,
        "color": COLOURS.get(hit.kind, "GREEN"),
        "marked_range": range_object(Fraction(frame), Fraction(0), rate),
        "comment": text,  # some hosts show the name, some the comment
    }


def _verify_written(
    info: TimelineInfo, selection: Selection, sound: Path, written: bytes, target: Format
) -> None:
    """The file of another format, read as a host would read it, before it exists.

    Formats round to whole frames and leave out what they have no word for, so the sound is looked for.
    """
    frame, _ = frame_aligned(selection, info.rate)
    starts = _starts_of(parse(to_otio(written, target).data).stack, sound.name)
    if not any(abs(start - frame / info.rate) * info.rate < 1 for start in starts):
        raise TimelineError(
            f"The {target.name} file did not read back with the music in its place; it was not written.",
            "Write an .otio instead.",
        )


def _verify(info: TimelineInfo, selection: Selection, tree: Tree, out: Path) -> None:
    """Read the new timeline as a host would: same clips as before, sound where it belongs."""
    again = timeline_of(tree, out, "", out.parent, info.media_root)
    frame, _ = frame_aligned(selection, info.rate)
    facts = [(c.name, c.track, c.record_start, c.duration) for c in info.clips]
    same = info.is_media or facts == [(c.name, c.track, c.record_start, c.duration) for c in again.clips]
    starts = _sound_starts(tree.stack)
    if not same or again.rate != info.rate or info.origin + frame / info.rate not in starts:
        raise TimelineError(
            "The changed timeline did not read back as it should; it was not written.",
            "Export it again from your editor.",
        )


def _sound_starts(stack: Node) -> list[Fraction]:
    """Where the clips on our tracks start, seconds from their beginning."""
    starts: list[Fraction] = []
    for track in stack.children:
        if is_our_track(track.name) and track.track_kind == "Audio":
            place = Fraction(0)
            for child in track.children:
                if child.kind == "clip":
                    starts.append(place)
                place += child.source_range.duration if child.source_range else Fraction(0)
    return starts


def _starts_of(stack: Node, sound: str) -> list[Fraction]:
    """Where a sound file lies on the audio tracks: not every format keeps names of tracks."""
    starts: list[Fraction] = []
    for track in stack.children:
        place = Fraction(0)
        for child in track.children if track.track_kind == "Audio" else ():
            if child.media is not None and name_of(child.media.url) == sound:
                starts.append(place)
            place += child.source_range.duration if child.source_range else Fraction(0)
    return starts


def _keep(out: Path, before: bytes | None) -> None:
    """One backup of each state is enough."""
    kept = backups(out)
    if before is not None and (not kept or content_of(kept[-1]) != before):
        backup(out, before)
