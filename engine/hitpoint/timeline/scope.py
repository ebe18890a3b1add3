"""More than one clip as one cue: several, a track, a range, a region or all of the timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from hitpoint.errors import ConflictError, MissingMediaError, UsageError
from hitpoint.files import sha256_of
from hitpoint.timeline.line import Shown, line_of, shown, watchable
from hitpoint.timeline.ranges import Span, checked_span, region_span
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.select import named
from hitpoint.timeline.source import load
from hitpoint.values import ClipInfo, Piece, Scope, Selection, TimelineInfo


def select_scope(info: TimelineInfo, scope: Scope) -> Selection:
    """The line of clips that `scope` means, with stillness where nothing can be watched.

    Raises UsageError for what the timeline does not have or for a scope that says two things, and
    MissingMediaError where nothing at all can be watched.
    """
    _check(scope)
    if scope.clips:
        chosen = _chosen(info, scope.clips)
        (start, end), title = _extent(chosen, handles=scope.handles), _title(chosen)
        seen = _reaching(chosen, start, end)
    else:
        clips = [clip for clip in _on_track(info, scope.track) if clip.enabled]
        (start, end), title = _stretch(info, scope, clips)
        seen = [shown(clip) for clip in clips]
    pieces, warnings = watchable(line_of(seen, start, end))
    return _selection(info, pieces, start, title, warnings + _asleep(info, scope))


def still_there(info: TimelineInfo, selection: Selection) -> None:
    """Raise ConflictError if a clip of a line is not where it was when the line was watched.

    `hitpoint.timeline.place` looks after the first clip only; most lines have more.
    """
    clips = {piece.clip.index: piece.clip for piece in selection.pieces if piece.clip is not None}
    if not clips or info.is_media or sha256_of(load(info.path).data) == info.content_sha256:
        return
    now = {replace(clip, index=0) for clip in read_timeline(info.path).clips}
    gone = [clip for clip in clips.values() if replace(clip, index=0) not in now]
    if gone:
        raise ConflictError(
            f"{info.path} was changed while the music was made, and clip {gone[0].name} is not where it was.",
            "Score it again.",
        )


def _check(scope: Scope) -> None:
    asked = [bool(scope.clips), scope.span is not None, scope.region is not None, scope.whole]
    if (
        sum(asked) > 1
        or (scope.track is not None and (scope.clips or scope.whole))
        or not (any(asked) or scope.track is not None)
    ):
        raise UsageError(
            "Clips, a range of the timeline, a region, a track and the whole timeline exclude each other.",
            "Choose one of them; a range and a region may be limited to a track.",
        )


def _chosen(info: TimelineInfo, wanted: Sequence[str]) -> list[ClipInfo]:
    found: dict[int, ClipInfo] = {}
    for each in wanted:
        first, dots, last = each.partition("..")
        known = any(clip.name == each for clip in info.clips)
        if not dots or known:
            clips = [named(info, each)]
        else:
            low, high = named(info, first.strip()).index, named(info, last.strip()).index
            clips = [clip for clip in info.clips if low <= clip.index <= high]
            if not clips:
                raise UsageError(f"The clips {each} are backwards.", "Write the first clip first.")
        found |= {clip.index: clip for clip in clips}
    if not found:
        raise UsageError("No clip was named.", "Give a clip's name or number.")
    return [found[index] for index in sorted(found)]


def _extent(clips: Sequence[ClipInfo], *, handles: bool) -> Span:
    """From the first cut to the last; with `handles`, the transitions there are part of it."""

    def edge(clip: ClipInfo, late: bool) -> Fraction:
        fade = clip.fade_out if late else clip.fade_in
        beyond = (fade.after if late else fade.before) if fade is not None and handles else Fraction(0)
        return clip.record_start + clip.duration + beyond if late else clip.record_start - beyond

    start = max(Fraction(0), min(edge(clip, False) for clip in clips))
    end = max(edge(clip, True) for clip in clips)
    if end <= start:
        raise UsageError("The chosen clips have no length.", "Choose others.")
    return start, end


def _reaching(clips: Sequence[ClipInfo], start: Fraction, end: Fraction) -> list[Shown]:
    """The clips as they are shown; at the ends of the line nobody else shares a transition with them."""
    first = min(clips, key=lambda clip: clip.record_start)
    last = max(clips, key=lambda clip: clip.record_start + clip.duration)
    return [
        Shown(
            each.clip,
            min(each.begin, start) if each.clip is first else each.begin,
            max(each.end, end) if each.clip is last else each.end,
        )
        for each in map(shown, clips)
    ]


def _on_track(info: TimelineInfo, track: str | None) -> list[ClipInfo]:
    """The clips of a track by its name, or by its number as editors count: V1 is the lowest."""
    if track is None:
        return list(info.clips)
    wanted = track.strip().casefold()
    found = [clip for clip in info.clips if clip.track.casefold() == wanted]
    number = wanted.removeprefix("video").removeprefix("v").strip()
    if not found and number.isdecimal():
        found = [clip for clip in info.clips if clip.layer[:1] == (int(number),)]
    if not found:
        names = ", ".join(dict.fromkeys(clip.track for clip in info.clips))
        raise UsageError(f"There is no clip on a video track {track!r}.", f"There are: {names}.")
    return found


def _stretch(info: TimelineInfo, scope: Scope, clips: Sequence[ClipInfo]) -> tuple[Span, str]:
    """From when to when in record time, and what people call it."""
    if scope.span is not None:
        start, end = checked_span(scope.span, info)
        return (start, end), f"{info.name} {float(start):.2f}-{float(end):.2f} s"
    if scope.region is not None:
        return checked_span(region_span(scope.region, info), info), scope.region
    if not clips:
        raise UsageError(f"{info.path.name} has no video clip that is switched on.", "Choose a clip by name.")
    if scope.whole:
        return (Fraction(0), _extent(clips, handles=False)[1]), info.name
    return _extent(clips, handles=False), scope.track or info.name


def _selection(
    info: TimelineInfo, pieces: tuple[Piece, ...], start: Fraction, title: str, warnings: tuple[str, ...]
) -> Selection:
    first = next((piece for piece in pieces if piece.media is not None), None)
    if first is None or first.clip is None or first.media is None:
        reason = f" {warnings[0]}" if warnings else ""
        raise MissingMediaError(
            f"Nothing can be watched in {title!r}.{reason}",
            "Put the files back, relink them in your editor, or choose another part.",
        )
    return Selection(
        clip=first.clip,
        media=first.media,
        record_start=start,
        duration=pieces[-1].start + pieces[-1].duration,
        warnings=info.warnings + warnings,
        pieces=pieces,
        title=title,
    )


def _title(clips: Sequence[ClipInfo]) -> str:
    return clips[0].name if len(clips) == 1 else f"{clips[0].name} to {clips[-1].name}"


def _asleep(info: TimelineInfo, scope: Scope) -> tuple[str, ...]:
    off = [clip for clip in _chosen(info, scope.clips) if not clip.enabled] if scope.clips else []
    return tuple(f"Clip {clip.index} ({clip.name}) is switched off in the timeline." for clip in off)
