"""The figures of docs/decisions/0001-accents-and-tempo.md: `make figures`, or this file with `-m slow -s`."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from films import CHANGES, TOLERANCE_S, clip, copy_of, movement_times, onset_f, whole

from hitpoint.demo.dancer import Dance, render_dancer
from hitpoint.media.probe import probe
from hitpoint.motion.pose_model import ensure_pose_model
from hitpoint.motion.track import MotionTrack
from hitpoint.motion.watch import watch
from hitpoint.progress import Progress
from hitpoint.rhythm.extract import read_rhythm
from hitpoint.rhythm.tempo import fit_tempo
from hitpoint.values import AccentKind, HitPoint

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

DANCES = ("v01", "v02", "v03", "v04", "v05", "v08", "v09", "v10")
KINDS: tuple[AccentKind, ...] = ("onset", "impact", "pulse")
FILMS = (
    {"fps": 25, "size": (960, 540), "seed": 7},
    {"fps": 30, "size": (640, 640), "seed": 2},
    {"fps": 24, "size": (540, 960), "seed": 3, "shots": 3},
    {"fps": 25, "size": (960, 540), "seed": 4, "camera": 0.15},
    {"fps": 60, "size": (640, 360), "seed": 5},
    {"fps": 12, "size": (640, 360), "seed": 6},
)


def track_of(path: Path) -> MotionTrack:
    return watch(whole(path), probe(path), ensure_pose_model(), Progress())


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[MotionTrack]]:
    """Original and changed copies of every dance clip, watched once."""
    folder, tracks = tmp_path_factory.mktemp("copies"), {}
    for name in DANCES:
        original = clip(name)
        tracks[name] = [track_of(original)]
        for number, change in enumerate(CHANGES.values()):
            copy = copy_of(original, folder / f"{name}-{number}.mp4", change)
            tracks[name].append(track_of(copy))
            copy.unlink()
    return tracks


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Dance, MotionTrack]]:
    folder = tmp_path_factory.mktemp("films")
    return list(_films(folder))


def _films(folder: Path) -> Iterator[tuple[Dance, MotionTrack]]:
    for number, options in enumerate(FILMS):
        path = folder / f"{number}.mp4"
        yield render_dancer(path, 12.0, **options), track_of(path)


def repeatability(tracks: dict[str, list[MotionTrack]], kind: AccentKind) -> dict[str, list[float]]:
    result = {}
    for name, (original, *others) in tracks.items():
        reference = movement_times(read_rhythm(original, kind).hit_points)
        result[name] = [onset_f(reference, movement_times(read_rhythm(t, kind).hit_points)) for t in others]
    return result


def test_changed_copies_give_the_same_hit_points(copies: dict[str, list[MotionTrack]]) -> None:
    print(f"\nonset F at 63 ms against {', '.join(CHANGES)}")
    means = {}
    for kind in KINDS:
        table = repeatability(copies, kind)
        means[kind] = float(np.mean(list(table.values())))
        columns = " ".join(f"{value:.3f}" for value in np.mean(list(table.values()), axis=0))
        rows = " ".join(f"{name} {np.mean(values):.2f}" for name, values in table.items())
        print(f"{kind:7} mean {means[kind]:.3f}; by change {columns}; by clip {rows}")
    assert means["impact"] >= 0.85


def test_known_impacts(films: list[tuple[Dance, MotionTrack]]) -> None:
    print()
    for kind in KINDS:
        found = there = false = given = 0
        errors: list[float] = []
        for dance, track in films:
            times = movement_times(read_rhythm(track, kind).hit_points)
            impacts = [i for i in dance.impacts if all(abs(i - cut) > 0.25 for cut in dance.cuts)]
            near = [min((time - impact for time in times), key=abs) for impact in impacts]
            hits = [error for error in near if abs(error) <= TOLERANCE_S]
            found, there, errors = found + len(hits), there + len(impacts), errors + hits
            false, given = false + len(times) - len(hits), given + len(times)
        shift = f"{np.mean(errors) * 1000:+.0f} ms, sd {np.std(errors) * 1000:.0f}" if errors else "none"
        print(f"{kind:7} found {found} of {there}, false {false} of {given}, error {shift}")
        if kind == "impact":
            assert found >= 0.95 * there
            assert false <= 0.1 * given


def test_tempo_of_known_dances(films: list[tuple[Dance, MotionTrack]]) -> None:
    print()
    right = 0
    for dance, track in films:
        tempo = read_rhythm(track, "impact").tempo
        right += abs(tempo.bpm / dance.bpm - 1) < 0.01
        print(f"{dance.bpm:.0f} bpm: {tempo.bpm:.1f}, fit {tempo.fit:.2f}, margin {tempo.margin:+.2f}")
    assert right >= len(films) - 1


def test_tempo_of_real_dances_comes_with_its_evidence(copies: dict[str, list[MotionTrack]]) -> None:
    """Beside the same gaps in another order: real movement fits its tempo no better, and we say so."""
    print()
    chance = np.random.default_rng(0)
    own, control = [], []
    for name, (original, *_) in copies.items():
        rhythm = read_rhythm(original, "impact")
        shuffled = _shuffled(rhythm.hit_points, chance)
        own.append(rhythm.tempo.fit)
        control.append(float(np.mean([fit_tempo(hits, original.duration).fit for hits in shuffled])))
        print(
            f"{name} {rhythm.tempo.bpm:.1f} bpm, fit {own[-1]:.2f} (shuffled {control[-1]:.2f}), "
            f"margin {rhythm.tempo.margin:+.2f}"
        )
    print(f"mean fit {np.mean(own):.2f}, shuffled {np.mean(control):.2f}")
    assert np.mean(own) >= 0.65  # what weighting by squared strength gained; see the page


def _shuffled(hits: tuple[HitPoint, ...], chance: np.random.Generator) -> list[tuple[HitPoint, ...]]:
    """Five orders of the same gaps between the same points."""
    gaps = np.diff([0.0, *[hit.time for hit in hits]])
    orders = [np.cumsum(chance.permutation(gaps)) for _ in range(5)]
    return [
        tuple(replace(hit, time=float(time)) for hit, time in zip(hits, times, strict=True))
        for times in orders
    ]
