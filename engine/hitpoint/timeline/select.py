"""Which clip, and which stretch of it, is to be scored."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hitpoint.errors import MediaError, MissingMediaError, UsageError
from hitpoint.media.probe import probe
from hitpoint.values import ClipInfo, MediaRange, Selection, TimelineInfo


def select(
    info: TimelineInfo, clip: str | None = None, range: tuple[Fraction, Fraction] | None = None
) -> Selection:
    """The clip called `clip` (a name, or a number from 1), whole or from `range` seconds of its start.

    Without a name: the only clip, or the first with media; the warnings say which. Raises UsageError for
    an unknown or ambiguous name and a bad range, MissingMediaError and MediaError for unusable media.
    """
    chosen, warnings = (named(info, clip), ()) if clip is not None else _default(info)
    if chosen.media is None:
        raise MissingMediaError(
            f"Clip {chosen.index} ({chosen.name}) is offline: {chosen.offline}.",
            "Put the file back, relink the clip in your editor, or choose another clip.",
        )
    start, end = _checked_range(chosen, range)
    media = replace(chosen.media, start=chosen.media.start + start * chosen.media.speed, duration=end - start)
    if not chosen.enabled:
        warnings += (f"Clip {chosen.index} ({chosen.name}) is switched off in the timeline.",)
    return Selection(
        clip=chosen,
        media=media,
        record_start=chosen.record_start + start,
        duration=end - start,
        warnings=info.warnings + warnings + _check_media(chosen, media),
    )


def named(info: TimelineInfo, wanted: str) -> ClipInfo:
    """The clip of that name, or of that number from 1. Raises UsageError."""
    if wanted.isdecimal():
        found = [clip for clip in info.clips if clip.index == int(wanted)]
    else:
        found = [clip for clip in info.clips if clip.name == wanted]
        found = found or [clip for clip in info.clips if clip.name.casefold() == wanted.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(str(clip.index) for clip in found)
        raise UsageError(f"{len(found)} clips are named {wanted!r}.", f"Give the number instead: {numbers}.")
    raise UsageError(f"The timeline has no clip {wanted!r}.", _choices(info))


def _default(info: TimelineInfo) -> tuple[ClipInfo, tuple[str, ...]]:
    if not info.clips:
        raise UsageError(f"{info.path.name} has no video clip.", "Choose a timeline with one.")
    if len(info.clips) == 1:
        return info.clips[0], ()
    online = [clip for clip in info.clips if clip.media is not None]
    if not online:
        first = info.clips[0]
        raise MissingMediaError(
            f"All {len(info.clips)} clips are offline; of clip 1 ({first.name}), {first.offline}.",
            "Put the files back, or relink the clips in your editor.",
        )
    chosen = next((clip for clip in online if clip.enabled), online[0])
    note = f"No clip was named: this is clip {chosen.index} ({chosen.name}) of {len(info.clips)}."
    return chosen, (note,)


def _choices(info: TimelineInfo) -> str:
    names = [f"{clip.index} {clip.name}" for clip in info.clips[:20]]
    rest = f" and {len(info.clips) - 20} more" if len(info.clips) > 20 else ""
    return f"It has: {', '.join(names)}{rest}." if names else "It has no video clip at all."


def _checked_range(clip: ClipInfo, range: tuple[Fraction, Fraction] | None) -> tuple[Fraction, Fraction]:
    if clip.duration <= 0:
        raise UsageError(f"Clip {clip.index} ({clip.name}) has no length.", "Choose another clip.")
    if range is None:
        return Fraction(0), clip.duration
    start, end = range
    if end > clip.duration and end - clip.duration <= 1 / (2 * clip.rate):
        end = clip.duration  # what was typed is the rounded length
    what = f"The range {float(range[0]):g}-{float(range[1]):g} s"
    if end <= start:
        raise UsageError(f"{what} is empty or backwards.", "OUT must be later than IN.")
    if start < 0 or end > clip.duration:
        raise UsageError(
            f"{what} is not within clip {clip.index} ({clip.name}).",
            f"The clip is {float(clip.duration):.3f} s long.",
        )
    return start, end


def _check_media(clip: ClipInfo, media: MediaRange) -> tuple[str, ...]:
    """Open the file now, so that a bad one is known before anything else is done."""
    info = probe(media.path)
    first, last = sorted((media.start, media.start + media.duration * media.speed))
    frame = 1 / info.frame_rate
    if first >= info.duration or last <= -frame:
        raise MediaError(
            f"Clip {clip.index} ({clip.name}) shows a part that {media.path} does not have: "
            f"from {float(first):.2f} s of {float(info.duration):.2f} s.",
            "Relink the clip to the right file.",
        )
    if first < -frame or last > info.duration + frame:
        return (
            f"Clip {clip.index} ({clip.name}) is longer than its media; what is missing has no movement.",
        )
    return ()
