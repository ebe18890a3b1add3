"""Every timeline file in the shared media, made by other programs: read, or refused by name."""

from fractions import Fraction
from pathlib import Path

import pytest
from timelines import MEDIA, needs_media

from hitpoint.errors import TimelineError
from hitpoint.timeline.read import read_timeline

# File: clips, frame rate, seconds, and what is said to be left out; or the error that it deserves.
READ = {
    "big_int.otio": (1, "24", 1.0),
    "dissolve_test.edl": (3, "24", 0.83),
    "effects.otio": (20, "24", 46.88),
    "fcp7_hiero_xml_export.xml": (2, "24", 55.17),
    "fcp7_premiere_example.xml": (7, "30", 42.37),
    "fcp7_premiere_generators.xml": (6, "24000/1001", 35.70),
    "fcpx_example.fcpxml": (11, "30", 150.02),
    "fcpx_project.fcpxml": (11, "30", 150.02),
    "generator_reference_test.otio": (1, "24", 2.08),
    "kdenlive_example_v240770.kdenlive": (6, "25", 34.48),
    "kdenlive_mixes_markers.kdenlive": (16, "25", 139.32),
    "multitrack.aaf": (5, "24", 136.75),
    "multitrack.otio": (5, "24", 136.75),
    "nested_example.otio": (7, "24", 26.50),
    "preflattened.otio": (5, "24", 136.75),
    "premiere_example.otio": (7, "30", 42.37),
    "screening_example.edl": (9, "24", 43.71),
    "screening_example.otio": (9, "24", 43.71),
    "simple.aaf": (5, "24", 136.75),
    "simple_cut.otio": (4, "24", 0.79),
    "speed_effects_small.edl": (5, "24", 693.17),
    "transition.otio": (4, "24", 0.79),
    "transitions.aaf": (4, "24", 21.71),
}
REFUSED = {"newer_schema_premiere_example.otio": "Marker.3"}


@needs_media
def test_the_lists_have_every_file() -> None:
    assert {path.name for path in (MEDIA / "timeline").iterdir()} == READ.keys() | REFUSED.keys()


@needs_media
@pytest.mark.parametrize("name", READ)
def test_it_is_read(name: str) -> None:
    clips, rate, seconds = READ[name]
    info = read_timeline(MEDIA / "timeline" / name)
    assert (len(info.clips), info.rate) == (clips, Fraction(rate))
    assert float(info.duration) == pytest.approx(seconds, abs=0.01)
    assert all(clip.media or clip.offline for clip in info.clips)


@needs_media
@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(TimelineError, match=REFUSED[name]):
        read_timeline(MEDIA / "timeline" / name)


@pytest.mark.parametrize("suffix", [".prproj", ".drp", ".blend"])
def test_projects_of_one_program_are_refused_by_name(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"edit{suffix}"
    path.write_bytes(b"anything")
    with pytest.raises(TimelineError, match="only its own program reads"):
        read_timeline(path)
