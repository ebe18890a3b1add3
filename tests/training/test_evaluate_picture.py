"""Figures of the picture, the tune and the ending: sounds made by hand, each beside one that is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("librosa", reason="the training extra is not installed")

from hitpoint.cue.plan import LOOK_NAMES, Accent, Chord, CuePlan, Scene, Section, Tone
from hitpoint_training.evaluate import finish, melody, picture
from hitpoint_training.evaluate.heard import Heard
from hitpoint_training.evaluate.tone import chord_changes

RATE = 22_050


def a_plan(duration: float, accents: tuple[Accent, ...] = ()) -> CuePlan:
    """120 beats a minute, one chord, nothing known of the picture."""
    beats = tuple(float(time) for time in np.arange(0, duration, 0.5))
    return CuePlan(
        duration=duration, end=duration - 1, style="pop", bpm=120.0, beats_per_bar=4, beats=beats,
        downbeats=beats[::4], accents=accents, chords=(Chord(0.0, 0, (0, 4, 7), 0),),
        sections=(Section(0.0, "groove", 0.6),), tonic=0, minor=False,
    )  # fmt: skip


def a_look(**values: float) -> tuple[float, ...]:
    return tuple(values.get(name, 0.5) for name in LOOK_NAMES)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def tones(notes: list[Tone], seconds: float) -> np.ndarray:
    """Plain sines."""
    sound = np.zeros(round(seconds * RATE), np.float32)
    for note in notes:
        time = np.arange(round(note.duration * RATE)) / RATE
        wave = np.sin(2 * np.pi * 440 * 2 ** ((note.pitch - 69) / 12) * time) * np.hanning(len(time))
        first = round(note.start * RATE)
        sound[first : first + len(time)] += 0.2 * wave[: len(sound) - first]
    return sound


def test_loudness_that_follows_the_energy_correlates_and_that_of_another_picture_does_not() -> None:
    rng = np.random.default_rng(3)
    energies = rng.uniform(0, 1, (2, 40))
    mine, other = (
        replace(a_plan(20.0), looks=tuple(a_look(energy=float(e)) for e in row)) for row in energies
    )
    sound = Heard(noise(20.0) * np.repeat(10 ** energies[0], RATE // 2).astype(np.float32), RATE)
    assert picture.energy_follows(sound, mine) > 0.95
    assert abs(picture.energy_follows(sound, other)) < 0.5
    assert picture.energy_follows(Heard(np.zeros(20 * RATE, np.float32), RATE), mine) == 0.0
    assert np.isnan(picture.energy_follows(sound, a_plan(20.0)))


def test_bright_shots_sound_bright() -> None:
    lights = [0.2, 0.9, 0.3, 0.7, 0.5]
    scenes = tuple(Scene(3.0 * i, a_look(brightness=light)) for i, light in enumerate(lights))
    plan = replace(a_plan(16.0), scenes=scenes)
    parts = [tones([Tone(0.0, 3.0, round(50 + 30 * light))], 3.0) for light in lights]
    sound = np.concatenate([*parts, np.zeros(RATE, np.float32)])
    right = picture.shots(Heard(sound, RATE), plan)
    wrong = picture.shots(Heard(np.roll(sound, 3 * RATE), RATE), plan)
    assert picture.colour_follows([right]) > 0.95
    assert picture.colour_follows([wrong]) < 0.3
    assert np.isnan(picture.colour_follows([]))
    short = Heard(sound[: 7 * RATE], RATE)
    assert len(picture.shots(short, plan).centroid) == 3, "a sound that is too short ends there"
    assert np.isfinite(picture.shots(short, plan).centroid).all()


def test_cymbals_on_the_cuts_that_are_beats() -> None:
    on, off = [2.0, 5.0, 8.5, 11.0], [3.25, 6.75, 9.7, 12.2]
    plan = replace(a_plan(15.0), scenes=tuple(Scene(t, a_look()) for t in sorted([0.0, *on, *off])))

    def cut_figures(times: list[float]) -> tuple[float, float]:
        sound = 0.01 * noise(15.0)
        for time in times:
            first = round(time * RATE)
            sound[first : first + 4000] += 5 * noise(4000 / RATE, 1)
        cuts = picture.cuts(Heard(sound, RATE), plan)
        assert (len(cuts.on), len(cuts.off)) == (4, 4)
        return picture.cut_auc([cuts]), picture.cut_beat_auc([cuts])

    assert cut_figures(on) == (1.0, 1.0)
    assert cut_figures(off)[0] == 0.0
    every_beat = [time for time in a_plan(15.0).beats if time < 14]
    assert cut_figures(every_beat)[1] == pytest.approx(0.5, abs=0.35)


TUNE = [Tone(0.5 * i, 0.4, pitch) for i, pitch in enumerate([72, 76, 79, 74, 72, 67, 71, 74, 76, 72] * 2)]


def test_a_tune_is_heard_where_it_is_played_and_not_a_note_later() -> None:
    def figures(late: int) -> tuple[float, float]:
        pitches = np.roll([note.pitch for note in TUNE], late)
        played = [replace(note, pitch=int(pitch)) for note, pitch in zip(TUNE, pitches, strict=True)]
        chords = [Tone(0.0, 10.0, pitch) for pitch in (48, 52, 55, 60, 64, 67)]
        high = melody.register(Heard(tones([*played, *chords], 10.0), RATE))
        return melody.tune_share(high, TUNE), melody.tune_heard(high, TUNE)

    share, heard = figures(0)
    assert share > 0.33
    assert heard > 0.9
    share, heard = figures(1)
    assert share < 0.28
    assert heard < 0.5
    silence = melody.register(Heard(np.zeros(10 * RATE, np.float32), RATE))
    assert (melody.tune_share(silence, TUNE), melody.tune_heard(silence, TUNE)) == (0.0, 0.5)
    assert np.isnan(melody.tune_heard(silence, []))


def test_the_plans_own_motif_is_recognised_among_others_for_the_same_chords() -> None:
    from hitpoint.cue.planner import plan_cue
    from hitpoint.values import TempoMap, TempoPoint

    plan = plan_cue(24.0, (), TempoMap((TempoPoint(0.0, 120.0),), 0.0), (), "pop", 0.8, 3)
    own = melody.register(Heard(tones(list(plan.tune), 24.0), RATE))
    chords = melody.register(Heard(tones([Tone(0.0, 24.0, 60), Tone(0.0, 24.0, 64)], 24.0), RATE))
    assert melody.motif_heard(own, plan) == 1.0
    assert melody.motif_heard(chords, plan) < 0.95
    assert np.isnan(melody.motif_heard(own, replace(plan, tune=())))


def test_chords_change_when_they_should() -> None:
    names = ((0, 4, 7), (5, 9, 0), (7, 11, 2), (9, 0, 4))
    starts = [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    chords = tuple(Chord(t, names[i % 4][0], names[i % 4], names[i % 4][0]) for i, t in enumerate(starts))
    plan = replace(a_plan(12.5), chords=chords)

    def changes(late: float) -> float:
        played = [Tone(c.start + late, 2.0, 60 + pitch) for c in chords for pitch in c.pitch_classes]
        return chord_changes(Heard(tones(played, 14.0)[: round(12.5 * RATE)], RATE).pitches, plan)

    assert changes(0.0) > 0.9
    assert changes(1.0) < 0.5


def test_loudness_clipping_silence_and_decay() -> None:
    plan = a_plan(8.0)  # ends at 7
    time = np.arange(8 * 48_000) / 48_000
    sine = np.sin(2 * np.pi * 997 * time).astype(np.float32)
    stereo = np.stack([sine, sine], 1)
    assert finish.loudness(Heard(0.1 * stereo, 48_000)) == pytest.approx(-20.0, abs=0.15)
    assert finish.loudness(Heard(0 * stereo, 48_000)) == -70.0
    assert finish.clipped(Heard(0.9 * stereo, 48_000)) == 0.0
    assert finish.clipped(Heard(np.clip(2 * stereo, -1, 1), 48_000)) > 500
    holed = stereo.copy()
    holed[2 * 48_000 : 4 * 48_000] = 0
    assert finish.longest_silence(Heard(holed, 48_000), plan) == pytest.approx(2.0, abs=0.11)
    assert finish.longest_silence(Heard(stereo, 48_000), plan) == 0.0
    ended = stereo * np.where(time < 7, 1, np.exp((7 - time) * 6))[:, None].astype(np.float32)
    assert finish.decay(Heard(ended, 48_000), plan) < -40
    assert finish.decay(Heard(stereo, 48_000), plan) > -1
