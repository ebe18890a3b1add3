"""Edits as people make them, drawn by hypothesis: rates, timecodes, retimes, transitions, gaps, nests."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import opentimelineio as otio
from hypothesis import strategies as st
from timelines import clip, gap, span

from hitpoint.media.timecode import snap_rate

RATES = [24000 / 1001, 23.976, 24.0, 25.0, 30000 / 1001, 29.97, 30.0, 50.0, 60000 / 1001, 59.94, 60.0]
FILM = "dance.mov"
SHOWN = "the scored shot"

names = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
keys = names.filter(lambda name: not name.startswith("OTIO_"))
"""The library's own words are no keys for others; hypothesis finds them in our source and tries them."""
metadata = st.dictionaries(
    keys,
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | names,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2),
        max_leaves=4,
    ),
    max_size=2,
)


@dataclass(frozen=True)
class Edit:
    """A timeline, and where the shot that is to be scored lies on it, by the arithmetic of whole frames."""

    timeline: otio.schema.Timeline
    rate: Fraction
    record_start: Fraction
    duration: Fraction


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    """A timeline with one shot named `SHOWN`, of the film `FILM`, among others that may be offline."""
    decimal = draw(st.sampled_from(RATES))
    nominal, rate = round(decimal), snap_rate(decimal)
    first = draw(st.sampled_from([0, nominal * 3600, nominal * 36000, nominal * 86400 - 30, 17]))
    before = draw(st.lists(pieces(decimal), max_size=3))
    shown, length = draw(shots(decimal))
    after = draw(st.lists(pieces(decimal), max_size=2))
    start = sum(frames for _, frames in before)
    items = dissolved(draw, decimal, [*(item for item, _ in before), shown, *(item for item, _ in after)])
    lanes = [draw(tracks(decimal, items))]
    for kind in draw(st.lists(st.sampled_from(["Video", "Audio"]), max_size=2)):
        others = [item for item, _ in draw(st.lists(pieces(decimal, depth=0), max_size=3))]
        lanes.append(draw(tracks(decimal, others, kind)))
    made = otio.schema.Timeline(draw(names), metadata=draw(metadata))
    if draw(st.booleans()):
        made.global_start_time = otio.opentime.RationalTime(first, decimal)
    made.tracks.extend(draw(st.permutations(lanes)))
    made.tracks.markers.extend(draw(marks(decimal)))
    return Edit(made, rate, start / rate, length / rate)


@st.composite
def tracks(
    draw: st.DrawFn, rate: float, items: list[otio.core.Composable], kind: str = "Video"
) -> otio.schema.Track:
    """A track that may be named, marked, and know things."""
    track = otio.schema.Track(draw(names), kind=kind, metadata=draw(metadata))
    track.extend(items)
    track.markers.extend(draw(marks(rate)))
    return track


@st.composite
def shots(draw: st.DrawFn, rate: float) -> tuple[otio.schema.Clip, int]:
    """The shot that is scored, at any speed forward."""
    length = draw(st.integers(1, 300))
    zero = draw(st.sampled_from([0, round(rate) * 3600, 11]))
    made = clip(SHOWN, FILM, span(zero + draw(st.integers(0, 40)), length, rate), span(zero, 9000, rate))
    if draw(st.booleans()):
        made.effects.append(
            otio.schema.LinearTimeWarp(time_scalar=draw(st.sampled_from([0.5, 1.0, 2.0, 1.25])))
        )
    made.metadata.update(draw(metadata))
    made.markers.extend(draw(marks(rate)))
    return made, length


@st.composite
def pieces(draw: st.DrawFn, rate: float, depth: int = 2) -> tuple[otio.core.Composable, int]:
    """Anything else on a track, and its length in frames."""
    kind = draw(st.sampled_from(["clip", "gap", "nest", "missing"] if depth else ["clip", "gap", "missing"]))
    length = draw(st.integers(1, 200))
    if kind == "gap":
        return gap(length, rate), length
    if kind == "nest":
        return draw(nests(rate, depth))
    start = draw(st.sampled_from([0, round(rate) * 3600]))
    url = None if kind == "missing" else draw(st.sampled_from([FILM, "/gone/ä b#.mov", "file:///x/%20y.mp4"]))
    made = clip(
        draw(names), url, span(start + draw(st.integers(0, 50)), length, rate), span(start, 5000, rate)
    )
    made.enabled = draw(st.booleans())
    made.metadata.update(draw(metadata))
    made.markers.extend(draw(marks(rate)))
    effect = draw(st.sampled_from(["none", "slow", "fast", "reverse", "freeze"]))
    if effect == "freeze":
        made.effects.append(otio.schema.FreezeFrame())
    elif effect != "none":
        scalar = {"slow": 0.5, "fast": 3.0, "reverse": -1.0}[effect]
        made.effects.append(otio.schema.LinearTimeWarp(time_scalar=scalar))
    return made, length


@st.composite
def nests(draw: st.DrawFn, rate: float, depth: int) -> tuple[otio.schema.Stack, int]:
    """A sequence within a sequence, trimmed."""
    inside = draw(st.lists(pieces(rate, depth - 1), min_size=1, max_size=3))
    inner = otio.schema.Track("inner", [item for item, _ in inside], kind="Video")
    whole = sum(frames for _, frames in inside)
    first = draw(st.integers(0, whole - 1))
    length = draw(st.integers(1, whole - first))
    return otio.schema.Stack(draw(names), [inner], span(first, length, rate)), length


def dissolved(draw: st.DrawFn, rate: float, items: list[otio.core.Composable]) -> list[otio.core.Composable]:
    """The same with transitions between some of them; those take no time."""
    found: list[otio.core.Composable] = []
    for item in items:
        if found and not isinstance(found[-1], otio.schema.Gap) and draw(st.integers(0, 2)) == 0:
            half = otio.opentime.RationalTime(draw(st.integers(1, 6)), rate)
            found.append(otio.schema.Transition("dissolve", "SMPTE_Dissolve", half, half))
        found.append(item)
    return found


@st.composite
def marks(draw: st.DrawFn, rate: float) -> list[otio.schema.Marker]:
    """Markers of the user's own."""
    return [
        otio.schema.Marker(draw(names), span(at, 0, rate), draw(st.sampled_from(["RED", "BLUE"])))
        for at in draw(st.lists(st.integers(0, 100), max_size=2))
    ]
