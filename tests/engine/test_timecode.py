"""Timecodes: every name of a day stands for one frame and comes back from it; exact rates never drift."""

from collections.abc import Iterator
from fractions import Fraction

import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitpoint.media.timecode import format_timecode, parse_timecode, snap_rate
from hitpoint.timeline.track import Cue, Lifted, insert, item_object, lift, range_object

NTSC = Fraction(30000, 1001)
NTSC_60 = Fraction(60000, 1001)
WHOLE_DAY = [
    (NTSC, True, 2_589_408),
    (NTSC_60, True, 5_178_816),
    (NTSC, False, 2_592_000),
    (NTSC_60, False, 5_184_000),
    (Fraction(24000, 1001), False, 2_073_600),
    (Fraction(24), False, 2_073_600),
    (Fraction(25), False, 2_160_000),
    (Fraction(30), False, 2_592_000),
]


def names(rate: Fraction, drop: bool, minutes: range) -> Iterator[str]:
    """The names as a clock that skips them shows them, one after the other; no arithmetic of frames."""
    count = round(rate)
    skipped = {30: 2, 60: 4}[count] if drop else 0
    mark = ";" if drop else ":"
    for minute in minutes:
        head = f"{minute // 60:02}:{minute % 60:02}"
        for second in range(60):
            first = skipped if second == 0 and minute % 10 else 0
            for frame in range(first, count):
                yield f"{head}:{second:02}{mark}{frame:02}"


@pytest.mark.battery
@pytest.mark.parametrize(("rate", "drop", "frames"), WHOLE_DAY)
def test_every_timecode_of_a_day_round_trips(rate: Fraction, drop: bool, frames: int) -> None:
    wrong = total = 0
    for number, name in enumerate(names(rate, drop, range(24 * 60))):
        total += 1
        wrong += (
            format_timecode(number, rate, drop=drop) != name or parse_timecode(name, rate) * rate != number
        )
    kind = "drop-frame" if drop else "non-drop"
    print(f"\n{total} {kind} timecodes of 24 h at {float(rate):.3f}: {wrong} do not round trip")
    assert (total, wrong) == (frames, 0)


@pytest.mark.parametrize(("rate", "drop", "frames"), WHOLE_DAY)
def test_the_ends_of_every_minute_of_a_day_round_trip(rate: Fraction, drop: bool, frames: int) -> None:
    """Where names are skipped and columns carry over: the first and last three names of all 1,440 minutes."""
    number = 0
    for minute in range(24 * 60):
        inside = list(
            names(rate, drop, range(minute, minute + 1)) if minute % 97 == 0 else ends(rate, drop, minute)
        )
        length = 60 * round(rate) - ({30: 2, 60: 4}[round(rate)] if drop and minute % 10 else 0)
        offsets = range(length) if len(inside) == length else [0, 1, 2, length - 3, length - 2, length - 1]
        for offset, name in zip(offsets, inside, strict=True):
            assert format_timecode(number + offset, rate, drop=drop) == name
            assert parse_timecode(name, rate) * rate == number + offset
        number += length
    assert number == frames


def ends(rate: Fraction, drop: bool, minute: int) -> list[str]:
    """The first three and the last three names of a minute."""
    count = round(rate)
    first = {30: 2, 60: 4}[count] if drop and minute % 10 else 0
    head, mark = f"{minute // 60:02}:{minute % 60:02}", ";" if drop else ":"
    opening = [f"{head}:00{mark}{frame:02}" for frame in range(first, first + 3)]
    return opening + [f"{head}:59{mark}{frame:02}" for frame in range(count - 3, count)]


