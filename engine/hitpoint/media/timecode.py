"""Frame rates and timecodes, exactly: 29.97 is 30000/1001, and drop-frame skips names, not frames."""

from __future__ import annotations

import re
from fractions import Fraction

from hitpoint.errors import TimelineError

_FILM_RATES = (24, 30, 48, 60, 120)  # the ones that people write as 23.98, 47.95, ...
_SLOWEST = 1 / 86_400
_TIMECODE = re.compile(r"(\d{1,3}):(\d{2}):(\d{2})([:;.,])(\d{2,3})")


def snap_rate(value: float | Fraction) -> Fraction:
    """The exact frame rate that a decimal stands for: 23.976 and 23.98 are 24000/1001, 25.0 is 25.

    A value close to nothing known (25.051, 12.5) is kept as it is. Raises TimelineError for a rate that
    is not finite, or outside of a frame a day and a million a second.
    """
    decimal = float(value)
    if not _SLOWEST <= decimal <= 1e6:
        raise TimelineError(f"A frame rate of {decimal:g} makes no sense.", "Export the timeline again.")
    whole = round(decimal)
    if whole and abs(decimal - whole) < 1e-3:
        return Fraction(whole)
    count = round(decimal * 1.001)
    ntsc = Fraction(count * 1000, 1001)
    tolerance = 5e-3 if count in _FILM_RATES else 1e-3
    if count and abs(decimal - float(ntsc)) <= tolerance:
        return ntsc
    return Fraction(value).limit_denominator(100_000)


def parse_timecode(text: str, rate: Fraction) -> Fraction:
    """Seconds of `HH:MM:SS:FF`; a `;` before the frames means drop-frame (SMPTE 12M).

    Raises ValueError where the text is no timecode at this rate.
    """
    match = _TIMECODE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a timecode")
    hours, minutes, seconds, frame = (int(match[i]) for i in (1, 2, 3, 5))
    nominal = round(rate)
    if minutes > 59 or seconds > 59 or frame >= nominal:
        raise ValueError(f"{text!r} is not a timecode at {float(rate):g} frames per second")
    count = ((hours * 60 + minutes) * 60 + seconds) * nominal + frame
    if match[4] in ";," and (dropped := _dropped(rate)):
        if frame < dropped and seconds == 0 and minutes % 10:
            raise ValueError(f"{text!r} is a timecode that drop-frame counting skips")
        total = hours * 60 + minutes
        count -= dropped * (total - total // 10)
    return count / rate


def format_timecode(frame: int, rate: Fraction, *, drop: bool = False) -> str:
    """`HH:MM:SS:FF` of the frame number `frame`; with `drop`, `HH:MM:SS;FF` counted in drop-frame.

    Rates without drop-frame (all but multiples of 29.97) are counted without. Frames below 0 are those
    before midnight, as a tape's clock shows them.
    """
    nominal = round(rate)
    dropped = _dropped(rate) if drop else 0
    if frame < 0:
        frame %= 24 * 6 * (600 * nominal - 9 * dropped)
    if dropped:
        minute = 60 * nominal - dropped  # names in a minute that skips
        tens, rest = divmod(frame, 10 * minute + dropped)
        frame += dropped * (9 * tens + max(0, rest - dropped) // minute)
    seconds, frames = divmod(frame, nominal)
    names = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{names}{';' if dropped else ':'}{frames:02d}"


def _dropped(rate: Fraction) -> int:
    """Names that drop-frame skips in a minute: 2 at 29.97, 4 at 59.94, 0 where there is no such count."""
    nominal = round(rate)
    return nominal // 15 if rate.denominator == 1001 and nominal % 30 == 0 else 0
