"""A region of a take made anew: the rest of its file stays to the bit, and its hits are hit."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from edges import change
from hypothesis import given
from hypothesis import strategies as st
from toy_bundle import toy_plan, write_bundle

from hitpoint.cue.bundle import Manifest, load_bundle
from hitpoint.cue.ducking import Ducked
from hitpoint.cue.generate import JOINT
from hitpoint.cue.make import Cue, make_cue
from hitpoint.cue.plan import Accent, CuePlan, Section, Tone
from hitpoint.cue.planner import plan_cue
from hitpoint.cue.region import Region, bar_lines, region_of, revised
from hitpoint.cue.remake import CROSSOVER, LEAD_IN, kept_take, remake
from hitpoint.cue.sessions import CpuModel
from hitpoint.cue.sketch import read_sketch, sketch_parts
from hitpoint.cue.tracks import LATENT_RATE
from hitpoint.cue.verify import read_origin
from hitpoint.cue.wav import Provenance
from hitpoint.cue.windows import Span, filling
from hitpoint.errors import Cancelled, HitpointError, MediaError, ModelBundleError, OutputError, UsageError
from hitpoint.progress import SILENT, Progress
from hitpoint.values import SAMPLE_RATE, Anew, Duck, Ducking, HitPoint, TempoMap, TempoPoint

DURATION = 12.0  # six bars of two seconds
LEAD = 801
EARLY_S = (LEAD_IN + 1) / LATENT_RATE + CROSSOVER / SAMPLE_RATE
"""How long before a bar line the first new sample may come."""
HITS = tuple(HitPoint(time, 0.9) for time in (0.8, 2.2, 3.6, 4.64, 6.2, 7.42, 8.7, 10.3))
WISH = Anew(4.0, 8.0, seed=9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def model(folder: Path) -> CpuModel:
    return CpuModel(load_bundle(folder))


def plan_of(hits: tuple[HitPoint, ...] = HITS, duration: float = DURATION) -> CuePlan:
    return toy_plan(duration, tuple(Accent(hit.time, hit.strength) for hit in hits))


def make(model: CpuModel, out: Path, plan: CuePlan | None = None, dip: Ducked | None = None) -> Cue:
    plan = plan or plan_of()
    origin = Provenance("Hitpoint test", model.bundle.id, "0" * 64, 1, plan.style, "Clip")
    return make_cue(
        plan, HITS, model, seed=1, steps=4, guidance=1.5, takes=1, loudness=-16.0, frame_rate=25.0,
        lead_samples=LEAD, out=out, time_reference=48_000, provenance=origin, progress=SILENT, dip=dip,
    )  # fmt: skip


@pytest.fixture(scope="module")
def take(model: CpuModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("take") / "take.wav"
    make(model, path)
    return path


def integers(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="int32")[0] >> 8


def changed(one: Path, other: Path) -> tuple[float, float]:
    """The first and the last second in which two files differ."""
    where = np.flatnonzero((integers(one) != integers(other)).any(1))
    return (where[0] - LEAD) / SAMPLE_RATE, (where[-1] - LEAD) / SAMPLE_RATE


def test_the_rest_stays_to_the_bit_and_the_region_does_not(
    take: Path, model: CpuModel, tmp_path: Path
) -> None:
    cue = remake(kept_take(take), WISH, model, tmp_path / "new.wav", SILENT)
    first, last = changed(take, tmp_path / "new.wav")
    assert 4.0 - EARLY_S <= first <= 4.0
    assert 7.0 <= last <= 8.0
    assert cue.asset.samples == soundfile.info(take).frames
    assert read_origin(tmp_path / "new.wav").intact
    assert read_origin(tmp_path / "new.wav").seed == "9"


def test_hits_are_hit_inside_and_out_and_the_report_is_of_the_whole(
    take: Path, model: CpuModel, tmp_path: Path
) -> None:
    """One hit point is moved and one is new; all come too late before they are aligned."""
    hits = tuple(sorted((*HITS[:4], HitPoint(5.3, 1.0, "user", True), HitPoint(6.6, 0.9), *HITS[5:]),
                        key=lambda hit: hit.time))  # fmt: skip
    cue = remake(kept_take(take), replace(WISH, hits=hits), model, tmp_path / "new.wav", SILENT)
    assert [report.time for report in cue.hits] == [hit.time for hit in hits]
    assert all(report.hit for report in cue.hits), cue.hits
    again = read_sketch(tmp_path / "new.wav")
    assert again.hits == hits
    assert {5.3, 6.6} < {accent.time for accent in again.plan.accents}
    assert 6.2 not in {accent.time for accent in again.plan.accents}


def test_same_wish_same_bytes_other_seed_other_music(take: Path, model: CpuModel, tmp_path: Path) -> None:
    seeds = (9, 9, 10)
    made = [
        remake(kept_take(take), replace(WISH, seed=seed), model, tmp_path / f"{number}.wav", SILENT).asset
        for number, seed in enumerate(seeds)
    ]
    assert made[0].sha256 == made[1].sha256 != made[2].sha256


def test_what_was_made_anew_can_be_made_anew(take: Path, model: CpuModel, tmp_path: Path) -> None:
    one, two = tmp_path / "one.wav", tmp_path / "two.wav"
    remake(kept_take(take), WISH, model, one, SILENT)
    remake(kept_take(one), Anew(8.0, 10.0, seed=3), model, two, SILENT)
    first, last = changed(one, two)
    assert 8.0 - EARLY_S <= first <= last <= 10.0
    first, last = changed(take, two)
    assert first <= 4.0
    assert last >= 8.0


@pytest.mark.parametrize(("start", "stop"), [(0.0, 2.0), (10.0, DURATION), (0.0, DURATION)])
def test_regions_at_the_ends(take: Path, model: CpuModel, tmp_path: Path, start: float, stop: float) -> None:
    cue = remake(kept_take(take), Anew(start, stop, 5), model, tmp_path / "new.wav", SILENT)
    first, last = changed(take, tmp_path / "new.wav")
    assert max(0.0, start - EARLY_S) <= first
    assert last <= stop
    sound = soundfile.read(tmp_path / "new.wav")[0]
    assert np.abs(sound[-48:]).max() < 1e-3, "the ending must have ended"
    assert np.abs(sound).max() <= 10 ** (-1 / 20)
    assert cue.hit_rate > 0.7


def test_the_room_for_speech_stays(model: CpuModel, tmp_path: Path) -> None:
    dip = Ducked((Duck(4.5, 7.5, -20.0),), Ducking(-20.0, 0.2, 0.2))
    make(model, tmp_path / "plain.wav")
    make(model, tmp_path / "ducked.wav", dip=dip)
    levels = []
    for name in ("plain", "ducked"):
        out = tmp_path / f"{name}-new.wav"
        remake(kept_take(tmp_path / f"{name}.wav"), WISH, model, out, SILENT)
        inside = soundfile.read(out)[0][LEAD + 5 * SAMPLE_RATE : LEAD + 7 * SAMPLE_RATE]
        levels.append(20 * np.log10(np.sqrt((inside**2).mean())))
    assert levels[1] - levels[0] == pytest.approx(-20, abs=2)


def test_cancelling_leaves_nothing(take: Path, model: CpuModel, tmp_path: Path) -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        remake(kept_take(take), WISH, model, tmp_path / "new.wav", progress)
    assert list(tmp_path.iterdir()) == []


REFUSED: dict[str, tuple[Anew, type[HitpointError]]] = {
    "after the end": (Anew(10.0, 14.0, 1), UsageError),
    "before the start": (Anew(-1.0, 4.0, 1), UsageError),
    "backwards": (Anew(6.0, 4.0, 1), UsageError),
    "less than a bar": (Anew(4.2, 4.4, 1), UsageError),
    "no number": (Anew(float("nan"), 4.0, 1), UsageError),
    "unknown style": (replace(WISH, style="polka"), UsageError),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wishes_that_cannot_be(case: str, take: Path, model: CpuModel, tmp_path: Path) -> None:
    wish, error = REFUSED[case]
    with pytest.raises(error):
        remake(kept_take(take), wish, model, tmp_path / "new.wav", SILENT)
    assert list(tmp_path.iterdir()) == []


def test_another_model_no_folder_and_the_take_itself(take: Path, model: CpuModel, tmp_path: Path) -> None:
    other = CpuModel(load_bundle(write_bundle(tmp_path / "other", window=384)))
    with pytest.raises(ModelBundleError, match="another model"):
        remake(kept_take(take), WISH, other, tmp_path / "new.wav", SILENT)
    with pytest.raises(OutputError, match="does not exist"):
        remake(kept_take(take), WISH, model, tmp_path / "no" / "new.wav", SILENT)
    before = take.read_bytes()
    with pytest.raises(OutputError, match="take itself"):
        remake(kept_take(take), WISH, model, take, SILENT)
    assert take.read_bytes() == before


def test_the_sketch_comes_back_whole(take: Path) -> None:
    sketch = read_sketch(take)
    assert (sketch.hits, sketch.plan, sketch.lead_samples) == (HITS, plan_of(), LEAD)
    body = b"".join(sketch_parts(sketch))
    assert take.read_bytes().endswith(body + b"\0" * (len(body) % 2))


@pytest.mark.parametrize("place", [40, 200, 5000, -3])
def test_a_damaged_sketch_is_a_named_error(take: Path, tmp_path: Path, place: int) -> None:
    data = bytearray(take.read_bytes())
    body = b"".join(sketch_parts(read_sketch(take)))
    data[data.rindex(body) + place % len(body)] ^= 1
    (tmp_path / "bad.wav").write_bytes(data)
    with pytest.raises(MediaError, match="changed since"):
        kept_take(tmp_path / "bad.wav")


FORGED: dict[str, tuple[str, object]] = {
    "no style": ("plan.style", "polka"),
    "no chords": ("plan.chords", []),
    "a pitch beyond the octave": ("plan.chords.0.bass", 12),
    "a section of another kind": ("plan.sections.0.kind", "chorus"),
    "an accent in words": ("plan.accents.0.time", "soon"),
    "an accent without a time": ("plan.accents.0", {}),
    "too long": ("plan.duration", 1e9),
    "a rate of nothing": ("frame_rate", 0),
    "a thousand steps": ("steps", 1000),
    "another version": ("version", 2),
    "more channels": ("channels", 11),
    "a list for all": ("plan", []),
    "a hit of another kind": ("hits.0.kind", "wish"),
    "a dip without edges": ("dip", {"ducks": [{}], "how": {}}),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_sketch_is_a_named_error(case: str, take: Path, tmp_path: Path) -> None:
    """With the right digest, so that only what it says is wrong."""
    where, value = FORGED[case]
    data = take.read_bytes()
    start = data.rindex(b"hitp") + 8
    size = int.from_bytes(data[start + 32 : start + 36], "little")
    said = json.loads(data[start + 36 : start + 36 + size])
    *outer, key = [int(step) if step.isdigit() else step for step in where.split(".")]
    inner = said
    for step in outer:
        inner = inner[step]
    inner[key] = value
    text = json.dumps(said).encode()
    whole = len(b"".join(sketch_parts(read_sketch(take))))
    body = len(text).to_bytes(4, "little") + text + data[start + 36 + size : start + whole]
    chunk = hashlib.sha256(body).digest() + body
    (tmp_path / "forged.wav").write_bytes(data[: start - 4] + len(chunk).to_bytes(4, "little") + chunk)
    with pytest.raises(MediaError, match="cannot be read"):
        read_sketch(tmp_path / "forged.wav")


def test_no_sketch_no_wav_and_a_sound_that_was_changed(take: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "foreign.wav", np.zeros((100, 2)), 48_000)
    with pytest.raises(MediaError, match="does not hold"):
        kept_take(tmp_path / "foreign.wav")
    data = bytearray(take.read_bytes())
    for size in (4, 100, len(data) // 2, len(data) - 5):
        (tmp_path / "cut.wav").write_bytes(data[:size])
        with pytest.raises(MediaError):
            kept_take(tmp_path / "cut.wav")
    data[100_000] ^= 1
    (tmp_path / "edited.wav").write_bytes(data)
    with pytest.raises(MediaError, match="changed since"):
        kept_take(tmp_path / "edited.wav")


def test_bar_lines_and_snapping() -> None:
    plan = plan_of()
    lines = bar_lines(plan)
    assert lines == (0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0)
    assert region_of(lines, 3.2, 7.4) == Region(4.0, 8.0, 3, 4)
    assert region_of(lines, 3.2, 7.4).name == "bars 3-4"
    assert region_of(lines, 0.0, 2.0).name == "bar 1"
    late = replace(plan, downbeats=(0.05, 1.5, 3.5, 11.9), duration=12.0, end=11.95)
    assert bar_lines(late) == (0.0, 1.5, 3.5, 12.0)


def test_the_plan_outside_the_region_is_the_old_one() -> None:
    tones = tuple(Tone(time, 0.9, 70) for time in np.arange(0.0, 11.0, 0.5).tolist())
    sections = (Section(0.0, "intro", 0.3), Section(6.0, "groove", 0.5))
    plan = replace(plan_of(), tune=tones, sections=sections)
    region = Region(4.0, 8.0, 3, 4)
    new = revised(plan, region, replace(WISH, intensity=1.0, hits=(HitPoint(5.0, 1.0), HitPoint(9.0, 1.0))))
    assert [a for a in new.accents if not 4 <= a.time < 8] == [a for a in plan.accents if not 4 <= a.time < 8]
    assert [a.time for a in new.accents if 4 <= a.time < 8] == [5.0]
    assert [(s.start, s.kind) for s in new.sections] == [
        (0.0, "intro"), (4.0, "intro"), (6.0, "groove"), (8.0, "groove"),
    ]  # fmt: skip
    assert [s.intensity for s in new.sections][::3] == [0.3, 0.5]
    assert new.sections[1].intensity > 0.4
    assert [t for t in new.tune if t.start >= 8] == [t for t in tones if t.start >= 8]
    before = [t for t in new.tune if t.start < 4]
    assert [t.start for t in before] == [t.start for t in tones if t.start < 4]
    assert all(t.start + t.duration <= 4.0 for t in before)
    assert all(t.start + t.duration <= 8.0 for t in new.tune if 4 <= t.start < 8)
    assert (new.chords, new.beats, new.style) == (plan.chords, plan.beats, plan.style)


MANIFEST = Manifest("m", 64, 1024, 256, 256, 13, 2048, 480, "x", ())


@given(st.integers(32, 900), st.integers(0, 7000), st.integers(1, 7000))
def test_windows_fill_a_span_of_any_length_once_and_see_what_follows(
    eighths: int, start: int, length: int
) -> None:
    total = 8 * eighths
    span = Span(min(start, total - 1), min(start + length, total))
    made = span.start
    for window, stop in filling(span, total, MANIFEST):
        assert window.first >= 0
        assert window.stop <= total
        assert window.first + window.known == made < stop <= min(window.stop, span.stop)
        assert MANIFEST.minimum_frames <= window.frames <= MANIFEST.window_frames
        assert window.frames % 8 == 0
        assert window.first == 0 or window.known >= min(170, total - window.frames)
        made = stop
    assert made == span.stop
    assert window.stop == total or window.stop - span.stop >= 1024 // 6 - 1


@pytest.mark.slow
@pytest.mark.parametrize("style", ["house", "cinematic"])
def test_edges_of_regions_are_like_the_same_moment_before_any_other_bar(style: str, tmp_path: Path) -> None:
    """With the starter bundle: eight regions of two bars in three minutes, sixteen edges."""
    duration, rng = 180.0, np.random.default_rng(5)
    times = np.cumsum(rng.uniform(0.6, 2.4, 120))
    hits = [HitPoint(float(t), float(rng.uniform(0.3, 1))) for t in times[times < duration - 2]]
    tempo = TempoMap((TempoPoint(0.0, 118.0),), 0.0)
    plan = plan_cue(duration, [Accent(hit.time, hit.strength) for hit in hits], tempo, (), style, 0.6, 3)
    model = CpuModel(load_bundle())
    origin = Provenance("test", model.bundle.id, "0" * 64, 1, style)
    cue = make_cue(
        plan, hits, model, seed=1, steps=4, guidance=2.0, takes=1, loudness=-14.0, frame_rate=25.0,
        lead_samples=0, out=tmp_path / "0.wav", time_reference=0, provenance=origin, progress=SILENT,
    )  # fmt: skip
    lines = np.array(bar_lines(plan))[1:-3]
    places = np.arange(1, 9) * (len(lines) - 2) // 9
    for number, place in enumerate(places):
        kept = kept_take(tmp_path / f"{number}.wav")
        anew = Anew(lines[place], lines[place + 2], number + 2)
        cue = remake(kept, anew, model, tmp_path / f"{number + 1}.wav", SILENT)
    sound = soundfile.read(cue.asset.path, dtype="float32")[0].mean(1)
    others = np.setdiff1d(np.arange(len(lines)), (*places, *(places + 2)))
    # In the middle of where the old latents go over to the new ones, and as long before any other bar line.
    edges = (np.floor(lines * LATENT_RATE) - LEAD_IN) / LATENT_RATE
    half = JOINT / 2 / LATENT_RATE
    for reach in (0.04, 0.5):
        starts, stops = change(sound, edges + half, reach), change(sound, edges - half, reach)
        found = starts[places].mean() + stops[places + 2].mean()
        drawn = np.array(
            [sum(rng.choice(each[others], len(places), replace=False).mean() for each in (starts, stops))
             for _ in range(999)]
        )  # fmt: skip
        p = (1 + int((drawn >= found).sum())) / 1000
        said = f"change {found / 2:.3f} at edges, {drawn.mean() / 2:.3f} elsewhere, p {p:.3f}"
        print(f"{style}, {reach} s: {said}")
        assert p > 0.05
