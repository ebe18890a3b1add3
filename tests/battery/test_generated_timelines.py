"""Timelines of every kind that hypothesis can think of: music goes on where it belongs, and off again."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from edits import FILM, SHOWN, Edit, edits
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hitpoint.media.timecode import snap_rate
from hitpoint.timeline.place import frame_aligned, place
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.remove import remove
from hitpoint.values import Asset, HitPoint, Selection, TimelineInfo

SOUND_RATE = 48000
HITS = [HitPoint(0.1, 1.0), HitPoint(0.25, 0.5, "cut")]

quick = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
whole = settings(
    max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
offsets = st.fractions(0, Fraction(99, 100), max_denominator=SOUND_RATE)
indents = st.sampled_from([-1, 0, 2, 4])


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Bundles are unpacked here, not in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def stored(suffix: str, text: bytes, folder: Path) -> Path:
    """The timeline `text` as a file of that kind, with its film."""
    path = folder / f"edit{suffix}"
    if suffix == ".otioz":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("content.otio", text)
            archive.writestr(FILM, b"film")
        return path
    if suffix == ".otiod":
        path.mkdir()
        (path / "content.otio").write_bytes(text)
    else:
        path.write_bytes(text)
    (folder / FILM).write_bytes(b"film")
    return path


def selected(info: TimelineInfo, share: Fraction) -> Selection:
    """The shot from `share` of its length on."""
    (shot,) = [each for each in info.clips if each.name == SHOWN]
    late = shot.duration * share
    assert shot.media is not None or info.path.suffix == ".otiod", shot.offline
    media = shot.media
    return Selection(shot, media, shot.record_start + late, shot.duration - late)  # type: ignore[arg-type]


def scored(info: TimelineInfo, selection: Selection, out: Path) -> Fraction:
    """Place what `score` would, and say in seconds of record time where the first sample of music lies."""
    frame, lead = frame_aligned(selection, info.rate)
    silence = round(lead * SOUND_RATE)
    samples = silence + round(selection.duration * SOUND_RATE)
    asset = Asset(out.with_suffix(".wav"), "0" * 64, SOUND_RATE, 2, max(1, samples))
    place(info, selection, asset, "cue", HITS, {"seed": 1}, out)
    placed = position(out)
    assert placed == frame / info.rate
    return placed + Fraction(silence, SOUND_RATE)


def content(path: Path) -> bytes:
    """The text of a timeline, or of the one in a bundle."""
    if path.suffix == ".otioz":
        with zipfile.ZipFile(path) as archive:
            return archive.read("content.otio")
    return (path / "content.otio" if path.suffix == ".otiod" else path).read_bytes()


def position(path: Path) -> Fraction:
    """Where OpenTimelineIO finds the clip on our track, in seconds of record time."""
    timeline = otio.adapters.read_from_string(content(path).decode(), "otio_json")
    (track,) = [each for each in timeline.audio_tracks() if each.name == "Hitpoint"]
    (cue,) = track.find_clips()
    start = track.range_of_child(cue).start_time
    return Fraction(start.value).limit_denominator(10**6) / snap_rate(start.rate)


def without_ours(path: Path) -> otio.schema.Timeline:
    """The timeline without our track, by OpenTimelineIO."""
    timeline = otio.adapters.read_from_string(path.read_text("utf-8"), "otio_json")
    ours = [number for number, each in enumerate(timeline.tracks) if "hitpoint" in each.metadata]
    del timeline.tracks[ours[0]]
    return timeline


def check(edit: Edit, suffix: str, share: Fraction, indent: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="edit-"))
    try:
        text = edit.timeline.to_json_string(indent=indent).encode()
        path = stored(suffix, text, folder)
        info = read_timeline(path)
        selection = selected(info, share)
        assert (selection.clip.record_start, selection.clip.duration) == (edit.record_start, edit.duration)
        out = path if suffix == ".otio" else folder / "scored.otio"
        heard = scored(info, selection, out)
        wanted = edit.record_start + edit.duration * share
        assert abs(heard - wanted) * SOUND_RATE <= Fraction(1, 2)
        if suffix == ".otio":
            # Both as read: that library's own reader is off by one in the last digit of some numbers.
            original = otio.adapters.read_from_string(text.decode(), "otio_json")
            assert without_ours(out).is_equivalent_to(original)
        assert remove(out).exact
        assert out.read_bytes() == text
        if suffix != ".otio":
            bundle = folder / f"scored{suffix}"
            assert scored(info, selection, bundle) == heard
            out.write_bytes(content(bundle))
            assert remove(out).exact
            assert out.read_bytes() == text
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("suffix", [".otio", ".otioz", ".otiod"])
@quick
@given(edit=edits(), share=offsets, indent=indents)
def test_music_goes_on_and_off_natively(edit: Edit, suffix: str, share: Fraction, indent: int) -> None:
    check(edit, suffix, share, indent)


@pytest.mark.battery
@pytest.mark.parametrize("suffix", [".otio", ".otioz", ".otiod"])
@whole
@given(edit=edits(), share=offsets, indent=indents)
def test_music_goes_on_and_off_natively_250_times(
    edit: Edit, suffix: str, share: Fraction, indent: int
) -> None:
    check(edit, suffix, share, indent)
