"""The music goes down under speech, by what was asked for, and nowhere else."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pyloudnorm
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from renders import counted_film, melt
from timelines import clip, span, timeline, write
from toy_bundle import write_bundle
from voices import RATE, needs_flite, speaking_film, spoken

from hitpoint.cue.ducking import dip_db, dips_into, ducks_of, fader
from hitpoint.cue.master import master
from hitpoint.cue.onsets import array_reader
from hitpoint.errors import UsageError
from hitpoint.score import score
from hitpoint.timeline.formats.levels import framed, levels_of
from hitpoint.timeline.read import read_timeline
from hitpoint.values import Duck, Ducking, Scope, ScoreRequest, ScoreResult

HOW = Ducking(level=-12.0, attack=0.2, release=0.5)


def test_pauses_too_short_to_come_back_in_are_bridged() -> None:
    speech = [(1.0, 2.0), (2.6, 3.0), (5.0, 9.0), (12.0, 13.0)]
    assert ducks_of(speech, HOW, 8.0) == (Duck(1.0, 3.0, -12.0), Duck(5.0, 8.0, -12.0))
    assert ducks_of(speech, None, 8.0) == ()
    assert ducks_of([], HOW, 8.0) == ()


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0.1, 3)), max_size=6))
def test_the_fader_is_down_under_every_word_and_up_away_from_all(drawn: list[tuple[float, float]]) -> None:
    speech = [(start, start + length) for start, length in drawn]
    times = np.arange(0, 24, 0.002)
    depth = dip_db(ducks_of(speech, HOW, 24.0), HOW, times)
    assert depth.min(initial=0) >= HOW.level
    assert depth.max(initial=0) <= 0
    spoken_now = np.zeros(len(times), bool)
    near = np.zeros(len(times), bool)
    for start, end in speech:
        spoken_now |= (times >= start) & (times <= end)
        near |= (times >= start - HOW.attack - HOW.release) & (times <= end + HOW.attack + HOW.release)
    assert np.allclose(depth[spoken_now], HOW.level, atol=1e-4)
    assert not depth[~near].any()
    assert np.abs(np.diff(depth)).max(initial=0) <= 2 * abs(HOW.level) * 0.002 / HOW.attack


def test_the_target_is_for_the_music_without_its_dips() -> None:
    rng = np.random.default_rng(3)
    sound = (rng.normal(0, 0.05, (2, 12 * RATE))).astype(np.float32)
    ducks = (Duck(2.0, 9.0, -12.0),)
    plain = master(array_reader(sound), sound.shape[1], 12.0, -20.0)
    dipped = master(array_reader(sound), sound.shape[1], 12.0, -20.0, lambda times: dip_db(ducks, HOW, times))
    assert dipped.undipped == plain.loudness == plain.undipped
    assert plain.loudness == pytest.approx(-20.0, abs=0.05)
    one, other = (np.concatenate(list(each.blocks()), axis=1) for each in (plain, dipped))
    assert np.array_equal(one[:, : round(1.7 * RATE)], other[:, : round(1.7 * RATE)])
    inside = slice(round(2.1 * RATE), round(8.9 * RATE))
    drop = 20 * np.log10(np.std(other[:, inside]) / np.std(one[:, inside]))
    assert drop == pytest.approx(-12.0, abs=0.02)
    assert dipped.loudness == pytest.approx(pyloudnorm.Meter(RATE).integrated_loudness(other.T), abs=0.05)
    assert dipped.true_peak <= plain.true_peak


@given(
    st.lists(st.tuples(st.floats(0, 20), st.floats(0.1, 3)), min_size=1, max_size=6),
    st.sampled_from([0.0, 0.2, 3.0]),
)
def test_a_fader_in_straight_lines_is_as_low_where_somebody_speaks(
    drawn: list[tuple[float, float]], attack: float
) -> None:
    how = replace(HOW, attack=attack)
    speech = [(start, start + length) for start, length in drawn]
    ducks = ducks_of(speech, how, 21.0)
    points = fader(ducks, how, 21.0)
    assert points[0][0] == 0.0
    assert all(0 <= time <= 21.0 and how.level <= gain <= 0 for time, gain in points)
    assert [time for time, _ in points] == sorted(time for time, _ in points)
    times = np.arange(0.001, 21, 0.002)
    lines, curve = np.interp(times, *np.array(points).T), dip_db(ducks, how, times)
    jump = np.zeros(len(times), bool)
    for duck in ducks:
        spoken_now = (times >= duck.start) & (times <= duck.end)
        assert np.allclose(lines[spoken_now], how.level, atol=1e-4)
        jump |= np.abs(times - duck.start) < 0.003
    assert np.allclose(lines[(curve == 0) & ~jump], 0, atol=0.05)
    assert np.abs(lines - curve)[~jump].max() < 0.11 * abs(how.level), "half a cosine and a line"


def test_where_the_dips_go() -> None:
    assert dips_into(None, True, "a.mlt") is None
    assert dips_into(HOW, True, "a.mlt") == replace(HOW, into="automation")
    assert dips_into(HOW, False, "a.otio") == replace(HOW, into="wav")
    for automates in (True, False):
        assert dips_into(replace(HOW, into="wav"), automates, "a") == replace(HOW, into="wav")
    with pytest.raises(UsageError, match=r"a\.otio"):
        dips_into(replace(HOW, into="automation"), False, "a.otio")
    assert HOW.baked, "as long as nobody knows where the music will lie"


@pytest.fixture(scope="module")
def spoken_over(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A timeline of two shots of a film in which somebody speaks from 2 s on, and a bundle."""
    folder = tmp_path_factory.mktemp("duck")
    voice = spoken(folder)[: RATE * 2]
    film = speaking_film(folder / "film.mp4", 8.0, np.pad(voice, (2 * RATE, 0)))
    items = [
        clip("one", str(film), span(0, 75), span(0, 200)),
        clip("two", str(film), span(125, 75), span(0, 200)),
    ]
    return write(timeline([items]), folder / "edit.otio"), write_bundle(folder / "bundle")


