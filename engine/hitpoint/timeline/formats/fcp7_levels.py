"""Volume automation of our music in a Final Cut Pro 7 XML, as its editor left it. In the child only."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from fractions import Fraction

from hitpoint.timeline.formats.levels import Level, decibels, with_levels

COMMENT = "hitpoint:"
_NTSC = Fraction(1000, 1001)


def take_levels(root: ET.Element) -> None:
    """Move the keyframes of the filter `Audio Levels` of our clips into the metadata that they carry."""
    for item in root.iter("clipitem"):
        comment = item.find("comments/mastercomment1")
        text = (comment.text or "") if comment is not None else ""
        if comment is None or not text.startswith(COMMENT):
            continue
        ours = [each for each in item.findall("filter") if each.findtext("effect/effectid") == "audiolevels"]
        parameters = [each.find("effect/parameter[parameterid='level']") for each in ours]
        found = next((each for each in parameters if each is not None), None)
        levels = [] if found is None else _levels(found, _rate(item))
        comment.text = COMMENT + with_levels(text.removeprefix(COMMENT), levels)
        for each in ours:
            item.remove(each)


def _levels(parameter: ET.Element, rate: Fraction) -> list[Level]:
    """Curves are read as straight lines; a steady level is one point, and none if it changes nothing."""
    found = [
        Level(max(Fraction(0), Fraction(when)) / rate, decibels(factor))
        for each in parameter.findall("keyframe")
        if (when := _number(each.findtext("when"))) is not None
        and (factor := _number(each.findtext("value"))) is not None
    ]
    steady = decibels(_number(parameter.findtext("value")) or 1.0)
    return found or ([Level(Fraction(0), steady)] if steady else [])


def _rate(item: ET.Element) -> Fraction:
    base = _number(item.findtext("rate/timebase")) or 25.0
    whole = max(1, round(base))
    return whole * _NTSC if item.findtext("rate/ntsc") == "TRUE" else Fraction(whole)


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if math.isfinite(found) else None
