"""Music beside music: a track of its own for each, and the user's bytes when all of it goes."""

from __future__ import annotations

from pathlib import Path

import opentimelineio as otio
import pytest
from timelines import clip, gap, make_tone, make_video, span, timeline, write

from hitpoint.timeline.place import place
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.remove import remove
from hitpoint.timeline.select import select


def lay(path: Path, name: str, sound: str, *, keep: bool) -> None:
    info = read_timeline(path)
    selection = select(info, name)
    asset = make_tone(path.parent / sound, round(selection.duration * 48000))
    place(info, selection, asset, sound, (), {"seed": 1}, path, keep=keep)


def tracks(path: Path) -> dict[str, list[tuple[str, float]]]:
    """What OpenTimelineIO finds: name and start in seconds of every sound, by track."""
    made = otio.adapters.read_from_file(str(path))
    return {
        track.name: [
            (each.name, track.trimmed_range_of_child(each).start_time.to_seconds())
            for each in track.find_clips()
        ]
        for track in made.audio_tracks()
    }


@pytest.mark.parametrize("indent", [4, -1])
def test_music_is_kept_beside_new_music_and_all_of_it_goes(tmp_path: Path, indent: int) -> None:
    make_video(tmp_path / "dance.mov", 200)
    items = [gap(25), *(clip(name, "dance.mov", span(0, 50), span(0, 200)) for name in "ab")]
    edit = write(timeline([items]), tmp_path / "edit.otio", indent)
    before = edit.read_bytes()
    lay(edit, "a", "1.wav", keep=True)
    assert tracks(edit) == {"Hitpoint": [("1.wav", 1.0)]}  # nothing lies there: no second track
    lay(edit, "a", "2.wav", keep=True)
    lay(edit, "a", "3.wav", keep=True)
    lay(edit, "b", "4.wav", keep=True)
    assert tracks(edit) == {
        "Hitpoint": [("1.wav", 1.0), ("4.wav", 3.0)],
        "Hitpoint 2": [("2.wav", 1.0)],
        "Hitpoint 3": [("3.wav", 1.0)],
    }
    assert sorted(cue.name for cue in read_timeline(edit).cues) == ["1.wav", "2.wav", "3.wav", "4.wav"]
    lay(edit, "a", "5.wav", keep=False)
    assert tracks(edit) == {"Hitpoint": [("5.wav", 1.0), ("4.wav", 3.0)]}
    lay(edit, "b", "6.wav", keep=True)
    report = remove(edit)
    assert (report.cues, report.exact) == (3, True)
    assert edit.read_bytes() == before