def scored(spoken_over: tuple[Path, Path], name: str, ducking: Ducking | None) -> ScoreResult:
    edit, bundle = spoken_over
    request = ScoreRequest(edit, scope=Scope(whole=True), style="house", bundle=bundle, ducking=ducking)
    return score(request, edit.with_name(name))


@needs_flite
def test_a_line_of_clips_is_one_cue_that_makes_room_for_speech(spoken_over: tuple[Path, Path]) -> None:
    plain = scored(spoken_over, "plain.otio", None)
    ducked = scored(spoken_over, "ducked.otio", HOW)
    assert plain.asset.samples == ducked.asset.samples == 6 * RATE
    assert [shot.start for shot in plain.shots] == [0, 3]
    assert 3.0 in [hit.time for hit in plain.hit_points if hit.kind == "cut"]
    assert plain.ducking == ()
    (duck,) = ducked.ducking
    assert duck.start == pytest.approx(2.0, abs=0.2)
    assert duck.end == pytest.approx(3.0, abs=0.2), "the second shot shows the film after the words"
    one, other = (soundfile.read(each.asset.path)[0] for each in (plain, ducked))
    inside = slice(round((duck.start + 0.05) * RATE), round((duck.end - 0.05) * RATE))
    outside = slice(round((duck.end + HOW.release + 0.05) * RATE), None)
    assert 20 * np.log10(np.std(other[inside]) / np.std(one[inside])) == pytest.approx(-12, abs=0.1)
    assert np.abs(one[outside] - other[outside]).max() < 1e-6
    assert [hit.hit for hit in ducked.hit_points] == [hit.hit for hit in plain.hit_points]
    assert not [each for each in ducked.warnings if "LUFS" in each and each not in plain.warnings]
    assert ducked.asset.path != plain.asset.path
    made = otio.adapters.read_from_file(str(ducked.output))
    cue = next(iter(made.tracks[-1].find_clips()))
    assert cue.range_in_parent().start_time.value == 0
    assert cue.metadata["hitpoint"]["ducking"]["baked"] is True
    assert cue.metadata["hitpoint"]["ducking"]["ranges"][0]["gain_db"] == -12.0


@needs_flite
@pytest.mark.skipif(shutil.which("melt") is None, reason="melt is not installed (make system-deps)")
@pytest.mark.parametrize("suffix", [".mlt", ".kdenlive"])
def test_the_dips_are_keyframes_that_the_editor_plays(spoken_over: tuple[Path, Path], suffix: str) -> None:
    """The sound is that without dips. What melt plays is lower under the words by the level that was asked
    for, elsewhere by nothing. The film is silent in the renders, so that the music is heard alone."""
    folder = spoken_over[0].parent
    plain = scored(spoken_over, f"plain{suffix}", None)
    ducked = scored(spoken_over, f"ducked{suffix}", HOW)
    assert not ducked.ducking_baked
    assert ducked.asset.path != plain.asset.path
    one, other = (soundfile.read(each.asset.path)[0] for each in (plain, ducked))
    assert np.array_equal(one, other)
    (duck,) = ducked.ducking
    counted_film(folder / "silent.mov", 200, Fraction(25))
    renders: list[np.ndarray] = []
    for each in (plain, ducked):
        text = each.output.read_text(encoding="utf-8")
        each.output.write_text(text.replace("film.mp4", "silent.mov"), encoding="utf-8")
        renders.append(melt(each.output, folder / "render.mkv", 150)[1])
    before, after = renders
    inside = slice(round((duck.start + 0.05) * RATE), round((duck.end - 0.05) * RATE))
    assert 20 * np.log10(np.std(after[inside]) / np.std(before[inside])) == pytest.approx(HOW.level, abs=0.5)
    for away in (slice(0, round((duck.start - HOW.attack - 0.05) * RATE)),
                 slice(round((duck.end + HOW.release + 0.05) * RATE), 6 * RATE - 2000)):  # fmt: skip
        assert np.std(before[away]) > 0.01
        assert np.abs(before[away] - after[away]).max() < 2e-3