@pytest.mark.parametrize("rate", [NTSC, NTSC_60])
def test_a_name_that_drop_frame_skips_is_no_timecode(rate: Fraction) -> None:
    for minute in range(24 * 60):
        for frame in range(round(rate) // 15):
            name = f"{minute // 60:02}:{minute % 60:02}:00;{frame:02}"
            if minute % 10 == 0:
                assert parse_timecode(name, rate) >= 0
            else:
                with pytest.raises(ValueError, match="skips"):
                    parse_timecode(name, rate)


def test_rates_without_drop_frame_are_counted_without() -> None:
    """Some programs write a semicolon at any rate; at 23.976 nothing is dropped, so nothing is taken off."""
    film = Fraction(24000, 1001)
    assert parse_timecode("01:00:00;00", film) * film == 86400
    assert format_timecode(86400, film, drop=True) == "01:00:00:00"


@pytest.mark.parametrize(("rate", "drop", "frames"), WHOLE_DAY)
def test_before_zero_is_before_midnight(rate: Fraction, drop: bool, frames: int) -> None:
    for frame in (-1, -2, 1 - frames, -frames):
        assert format_timecode(frame, rate, drop=drop) == format_timecode(frame + frames, rate, drop=drop)


@pytest.mark.parametrize(
    "text", ["", "1:00:00:00:00", "00:60:00:00", "00:00:60:00", "00:00:00:25", "٠١:00:00:0x"]
)
def test_what_is_no_timecode_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="timecode"):
        parse_timecode(text, Fraction(25))


RATES = [
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    NTSC,
    Fraction(30),
    Fraction(50),
    NTSC_60,
    Fraction(60),
]


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(RATES), st.integers(0, 10**7), st.booleans())
def test_opentimelineio_names_the_frames_alike(rate: Fraction, frame: int, drop: bool) -> None:
    """A second opinion, within the 24 h after which that library starts again from zero."""
    frame %= 24 * 3600 * round(rate) - (24 * 6 * 9 * round(rate) // 15 if drop else 0)
    time = otio.opentime.RationalTime(frame, float(rate))
    drops = drop and rate in (NTSC, NTSC_60)
    assert format_timecode(frame, rate, drop=drop) == otio.opentime.to_timecode(time, float(rate), drops)


def day_of_cues(rate: Fraction, frames: int) -> tuple[Cue, ...]:
    """Cues of `frames` frames with a gap of one frame between them, for 24 hours."""
    length = range_object(Fraction(0), Fraction(frames), rate)
    media = {"DEFAULT_MEDIA": {"OTIO_SCHEMA": "MissingReference.1"}}
    ours = {"hitpoint": {"seed": 1}}
    clip = item_object(
        "Clip.2",
        "c",
        length,
        metadata=ours,
        media_references=media,
        active_media_reference_key="DEFAULT_MEDIA",
    )
    count = int(24 * 3600 * rate) // (frames + 1)
    return tuple(Cue(n * (frames + 1) / rate, frames / rate, clip) for n in range(count))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("frames", [5003, pytest.param(31, marks=pytest.mark.battery)])
def test_a_day_of_cues_does_not_drift(rate: Fraction, frames: int) -> None:
    """31 frames at 29.97 are 49,649.6 samples: rounding each would add up to half a second a day."""
    cues = day_of_cues(rate, frames)
    text = '{"OTIO_SCHEMA":"Timeline.1","tracks":{"OTIO_SCHEMA":"Stack.1","children":[]}}'
    track = otio.adapters.read_from_string(insert(Lifted(text, cues), rate), "otio_json").tracks[0]
    place, worst, found = Fraction(0), Fraction(0), 0
    for item in track:
        if isinstance(item, otio.schema.Clip):
            worst = max(worst, abs(place - cues[found].start) * 48000)
            found += 1
        time = item.source_range.duration
        place += Fraction(time.value) / snap_rate(time.rate)
    assert found == len(cues)
    print(
        f"\n{found} cues over {float(place) / 3600:.2f} h at {float(rate):.3f}: drift {float(worst)} samples"
    )
    assert worst <= Fraction(1, 2)
    again = lift(insert(Lifted(text, cues), rate)).cues
    assert [cue.start for cue in again] == [cue.start for cue in cues]
