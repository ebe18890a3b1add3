"""A timeline from one format to another; what is lost is known before anything is written."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from hitpoint.errors import OutputError, UsageError
from hitpoint.files import backup, locked, sweep_stale_temps, write_over
from hitpoint.timeline.bundle import Bundle, bundled, check_copy, is_bundle, write_bundle
from hitpoint.timeline.flatten import frame_rate_of
from hitpoint.timeline.formats.base import Format, Loss
from hitpoint.timeline.formats.convert import from_otio
from hitpoint.timeline.formats.from_tree import sheet_of
from hitpoint.timeline.formats.graft import grafts
from hitpoint.timeline.formats.registry import format_of, writable
from hitpoint.timeline.formats.sheet import OUR_LANE, Lane, Mark, Media, Piece, Sheet
from hitpoint.timeline.guard import parse
from hitpoint.timeline.jsontext import JsonText
from hitpoint.timeline.moved import moved
from hitpoint.timeline.onecut import one_clip_timeline
from hitpoint.timeline.prescan import prescan
from hitpoint.timeline.relink import MediaRoot, media_root, name_of
from hitpoint.timeline.source import CONTENT, Source, load
from hitpoint.timeline.track import Lifted, references, with_references
from hitpoint.timeline.tree import Media as Reference
from hitpoint.timeline.tree import Node
from hitpoint.timeline.urls import absolute, locate, reference
from hitpoint.values import TimelineInfo


@dataclass(frozen=True, slots=True)
class Conversion:
    """A timeline in another format, not yet written. `before` is what is in its place now."""

    out: Path
    data: bytes
    losses: tuple[Loss, ...]
    before: bytes | None
    bundle: Bundle | None = None


def conversion(path: Path, out: Path, root: Path | None = None) -> Conversion:
    """What `path` is in the format that `out` is called after; media that has moved is sought in `root`.

    Raises UsageError, TimelineError and MissingMediaError; nothing is written.
    """
    path, out = absolute(path), absolute(out)
    target = writable(out)
    if format_of(path) is None:
        raise UsageError(
            f"{path.name} is no timeline.", "Give a timeline; `hitpoint score` takes videos too."
        )
    if path.resolve() == out.resolve():
        raise UsageError(f"{out.name} is the timeline itself.", "Give the result another name.")
    source = load(path)
    text = prescan(source.data)
    if root is not None:
        text = relinked(text, source.folder, media_root(root))
    if is_bundle(target):
        done = from_otio(text.encode("utf-8"), source.folder, out, target)
        made = bundled(text, source.folder, frame_rate_of(parse(text.encode("utf-8"))))
        return Conversion(out, done.data, (*source.losses, *done.losses, *made.losses), None, made)
    text = moved(Lifted(text), source.folder, out).text
    done = from_otio(text.encode("utf-8"), out.parent, out, target)
    before = out.read_bytes() if out.is_file() else None
    return Conversion(out, done.data, (*source.losses, *done.losses), before)


def write_conversion(conversion: Conversion, *, force: bool = False) -> Path:
    """Write it whole or not at all. What is there already is only replaced by `force`, and kept as a backup.

    Raises OutputError, and ConflictError if somebody wrote there meanwhile.
    """
    out = conversion.out
    if out.exists() and not force:
        raise OutputError(f"{out} exists already.", "Choose another name, or say --force.")
    if conversion.bundle is not None:
        with locked(out.parent / CONTENT):
            return write_bundle(out, conversion.bundle)
    with locked(out):
        sweep_stale_temps(out.parent)
        if conversion.before is not None and conversion.before != conversion.data:
            backup(out, conversion.before)
        return write_over(out, conversion.data, conversion.before, "Convert it again.")


def relinked(text: str, folder: Path, root: MediaRoot) -> str:
    """`text` with the references that lead nowhere pointing to what was found in `root`."""
    document = JsonText(text)
    spans = _spans(parse(text.encode("utf-8")).stack)
    change: dict[str, str] = {}
    for at in references(document):
        url = document.value(at)
        if isinstance(url, str) and locate(url, folder).path is None and name_of(url):
            found, _ = root.find(spans.get(url, Reference("ExternalReference", url, None)))
            if found is not None:
                change[document.raw(at)] = json.dumps(reference(found, folder))
    return with_references(text, change)


def losses_to(timeline: TimelineInfo, out: Path) -> tuple[Loss, ...]:
    """What the scored timeline at `out` will not say any more, our own music included."""
    target = writable(absolute(out))
    known = None if timeline.is_media else format_of(timeline.path)
    if is_bundle(target):
        check_copy(timeline.path, absolute(out))
    elif target.native and (known is None or known.native):
        return ()
    source = source_of(timeline, out)
    if target.native:
        lost = target.losses(sheet_of(parse(source.data), source.folder))
        return source.losses + lost + _left_behind(source, target, timeline)
    kept = known is target and grafts(target)  # the user's own project, in which all else stays
    sheet = sheet_of(parse(source.data), source.folder)
    mark = Mark(Fraction(0), "hit", "hit", "GREEN")
    music = Piece(1 / sheet.rate, "music", Media("file", "music.wav"), marks=(mark,), cue="{}")
    if kept:
        sheet = Sheet("", sheet.rate, ())
    sheet = replace(sheet, lanes=(*sheet.lanes, Lane("Audio", (music,), OUR_LANE)))
    ours = (f"Audio track {len(sheet.of_kind('Audio'))} ({OUR_LANE})",)
    return (() if kept else source.losses) + tuple(
        replace(loss, where="Our music") if loss.where.endswith(ours) else loss
        for loss in target.losses(sheet)
    )


def source_of(timeline: TimelineInfo, out: Path) -> Source:
    """The OpenTimelineIO text of a timeline, or of a bare media file as one clip."""
    if timeline.is_media:
        return Source(one_clip_timeline(timeline, out.parent), out.parent)
    return load(timeline.path)


def _left_behind(source: Source, target: Format, timeline: TimelineInfo) -> tuple[Loss, ...]:
    """Media that does not go into a bundle."""
    if not is_bundle(target):
        return ()
    return bundled(prescan(source.data), source.folder, timeline.rate).losses


def _spans(stack: Node) -> dict[str, Reference]:
    """Every media reference by its address."""
    found: dict[str, Reference] = {}
    todo = [stack]
    while todo:
        each = todo.pop()
        if each.media is not None:
            found[each.media.url] = each.media
        todo += each.children
    return found