@needs_flite
def test_what_the_metadata_says_of_dips_beside_the_sound(spoken_over: tuple[Path, Path]) -> None:
    made = scored(spoken_over, "beside.fcpxml", HOW)
    (cue,) = read_timeline(made.output).cues
    note = json.loads(cue.note)
    (duck,) = made.ducking
    assert note["ducking"] == {
        "baked": False, "ranges": [{"start": duck.start, "end": duck.end, "gain_db": HOW.level}]
    }  # fmt: skip
    frames = dict(framed(levels_of(cue.note), Fraction(25)))
    low = [frame for frame, gain in frames.items() if gain == HOW.level]
    assert len(low) == 2
    assert low[0] / 25 <= duck.start
    assert low[1] / 25 >= duck.end
    assert frames[0] == 0
    assert not made.losses or not any("volume automation" in loss for loss in made.losses)


@needs_flite
def test_dips_go_into_the_sound_where_that_is_asked_for_or_nothing_else_can_be(
    spoken_over: tuple[Path, Path],
) -> None:
    folder = spoken_over[0].parent
    there = set(folder.iterdir())
    with pytest.raises(UsageError, match="volume automation"):
        scored(spoken_over, "asked.otio", replace(HOW, into="automation"))
    assert set(folder.iterdir()) == there
    asked = scored(spoken_over, "asked.mlt", replace(HOW, into="wav"))
    alone = scored(spoken_over, "alone.edl", HOW)
    beside = scored(spoken_over, "asked.kdenlive", HOW)
    assert asked.ducking_baked
    assert alone.ducking_baked
    assert asked.asset.path == alone.asset.path, "the same sound has the same name"
    assert asked.asset.sha256 == alone.asset.sha256 != beside.asset.sha256
    assert beside.asset.path != asked.asset.path, "and another sound another"
    assert b">volume<" not in asked.output.read_bytes()
    (cue,) = read_timeline(asked.output).cues
    assert json.loads(cue.note)["ducking"]["baked"] is True
    assert levels_of(cue.note) == ()


@needs_flite
def test_the_command_says_where_the_dips_went(spoken_over: tuple[Path, Path]) -> None:
    edit, bundle = spoken_over

    def hitpoint(name: str, *more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hitpoint", "score", edit, "--whole", "-o", edit.with_name(name)]
        command += ["--style", "house", "--bundle", bundle, "--duck", "auto", "--json", *more]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

    done = hitpoint("said.xml", "--duck-level", "-12")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["ducking"]
    assert told["baked"] is False
    assert [each["gain_db"] for each in told["ranges"]] == [-12.0]
    refused = hitpoint("said.otio", "--duck-into", "automation")
    assert refused.returncode == 2
    assert "volume automation" in refused.stderr
    assert "--duck-into wav" in refused.stderr
    assert hitpoint("said.otio", "--duck-into", "nowhere").returncode == 2
    assert not edit.with_name("said.otio").exists()


@needs_flite
def test_edited_markers_are_the_hit_points_of_the_next_scoring(spoken_over: tuple[Path, Path]) -> None:
    """Out, changed, and in again: through the whole product."""
    edit, bundle = spoken_over
    request = ScoreRequest(edit, clip="two", style="house", bundle=bundle)
    first = score(request, edit.with_name("round.otio"))
    assert len(first.hit_points) >= 3
    made = otio.adapters.read_from_file(str(first.output))
    cue = next(iter(made.tracks[-1].find_clips()))
    moved = cue.markers[1].marked_range.start_time.value + 4
    cue.markers[1].marked_range = span(moved, 0)
    del cue.markers[0]
    write(made, first.output)
    again = score(ScoreRequest(first.output, clip="two", style="house", bundle=bundle), first.output)
    times = [hit.time for hit in again.hit_points]
    assert first.hit_points[0].time not in times
    expected = sorted([first.hit_points[1].time + 4 / 25, *(hit.time for hit in first.hit_points[2:])])
    assert times == pytest.approx(expected, abs=1e-9)
    assert any("1 moved" in each and "1 deleted" in each for each in again.warnings)
    assert again.asset.path != first.asset.path
    third = score(ScoreRequest(first.output, clip="two", style="house", bundle=bundle), first.output)
    assert [hit.time for hit in third.hit_points] == times, "they stay until somebody says otherwise"
    fresh = ScoreRequest(first.output, clip="two", style="house", bundle=bundle, markers=False)
    assert [hit.time for hit in score(fresh, first.output).hit_points] == [h.time for h in first.hit_points]
