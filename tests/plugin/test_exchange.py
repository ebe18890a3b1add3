"""The small files for other programs, read back by another reader."""

from __future__ import annotations

import io

import mido
import pytest

from hitpoint.values import TempoMap, TempoPoint
from hitpoint_plugin.tasks.exchange import tempo_midi


def bars(data: bytes, count: int) -> list[float]:
    """When the first bars of a MIDI file begin, in seconds, by mido's reading of it."""
    track = mido.MidiFile(file=io.BytesIO(data)).merged_track
    file = mido.MidiFile(file=io.BytesIO(data))
    changes, at, meter = [], 0, 4
    for message in track:
        at += message.time
        if message.type == "set_tempo":
            changes.append((at, message.tempo))
        if message.type == "time_signature":
            meter = message.numerator
    starts = []
    for bar in range(count):
        goal, seconds = bar * meter * file.ticks_per_beat, 0.0
        for (tick, tempo), following in zip(changes, [*changes[1:], (1 << 40, 0)], strict=True):
            here = max(0, min(goal, following[0]) - tick)
            seconds += mido.tick2second(here, file.ticks_per_beat, tempo)
        starts.append(seconds)
    return starts


@pytest.mark.parametrize(("bpm", "first", "meter"), [(120.0, 0.0, 4), (97.3, 0.7, 4), (140.0, -0.4, 3)])
def test_downbeats_fall_where_the_picture_has_them(bpm: float, first: float, meter: int) -> None:
    tempo = TempoMap((TempoPoint(0.0, bpm),), first, meter)
    bar = meter * 60 / bpm
    downbeat = first % bar
    wanted = [downbeat + number * bar for number in range(4)]
    found = [start for start in bars(tempo_midi(tempo), 5) if start >= downbeat - 1e-3][:4]
    assert found == pytest.approx(wanted, abs=2e-3)
