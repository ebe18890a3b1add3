"""The timeline of a bare media file: one video track with one clip on it."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

from hitpoint.timeline.track import Object, item_object, range_object, time_object
from hitpoint.timeline.urls import reference
from hitpoint.values import TimelineInfo


def one_clip_timeline(info: TimelineInfo, folder: Path) -> bytes:
    """The `.otio` text for a file in `folder`; times in whole frames, from the media's own start timecode."""
    rate = info.rate
    start = Fraction(round(info.start_timecode * rate))
    frames = Fraction(max(1, math.floor(info.duration * rate)))
    picture: Object = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "metadata": {},
        "name": info.path.name,
        "available_range": range_object(start, frames, rate),
        "available_image_bounds": None,
        "target_url": reference(info.path, folder),
    }
    clip = item_object(
        "Clip.2",
        info.clips[0].name,
        range_object(start, frames, rate),
        media_references={"DEFAULT_MEDIA": picture},
        active_media_reference_key="DEFAULT_MEDIA",
    )
    track = item_object("Track.1", info.clips[0].track, None, children=[clip], kind="Video")
    timeline: Object = {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {},
        "name": info.name,
        "global_start_time": time_object(start, rate),
        "tracks": item_object("Stack.1", "tracks", None, children=[track]),
    }
    return (json.dumps(timeline, indent=4, allow_nan=False) + "\n").encode("utf-8")
