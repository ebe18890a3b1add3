"""What OpenTimelineIO's FCP7 adapter reads wrong or leaves in metadata, put right. In the child only."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any


def sequences_of(root: ET.Element) -> list[Any]:
    """The timelines of a file.

    A transition takes no time on its track: for the adapter the next item would follow its end, not its
    cut, and where that item is a gap all after it came early.
    """
    import opentimelineio as otio

    adapter: Any = otio.adapters.from_name("fcp_xml").module()

    class Parser(adapter.FCP7XMLParser):  # type: ignore[misc]
        def item_and_timing_for_element(self, element: Any, head: Any, tail: Any, context: Any) -> Any:
            item, span = super().item_and_timing_for_element(element, head, tail, context)
            if isinstance(item, otio.schema.Transition):
                span = otio.opentime.TimeRange(span.start_time + item.in_offset)
            return item, span

    found: list[Any] = Parser(root).top_level_sequences()
    return found


def corrected(timeline: Any) -> Any:
    """`timeline` with speeds, switched-off clips, names of tracks, and markers in the time of their media."""
    import opentimelineio as otio

    for track in timeline.find_children(descended_from_type=otio.schema.Track):
        track.name = track.name or str(_notes(track).get("@MZ.TrackName", ""))
        track.enabled = _notes(track).get("enabled") != "FALSE"
    for marker in timeline.tracks.markers:
        _explain(marker)
    for clip in timeline.find_clips():
        clip.enabled = _notes(clip).get("enabled") != "FALSE"
        notes = _notes(clip).get("comments", {})
        comment = str(notes.get("mastercomment1", "")) if hasattr(notes, "keys") else ""
        if comment.startswith("hitpoint:"):
            clip.metadata["hitpoint"] = json.loads(comment.removeprefix("hitpoint:"))
        _retime(otio, clip)
        _mark(otio, clip)
    return timeline


def _retime(otio: Any, clip: Any) -> None:
    """The effect `Time Remap` as a speed; `in` counts frames of the clip as it is played."""
    speed = next((found for each in clip.effects if (found := _speed(each)) is not None), None)
    if speed is None:
        return
    clip.effects[:] = [each for each in clip.effects if _speed(each) is None]
    if speed == 1:
        return
    clip.effects.append(
        otio.schema.FreezeFrame() if speed == 0 else otio.schema.LinearTimeWarp(time_scalar=speed)
    )
    available = clip.media_reference.available_range
    source = clip.source_range
    if available is None or source is None or speed == 0:
        return
    rate = source.start_time.rate
    zero = available.start_time.rescaled_to(rate).value
    start = zero + (source.start_time.value - zero) * abs(speed)
    clip.source_range = otio.opentime.TimeRange(otio.opentime.RationalTime(start, rate), source.duration)


def _speed(effect: Any) -> float | None:
    notes = _notes(effect)
    if notes.get("effectid") != "timeremap":
        return None
    found = notes.get("parameter", [])
    values = {
        str(each.get("parameterid")): str(each.get("value"))
        for each in ([found] if hasattr(found, "keys") else found)
        if hasattr(each, "keys")
    }
    try:
        speed = float(values.get("speed", "100"))
    except ValueError:
        return None
    # In percent; some programs write the ratio itself, which no clip is in percent.
    speed = speed / 100 if abs(speed) >= 5 or speed == 0 else speed
    return -speed if values.get("reverse") == "TRUE" else speed


def _mark(otio: Any, clip: Any) -> None:
    """Markers count from the beginning of the file; ours are in its timecode."""
    available = clip.media_reference.available_range
    for marker in clip.markers:
        _explain(marker)
        if available is not None:
            span = marker.marked_range
            start = span.start_time + available.start_time.rescaled_to(span.start_time.rate)
            marker.marked_range = otio.opentime.TimeRange(start, span.duration)


def _explain(marker: Any) -> None:
    """The comment is in the metadata only, and the colour is none that anybody chose."""
    marker.color = ""
    marker.comment = marker.comment or str(_notes(marker).get("comment") or "")


def _notes(item: Any) -> Any:
    return item.metadata.get("fcp_xml", {})
