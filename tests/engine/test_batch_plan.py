"""What becomes a job, what it is called, and what makes it the same job."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from timelines import clip, gap, make_video, span, timeline, write

from hitpoint.batch.choose import parse_choice
from hitpoint.batch.jobs import Job
from hitpoint.batch.plan import plan
from hitpoint.errors import UsageError
from hitpoint.values import BundleId, ScoreRequest

BUNDLE = BundleId("starter", "1" * 64)
ASKED = ScoreRequest(Path())


def planned(*inputs: Path, folder: Path, **options: bool | dict[Path, Path]) -> tuple[Job, ...]:
    return plan(inputs, folder, ASKED, BUNDLE, **options)


def stacked(folder: Path) -> Path:
    """V1: two clips and an offline one; V2: a clip over the first, and one over the offline one."""
    video = make_video(folder / "film.mp4", 100)
    whole = span(0, 100)

    def piece(name: str, start: float, url: str = video.name) -> otio.schema.Clip:
        return clip(name, url, span(start, 20), whole)

    storyline = [piece("one", 0), piece("two", 20), piece("lost", 40, "gone.mp4")]
    above = [gap(10), clip("over", video.name, span(0, 10), whole), gap(25), piece("free", 60)]
    made = timeline([storyline, above])
    storyline[0].markers.append(otio.schema.Marker("start here", span(5, 0), otio.schema.MarkerColor.RED))
    made.tracks.markers.append(otio.schema.Marker("music please", span(30, 1), otio.schema.MarkerColor.GREEN))
    made.tracks.markers.append(otio.schema.Marker("loud", span(12, 9), otio.schema.MarkerColor.RED))
    return write(made, folder / "cut.otio")


def test_all_clips_go_into_one_output_and_the_lowest_track_has_the_music(tmp_path: Path) -> None:
    jobs = planned(stacked(tmp_path), folder=tmp_path / "out", all_clips=True)
    assert {job.output for job in jobs} == {tmp_path / "out/cut/cut.otio"}
    assert len({job.key for job in jobs}) == len(jobs) == 5
    names = {job.clip: job for job in jobs}
    assert not any(names[name].skipped for name in ("one", "two", "lost", "free"))
    assert names["over"].skipped
    assert names["over"].fault is not None
    assert "clip 1 (one)" in names["over"].fault.what
    assert [job.request.clip for job in jobs] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("name:o*", ["one", "over"]),
        ("name:ONE|free", ["one", "free"]),
        ("!name:o* !clip:3", ["two", "free"]),
        ("track:V2", ["over", "free"]),
        ("track:'video 1' clip:2-", ["two", "lost"]),
        ("clip:-2|5", ["one", "two", "free"]),
        ("min:0.8", ["one", "two", "lost", "free"]),
        ("max:0.5", ["over"]),
        ("marker:music*", ["two"]),
        ("colour:red", ["one", "over", "two"]),
        ("color:RED marker:'start here'", ["one"]),
    ],
)
def test_an_expression_chooses_clips(expression: str, names: list[str], tmp_path: Path) -> None:
    jobs = plan([stacked(tmp_path)], tmp_path / "out", ASKED, BUNDLE, choice=parse_choice(expression))
    assert sorted(job.clip for job in jobs) == sorted(names)


def test_a_choice_lies_over_the_rule_of_the_lowest_track(tmp_path: Path) -> None:
    """What is not chosen has no music, so what lies over it may have some."""
    cut = stacked(tmp_path)
    (job,) = plan([cut], tmp_path / "out", ASKED, BUNDLE, choice=parse_choice("name:over"))
    assert not job.skipped
    key = next(j.key for j in planned(cut, folder=tmp_path / "out", all_clips=True) if j.clip == "over")
    assert job.key == key, "however it was chosen, it is the same work"


def test_a_choice_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No clip"):
        plan([stacked(tmp_path)], tmp_path / "out", ASKED, BUNDLE, choice=parse_choice("name:nobody"))


@pytest.mark.parametrize(
    "text",
    ["", "shot*", "length:2", "clip:a", "clip:-", "clip:1-2-3", "min:long", "min:", "name:'x", "min:1e5"],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_choice(text)


def test_without_all_clips_there_is_one_job(tmp_path: Path) -> None:
    cut = stacked(tmp_path)
    (job,) = planned(cut, folder=tmp_path)
    assert (job.clip, job.request.clip, job.seconds) == ("one", "1", Fraction(4, 5))
    (named,) = plan([cut], tmp_path, replace(ASKED, clip="two"), BUNDLE)
    assert named.request.clip == "2"


def test_sources_of_one_name_never_share_an_output_and_keep_theirs(tmp_path: Path) -> None:
    sources = [tmp_path / folder / name for folder, name in (("a", "x.mp4"), ("b", "X.mp4"), ("c", "x.mov"))]
    for source in sources:
        source.parent.mkdir(exist_ok=True)
        make_video(source, 5)
    first = planned(*sources, folder=tmp_path / "out")
    outputs = [job.output for job in first]
    assert len({str(output).casefold() for output in outputs}) == 3
    taken = {job.request.timeline: job.output for job in first}
    again = planned(*reversed(sources), folder=tmp_path / "out", taken=taken)
    assert [job.output for job in again] == outputs[::-1]
    assert [job.key for job in again] == [job.key for job in first][::-1]
    assert len(planned(sources[0], sources[0], folder=tmp_path)) == 1


def test_whatever_decides_the_result_is_in_the_key(tmp_path: Path) -> None:
    video = make_video(tmp_path / "film.mp4", 5)
    changes: list[Callable[[], tuple[Job, ...]]] = [
        lambda: plan([video], tmp_path, ASKED, BUNDLE),
        lambda: plan([video], tmp_path, replace(ASKED, seed=2), BUNDLE),
        lambda: plan([video], tmp_path, replace(ASKED, style="pop"), BUNDLE),
        lambda: plan([video], tmp_path, ASKED, BundleId("starter", "2" * 64)),
        lambda: plan([make_video(video, 6)], tmp_path, ASKED, BUNDLE),
    ]
    assert len({change()[0].key for change in changes}) == len(changes)


def test_what_cannot_be_read_is_a_failed_job_with_its_reason(tmp_path: Path) -> None:
    good = make_video(tmp_path / "film.mp4", 5)
    (tmp_path / "bad.otio").write_text("no timeline")
    jobs = planned(tmp_path / "absent.mp4", tmp_path / "bad.otio", good, folder=tmp_path / "out")
    assert [job.fault and job.fault.name for job in jobs] == ["MissingMediaError", "TimelineError", None]
    assert not any(job.skipped for job in jobs)


def test_a_result_never_lies_where_its_source_is(tmp_path: Path) -> None:
    (tmp_path / "film").mkdir()
    make_video(tmp_path / "film.mp4", 5)
    made = write(timeline([[clip("a", "../film.mp4", span(0, 5), None)]]), tmp_path / "film" / "film.otio")
    (job,) = planned(made, folder=tmp_path)
    assert job.fault is not None
    assert job.fault.name == "UsageError"
