"""Several clips as one cue: in the panel they are one clip more, with a number and a name of its own."""

from __future__ import annotations

from collections.abc import Sequence

from hitpoint.values import ClipInfo

FIRST_LINE = 1_000_001
"""The number of the first line; no timeline has so many clips."""


def line_clip(index: int, clips: Sequence[ClipInfo]) -> ClipInfo:
    """What the list shows of a line. Its `media` is that of its first clip that can be watched."""
    ordered = sorted(clips, key=lambda clip: clip.record_start)
    first, last = ordered[0], ordered[-1]
    start = first.record_start
    end = max(clip.record_start + clip.duration for clip in clips)
    seen = next((clip for clip in ordered if clip.media is not None), first)
    return ClipInfo(
        index=index,
        name=f"{first.name} to {last.name}",
        track="One cue",
        record_start=start,
        duration=end - start,
        rate=first.rate,
        media=seen.media,
        offline=seen.offline,
        enabled=any(clip.enabled for clip in clips),
    )
