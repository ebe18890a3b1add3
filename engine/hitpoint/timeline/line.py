"""What is on screen over a stretch of the timeline: clips laid end to end, the highest of them seen.

A clip that is offline hides nothing; where nothing else lies, it is stillness. At a transition the picture
changes in its middle, softly, for which both clips show a little of their handles. Where a clip goes on in
the next as if there were no edit, there is no cut either.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from hitpoint.errors import MediaError
from hitpoint.media.probe import probe
from hitpoint.values import ClipInfo, MediaInfo, MediaRange, Piece


@dataclass(frozen=True, slots=True)
class Shown:
    """A clip, and from when to when it would be seen in record time if nothing lay above it."""

    clip: ClipInfo
    begin: Fraction
    end: Fraction


def shown(clip: ClipInfo) -> Shown:
    """`clip` from the middle of the transition at its start to the middle of that at its end."""
    begin, end = clip.record_start, clip.record_start + clip.duration
    if clip.fade_in is not None:
        begin += (clip.fade_in.after - clip.fade_in.before) / 2
    if clip.fade_out is not None:
        end += (clip.fade_out.after - clip.fade_out.before) / 2
    return Shown(clip, begin, end)


def line_of(clips: Sequence[Shown], start: Fraction, end: Fraction) -> tuple[Piece, ...]:
    """What is seen from `start` to `end` in record time; the pieces count from `start` and leave no hole."""
    pieces: list[Piece] = []
    before: Shown | None = None
    for left, right, top in _on_top(clips, start, end):
        piece = _piece(top, left, right, start)
        previous = pieces[-1] if pieces else None
        if previous is not None and (joined := _joined(previous, piece)) is not None:
            pieces[-1] = joined
        else:
            hard = previous is not None and _is_hard(before, top, left)
            pieces.append(replace(piece, cut=hard and (piece.media or pieces[-1].media) is not None))
        before = top
    return tuple(pieces)


def watchable(pieces: Sequence[Piece]) -> tuple[tuple[Piece, ...], tuple[str, ...]]:
    """`pieces` with stillness in the place of what cannot be watched, and a sentence for each reason."""
    known: dict[Path, MediaInfo | MediaError] = {}
    found: list[Piece] = []
    warnings: dict[str, None] = {}
    for piece in pieces:
        if piece.clip is None:
            found.append(piece)
            continue
        who = f"Clip {piece.clip.index} ({piece.clip.name})"
        if piece.media is None:
            warnings[f"{who} is offline: {piece.clip.offline}. It counts as stillness."] = None
            found.append(piece)
            continue
        path = piece.media.path
        if path not in known:
            known[path] = _looked_at(path)
        info = known[path]
        if isinstance(info, MediaError):
            warnings[f"{who} cannot be watched: {info.what} It counts as stillness."] = None
            found.append(replace(piece, media=None))
            continue
        parts = _within(piece, piece.media, info)
        if len(parts) > 1 or parts[0].media is None:
            warnings[f"{who} is longer than its media; what is missing has no movement."] = None
        found += parts
    for number, (one, other) in enumerate(pairwise(found), 1):
        if other.cut and one.media is other.media is None:
            found[number] = replace(other, cut=False)
    return tuple(found), tuple(warnings)


def _looked_at(path: Path) -> MediaInfo | MediaError:
    try:
        return probe(path)
    except MediaError as error:
        return error


def _on_top(
    clips: Sequence[Shown], start: Fraction, end: Fraction
) -> Iterator[tuple[Fraction, Fraction, Shown | None]]:
    """(from, to, what is seen) between any two moments at which that may change."""
    inside = [each for each in clips if each.begin < end and each.end > start and each.begin < each.end]
    inside.sort(key=lambda each: each.begin)
    edges = {start, end, *(t for each in inside for t in (each.begin, each.end) if start < t < end)}
    heap: list[tuple[tuple[bool, tuple[int, ...], int], int]] = []
    number = 0
    for left, right in pairwise(sorted(edges)):
        while number < len(inside) and inside[number].begin <= left:
            heapq.heappush(heap, (_height(inside[number].clip), number))
            number += 1
        while heap and inside[heap[0][1]].end <= left:
            heapq.heappop(heap)
        yield left, right, inside[heap[0][1]] if heap else None


def _height(clip: ClipInfo) -> tuple[bool, tuple[int, ...], int]:
    """Sorts what is seen first before what it hides."""
    return clip.media is None, tuple(-number for number in clip.layer), -clip.index


def _piece(top: Shown | None, left: Fraction, right: Fraction, start: Fraction) -> Piece:
    if top is None:
        return Piece(left - start, right - left)
    media, clip = top.clip.media, top.clip
    if media is not None:
        into = (left - clip.record_start) * media.speed
        media = replace(media, start=media.start + into, duration=right - left)
    return Piece(left - start, right - left, clip, media)


def _joined(one: Piece, next_: Piece) -> Piece | None:
    """The two as one, if nothing changes between them."""
    a, b = one.media, next_.media
    if a is None or b is None:
        same = one.clip is next_.clip and a is b
    else:
        same = (a.path, a.speed, a.start + a.duration * a.speed) == (b.path, b.speed, b.start)
    if not same:
        return None
    duration = one.duration + next_.duration
    return replace(one, duration=duration, media=None if a is None else replace(a, duration=duration))


def _is_hard(before: Shown | None, after: Shown | None, time: Fraction) -> bool:
    """Whether the picture changes at once, and not in the middle of a transition."""
    ends = before is not None and before.clip.fade_out is not None and before.end == time
    begins = after is not None and after.clip.fade_in is not None and after.begin == time
    return not (ends or begins)


def _within(piece: Piece, media: MediaRange, info: MediaInfo) -> list[Piece]:
    """`piece`, cut where its file begins and ends; a frame more or less is left to the decoder."""
    frame = 1 / info.frame_rate
    low, high = Fraction(0), piece.duration
    if media.speed:
        at = sorted((edge - media.start) / media.speed for edge in (Fraction(0), info.duration))
        slack = frame / abs(media.speed)
        low = at[0] if at[0] > slack else low
        high = at[1] if at[1] < high - slack else high
    elif not -frame < media.start < info.duration + frame:
        high = Fraction(0)
    if low >= high:
        return [replace(piece, media=None)]
    inside = replace(media, start=media.start + low * media.speed, duration=high - low)
    parts = [
        replace(piece, duration=low, media=None),
        replace(piece, start=piece.start + low, duration=high - low, media=inside, cut=piece.cut and not low),
        replace(piece, start=piece.start + high, duration=piece.duration - high, media=None, cut=False),
    ]
    return [part for part in parts if part.duration > 0]
