"""The composer: the engine's plan, in key, on the chords it promises, with room for the accents."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mido", reason="the training extra is not installed")

from hitpoint.cue.plan import STYLES
from hitpoint.cue.styles import style_row
from hitpoint.errors import HitpointError
from hitpoint_training.corpus.annotations import plan_from_json, plan_to_json
from hitpoint_training.corpus.compose import Piece, compose
from hitpoint_training.corpus.grooves import GROOVES, SIX, THREE
from hitpoint_training.corpus.midi import write_midi
from hitpoint_training.corpus.picture import simulate

PIECES = tuple(compose(seed, None, 20.0) for seed in range(16))
IDS = [f"{piece.plan.style}-{seed}" for seed, piece in enumerate(PIECES)]


def test_seeds_take_the_styles_in_turn() -> None:
    assert [piece.plan.style for piece in PIECES] == [*STYLES]


def test_a_seed_always_makes_the_same_piece() -> None:
    assert compose(7, None, 20.0) == PIECES[7]
    assert compose(7 + 16, None, 20.0).notes != PIECES[7].notes


@pytest.mark.parametrize("piece", PIECES, ids=IDS)
def test_pitched_notes_are_on_the_chords_of_the_plan(piece: Piece) -> None:
    """Chroma conditioning must be true: nearly all sounding time lies on the chord's pitch classes."""
    total = foreign = 0.0
    stops = [*(chord.start for chord in piece.plan.chords[1:]), piece.plan.duration]
    for note in piece.notes:
        for chord, stop in zip(piece.plan.chords, stops, strict=True):
            overlap = min(note.stop, stop) - max(note.start, chord.start)
            if note.part != "drums" and overlap > 0:
                total += overlap
                foreign += overlap * (note.pitch % 12 not in {*chord.pitch_classes, chord.bass})
    assert foreign / total < 0.02


@pytest.mark.parametrize("piece", PIECES, ids=IDS)
def test_every_accent_is_played_exactly_and_loudest(piece: Piece) -> None:
    for accent in piece.plan.accents:
        at = [note for note in piece.notes if note.start == accent.time]
        assert {"drums", "bass"} <= {note.part for note in at}
        if accent.strength >= 0.5 and accent.time < piece.plan.end - 0.05:
            around = [n for n in piece.notes if 0.01 < abs(n.start - accent.time) < 0.3]
            groove = [n.velocity for n in around if all(n.start != a.time for a in piece.plan.accents)]
            assert max(note.velocity for note in at if note.part == "drums") >= max(groove, default=0) - 12


@pytest.mark.parametrize("piece", PIECES, ids=IDS)
def test_nothing_strays_in_just_before_a_strong_accent(piece: Piece) -> None:
    marks = {accent.time for accent in piece.plan.accents} | {piece.plan.end}
    changes = {chord.start for chord in piece.plan.chords}
    for accent in piece.plan.accents:
        if accent.strength >= 0.5:
            stray = [
                note
                for note in piece.notes
                if 0 < accent.time - note.start < 0.12
                and note.start not in marks
                and not (note.part == "pad" and note.start in changes)
            ]
            assert stray == []


@pytest.mark.parametrize("piece", PIECES, ids=IDS)
def test_the_ending_ends(piece: Piece) -> None:
    end = piece.plan.end
    last = [note for note in piece.notes if note.start >= end]
    assert {note.start for note in last} == {end}
    assert {note.pitch % 12 for note in last if note.part != "drums"} == set(
        piece.plan.chords[-1].pitch_classes
    )
    assert all(note.stop <= end for note in piece.notes if note.start < end)


def test_louder_requests_make_denser_music() -> None:
    """Notes per second in the drop and in the break of the same piece."""
    drop: list[float] = []
    calm: list[float] = []
    for piece in PIECES:
        edges = [*(section.start for section in piece.plan.sections), piece.plan.end]
        for index, section in enumerate(piece.plan.sections):
            start, stop = edges[index], edges[index + 1]
            rate = sum(start <= note.start < stop for note in piece.notes) / max(1.0, stop - start)
            if section.kind in ("drop", "break"):
                (drop if section.kind == "drop" else calm).append(rate)
    assert np.mean(drop) > 1.3 * np.mean(calm)


@pytest.mark.parametrize("style", STYLES)
def test_grooves_fit_their_meter(style: str) -> None:
    groove = GROOVES[style]
    size = 12 if style_row(style).meters[0] == 3 else 16
    lines = [line for _, line in groove.drums] + [*groove.keys, *groove.bass]
    assert {len(line) for line in lines} == {size}
    for other in (THREE, SIX):
        assert {len(line) for line in [*other.keys, *other.bass]} == {12}


@pytest.mark.parametrize(("duration", "seeds"), [(0.5, 16), (1.7, 16), (3.0, 16), (90.0, 3)])
def test_any_length_can_be_composed(duration: float, seeds: int) -> None:
    for seed in range(seeds):
        piece = compose(seed, None, duration)
        assert piece.notes
        assert all(0 <= note.start < duration for note in piece.notes)


def test_pictures_look_like_movement() -> None:
    rng = np.random.default_rng(0)
    pictures = [simulate("pop", 30.0, rng) for _ in range(60)]
    rates = np.array([len(picture.hits) / 30 for picture in pictures])
    assert 0.1 < np.quantile(rates, 0.1) < np.quantile(rates, 0.95) < 5
    strengths = np.array([hit.strength for picture in pictures for hit in picture.hits])
    assert 0.3 <= strengths.min() < strengths.max() <= 1
    near: list[bool] = []
    for picture in pictures:
        if len(picture.tempo.points) == 1:
            step = 60 / picture.tempo.bpm / 4
            for hit in picture.hits:
                phase = (hit.time - picture.tempo.first_beat) / step
                near.append(abs(phase - round(phase)) * step < 0.012)
    # 65 % on the grid, and what falls on it by chance: 24 ms of a sixteenth of some 135 ms.
    assert 0.6 < np.mean(near) < 0.8


def test_annotations_survive_the_round_trip() -> None:
    for piece in PIECES:
        assert plan_from_json(plan_to_json(piece.plan)) == piece.plan


def test_annotations_of_before_the_tune_and_the_looks_still_read() -> None:
    plan = PIECES[0].plan
    data = json.loads(plan_to_json(plan))
    for name in ("tune", "scenes", "looks"):
        assert data.pop(name), "there is something to leave out"
    old = plan_from_json(json.dumps(data))
    assert old == replace(plan, tune=(), scenes=(), looks=())


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"duration": "x"}'])
def test_broken_annotations_are_a_named_error(text: str) -> None:
    with pytest.raises(HitpointError, match="annotation"):
        plan_from_json(text)


def test_midi_plays_every_note_at_its_time(tmp_path: Path) -> None:
    import mido

    path = tmp_path / "piece.mid"
    write_midi(PIECES[0], path)
    now, drums = 0.0, []
    for message in mido.MidiFile(path):
        now += message.time
        if message.type == "note_on" and message.channel == 9:
            drums.append(now)
    wanted = [note.start for note in PIECES[0].notes if note.part == "drums"]
    assert len(drums) == len(wanted)
    assert np.abs(np.array(drums) - np.array(wanted)).max() < 0.0002
    assert now == pytest.approx(PIECES[0].plan.duration, abs=0.001)
