"""Tasks that touch the user's files, run as the worker runs them, on a real take."""

from __future__ import annotations

import dataclasses
import json
import math
from fractions import Fraction
from pathlib import Path

import mido
import pytest
import soundfile
from timelines import second_opinion

from hitpoint.cue.verify import read_origin
from hitpoint.errors import MissingMediaError
from hitpoint.progress import SILENT
from hitpoint.timeline.read import read_timeline
from hitpoint.values import Ducking, ScoreRequest
from hitpoint_plugin.codec import from_json, to_json
from hitpoint_plugin.model.placing import BESIDE
from hitpoint_plugin.tasks import (
    Compose,
    Export,
    FindConflicts,
    Place,
    Take,
    Unplace,
    Watch,
    Watched,
    WaveformOf,
)


@pytest.fixture(scope="module")
def watched(dancer: Path) -> Watched:
    return Watch(ScoreRequest(dancer, style="pop")).run(SILENT)


@pytest.fixture(scope="module")
def take(watched: Watched, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Take:
    request = ScoreRequest(watched.timeline.path, style="pop", bundle=bundle)
    return Compose(watched, request, tmp_path_factory.mktemp("takes")).run(SILENT)


def test_a_take_survives_the_way_to_the_panel(take: Take, watched: Watched) -> None:
    assert from_json(Take, json.loads(json.dumps(to_json(take)))) == take
    back = from_json(Watched, json.loads(json.dumps(to_json(watched))))
    assert back.selection == watched.selection
    assert back.rhythm.hit_points == watched.rhythm.hit_points


def test_a_new_timeline_is_placed_and_goes_again(watched: Watched, take: Take, tmp_path: Path) -> None:
    out = tmp_path / "new.otio"
    assert FindConflicts(watched, out).run(SILENT).ranges == ()
    placed = Place(watched, take, out, tmp_path / "attic").run(SILENT)
    assert placed.before is None
    assert len(json.loads(second_opinion(out))) == 1
    assert FindConflicts(watched, out).run(SILENT).ranges == ((Fraction(0), Fraction(3)),)
    assert "did not exist before" in Unplace(placed).run(SILENT)
    assert not out.exists()


def test_what_others_changed_since_stays_when_a_placement_is_undone(
    watched: Watched, take: Take, tmp_path: Path
) -> None:
    out = tmp_path / "new.otio"
    placed = Place(watched, take, out, tmp_path / "attic").run(SILENT)
    out.write_text(out.read_text(encoding="utf-8").replace('"dancer"', '"renamed"', 1), encoding="utf-8")
    assert "taken off" in Unplace(placed).run(SILENT)
    assert "renamed" in out.read_text(encoding="utf-8")
    assert "Hitpoint" not in [clip.track for clip in read_timeline(out).clips]


def test_undo_gives_back_the_very_bytes(watched: Watched, take: Take, tmp_path: Path) -> None:
    out = tmp_path / "new.otio"
    Place(watched, take, out, tmp_path / "attic").run(SILENT)
    first = out.read_bytes()
    other = dataclasses.replace(take, hits=take.hits[:1])
    again = Place(watched, other, out, tmp_path / "attic").run(SILENT)
    assert out.read_bytes() != first
    Unplace(again).run(SILENT)
    assert out.read_bytes() == first


def test_a_take_goes_on_a_track_of_its_own_beside_another(
    watched: Watched, take: Take, tmp_path: Path
) -> None:
    out = tmp_path / "new.otio"
    Place(watched, take, out, tmp_path / "attic").run(SILENT)
    first = out.read_bytes()
    beside = Place(watched, take, out, tmp_path / "attic", keep=True).run(SILENT)
    ranges = FindConflicts(watched, out).run(SILENT).ranges
    assert ranges == ((Fraction(0), Fraction(3)),) * 2
    assert '"Hitpoint 2"' in out.read_text(encoding="utf-8")
    assert "byte for byte" in Unplace(beside).run(SILENT)
    assert out.read_bytes() == first


@pytest.mark.parametrize("ending", BESIDE)
def test_a_timeline_of_another_program_gets_its_music_in_its_own_format(
    ending: str, watched: Watched, take: Take, tmp_path: Path
) -> None:
    out, attic = tmp_path / f"cut-hitpoint{ending}", tmp_path / "attic"
    first = Place(watched, take, out, attic).run(SILENT)
    assert first.before is None
    assert [float(cue.record_start) for cue in read_timeline(out).cues] == [0.0]
    assert FindConflicts(watched, out).run(SILENT).ranges == ((Fraction(0), Fraction(3)),)
    whole = out.read_bytes()
    beside = Place(watched, take, out, attic, keep=True).run(SILENT)
    assert len(read_timeline(out).cues) == 2
    assert "byte for byte" in Unplace(beside).run(SILENT)
    assert out.read_bytes() == whole
    assert "did not exist before" in Unplace(first).run(SILENT)
    assert not out.exists()


def test_the_music_makes_room_where_somebody_speaks_and_the_timeline_says_so(
    watched: Watched, take: Take, tmp_path: Path
) -> None:
    request = dataclasses.replace(take.request, ducking=Ducking(-20.0, 0.1, 0.1))
    heard = dataclasses.replace(watched, speech=((1.0, 2.0),))
    ducked = Compose(heard, request, tmp_path).run(SILENT)
    assert ducked.speech == ((1.0, 2.0),)

    def power(of: Take, start: float, stop: float) -> float:
        sound, rate = soundfile.read(of.asset.path)
        return float((sound[round(start * rate) : round(stop * rate)] ** 2).mean())

    change = power(ducked, 1, 2) / power(take, 1, 2) / (power(ducked, 0, 0.8) / power(take, 0, 0.8))
    assert 10 * math.log10(change) == pytest.approx(-20, abs=3)
    out = tmp_path / "new.otio"
    Place(heard, ducked, out, tmp_path / "attic").run(SILENT)
    (cue,) = read_timeline(out).cues
    assert json.loads(cue.note)["ducking"]["ranges"] == [{"start": 1.0, "end": 2.0, "gain_db": -20.0}]


def test_nobody_is_listened_to_unless_it_is_asked(watched: Watched, take: Take, tmp_path: Path) -> None:
    assert (watched.speech, take.speech) == (None, ())
    request = dataclasses.replace(take.request, ducking=Ducking())
    assert Compose(watched, request, tmp_path).run(SILENT).speech == ()  # the dancer says nothing


def test_every_export_is_what_it_says(watched: Watched, take: Take, tmp_path: Path) -> None:
    wav = Export("wav", watched, take, tmp_path / "music.wav").run(SILENT)
    assert read_origin(wav).intact
    report = json.loads(Export("report", watched, take, tmp_path / "hits.json").run(SILENT).read_text())
    assert len(report["hit_points"]) == len(take.hits)
    assert report["hit_rate"] == take.hit_rate
    midi = mido.MidiFile(Export("tempo", watched, take, tmp_path / "tempo.mid").run(SILENT))
    assert {message.type for message in midi.tracks[0]} == {"time_signature", "set_tempo", "end_of_track"}
    edl = Export("markers", watched, take, tmp_path / "m.edl").run(SILENT).read_text()
    assert edl.count("|M:") == len(take.hits)
    assert edl.startswith("TITLE: ")


def test_the_waveform_is_that_of_the_sound(take: Take) -> None:
    wave = WaveformOf(take.asset.path, take.lead, 100).run(SILENT)
    assert wave.seconds == pytest.approx(3.0)
    assert wave.high.max() > 0.2
    assert (wave.low <= wave.high).all()


def test_a_take_whose_sound_is_gone_is_not_placed(watched: Watched, take: Take, tmp_path: Path) -> None:
    gone = dataclasses.replace(take, asset=dataclasses.replace(take.asset, path=tmp_path / "gone.wav"))
    with pytest.raises(MissingMediaError):
        Place(watched, gone, tmp_path / "new.otio", tmp_path / "attic").run(SILENT)
    assert not (tmp_path / "new.otio").exists()
