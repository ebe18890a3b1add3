"""The script for Resolve against a stand-in with its quirks: everything is laid, or nothing is."""

from __future__ import annotations

import ast
import importlib.util
import sys
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import resolve as fake
from resolve import MODES, Resolve, Track, World, state

SOURCE = Path(str(files("hitpoint_plugin.connect"))) / "scripts" / "resolve.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hitpoint_resolve_script", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


script = load()
MARKS = [[52, "movement 0.80", "+3 ms", "Green"], [60, "cut 0.50", "", "Cyan"], [7, "x", "", "Green"]]


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "take.wav"
    path.write_bytes(b"RIFF")
    return path


def order(wav: Path, **more: Any) -> dict[str, Any]:
    facts = {"do": "place", "id": "a1", "wav": str(wav), "frame": 50, "frames": 75, "seconds": 3.0,
             "rate": [25, 1], "markers": MARKS, "replaces": []}  # fmt: skip
    return facts | more


def place(resolve: Resolve, wanted: dict[str, Any]) -> list[str]:
    notes: list[str] = script.Placement(resolve).place(wanted)
    return notes


def attempt(resolve: Resolve, wanted: dict[str, Any]) -> tuple[str, list[str]]:
    """Why it failed (empty if it did not), and the notes."""
    try:
        return "", place(resolve, wanted)
    except script.Failed as error:
        return str(error), []


def laid(now: dict[str, Any], before: dict[str, Any], wav: Path, frame: int, frames: int) -> bool:
    """Whether the whole placement is there, and all that was there before."""
    name, kind, items = now["tracks"][-1]
    ours = {int(f) for f, m in now["marks"].items() if m["customData"].startswith("hitpoint:a1:")}
    return (
        now["tracks"][:-1] == before["tracks"]
        and kind == "stereo"
        and name in ("Hitpoint", "Audio 3", "Ginger")
        and items == [(frame, frames, str(wav))]
        and ours == {52, 60}
        and {f: m for f, m in now["marks"].items() if int(f) not in ours} == before["marks"]
        and now["bins"] == before["bins"] | {"Hitpoint": [str(wav)]}
    )


@pytest.mark.parametrize(("rate", "pair"), [(25.0, [25, 1]), (23.976, [24000, 1001]), (29.97, [30000, 1001])])
def test_a_sound_lies_at_its_absolute_frame_on_a_track_of_its_own(rate, pair, wav: Path) -> None:
    world = World(rate=rate, project_rate=rate, first=round(rate) * 3600)
    resolve = Resolve(world)
    before = state(resolve)
    notes = place(resolve, order(wav, rate=pair, seconds=75 / rate))
    assert laid(state(resolve), before, wav, world.first + 50, 75)
    assert notes == ["1 hit points have no marker: another one is on their frame."]
    assert world.page == "color"
    assert resolve.manager.project.pool.current.name == "Footage"


def test_a_sound_of_another_rate_is_not_cut_short(wav: Path) -> None:
    world = World(rate=25.0, project_rate=24.0)
    resolve = Resolve(world)
    notes = place(resolve, order(wav, frames=76, seconds=76 / 25))
    (item,) = state(resolve)["tracks"][-1][2]
    assert item[0] == 90050
    assert item[1] >= 75
    assert "24 frames per second" in notes[0]


def calls_of_a_success(wav: Path, replaces: bool = False) -> list[str]:
    world = World()
    resolve = Resolve(world)
    wanted = order(wav)
    if replaces:
        wanted["replaces"] = [placed_earlier(resolve, wav)]
        world.calls.clear()
    place(resolve, wanted)
    return world.calls


def placed_earlier(resolve: Resolve, wav: Path) -> dict[str, Any]:
    """A placement of before; its sound and markers lie under the new one."""
    old = wav.with_name("old.wav")
    old.write_bytes(b"RIFF")
    earlier = order(old, id="old", markers=[[52, "movement", "", "Green"], [58, "cut", "", "Cyan"]])
    place(resolve, earlier)
    return {key: earlier[key] for key in ("id", "wav", "frame")}


@pytest.mark.parametrize("mode", MODES)
def test_a_fault_at_any_call_leaves_all_or_nothing(mode: str, wav: Path) -> None:
    count = len(calls_of_a_success(wav))
    assert count > 60
    failures = 0
    for number in range(count):
        world = World(at=number, mode=mode)
        resolve = Resolve(world)
        before = state(resolve)
        error, _notes = attempt(resolve, order(wav))
        if error:
            failures += 1
            assert state(resolve) == before, (world.calls[number], error)
            assert "Left" not in error, (world.calls[number], error)
        else:
            assert laid(state(resolve), before, wav, 90050, 75), world.calls[number]
    assert failures >= (0 if mode == "unsaid" else 5)


EVERY = sorted(
    name
    for kind in vars(fake).values()
    if isinstance(kind, type) and issubclass(kind, fake.Thing)
    for name, function in vars(kind).items()
    if getattr(function, "api", False)
)
"""All functions of the scripting that the stand-in knows."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", EVERY)
def test_a_function_that_never_works_leaves_all_or_nothing(name: str, mode: str, wav: Path) -> None:
    resolve = Resolve(World(name=name, mode=mode))
    before = state(resolve)
    error, _notes = attempt(resolve, order(wav))
    if error:
        assert state(resolve) == before, error
    else:
        assert laid(state(resolve), before, wav, 90050, 75)


@pytest.mark.parametrize("name", EVERY)
def test_a_function_that_a_version_lacks_leaves_all_or_nothing(name: str, wav: Path) -> None:
    resolve = Resolve(World(missing=frozenset({name})))
    before = state(resolve)
    error, _notes = attempt(resolve, order(wav))
    if error:
        assert state(resolve) == before
    else:
        assert laid(state(resolve), before, wav, 90050, 75)


def test_a_resolve_that_dies_is_never_said_to_be_as_it_was_when_it_is_not(wav: Path) -> None:
    for number in range(len(calls_of_a_success(wav))):
        resolve = Resolve(World(at=number, dies=True))
        before = state(resolve)
        error, _notes = attempt(resolve, order(wav))
        if error:
            assert state(resolve) == before or "Left on the timeline" in error
        else:
            assert laid(state(resolve), before, wav, 90050, 75)


@pytest.mark.parametrize("mode", MODES)
def test_replacing_keeps_the_old_music_until_the_new_one_lies_there(mode: str, wav: Path) -> None:
    for number in range(len(calls_of_a_success(wav, replaces=True))):
        world = World()
        resolve = Resolve(world)
        earlier = placed_earlier(resolve, wav)
        before = state(resolve)
        world.calls.clear()
        world.at, world.mode = number, mode
        error, notes = attempt(resolve, order(wav, replaces=[earlier]))
        if error:
            assert state(resolve) == before, (world.calls[number], error)
        else:
            now = state(resolve)
            paths = [item[2] for _name, _kind, items in now["tracks"] for item in items]
            assert paths.count(str(wav)) == 1
            assert earlier["wav"] not in paths or any("arlier music" in note for note in notes)
            assert sum(m["customData"].startswith("hitpoint:a1:") for m in now["marks"].values()) == 2
            assert not any(m["customData"].startswith("hitpoint:old") for m in now["marks"].values())


def test_taking_off_gives_back_the_timeline_and_can_be_repeated(wav: Path) -> None:
    world = World()
    resolve = Resolve(world)
    before = state(resolve)
    place(resolve, order(wav))
    world.calls.clear()
    script.Placement(resolve).take_off(order(wav))
    count = len(world.calls)
    after = state(resolve)
    assert after["tracks"] == before["tracks"]
    assert after["marks"] == before["marks"]
    for number in range(count):
        for mode in MODES:
            world = World()
            resolve = Resolve(world)
            place(resolve, order(wav))
            world.calls.clear()
            world.at, world.mode = number, mode
            try:
                script.Placement(resolve).take_off(order(wav))
            except script.Failed:
                world.at = -1
                script.Placement(resolve).take_off(order(wav))
            left = state(resolve)
            assert left["marks"] == before["marks"]
            assert [items for *_rest, items in left["tracks"] if items] == [before["tracks"][0][2]]


def test_music_that_the_user_moved_stays(wav: Path) -> None:
    resolve = Resolve(World())
    place(resolve, order(wav))
    track: Track = resolve.manager.project.timeline.audio[-1]
    track.items[0].start += 10
    notes = script.Placement(resolve).take_off(order(wav))
    assert track.items
    assert "moved" in notes[0]


def test_music_on_a_locked_track_is_not_said_to_be_gone(wav: Path) -> None:
    resolve = Resolve(World())
    place(resolve, order(wav))
    resolve.manager.project.timeline.audio[-1].locked = True
    with pytest.raises(script.Failed, match="locked"):
        script.Placement(resolve).take_off(order(wav))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: setattr(r.manager, "project", None), "No project is open"),
        (lambda r: setattr(r.manager.project, "timeline", None), "No timeline is open"),
        (lambda r: setattr(r.manager.project.timeline, "name", "Cut 4"), "Another timeline is open"),
        (lambda r: setattr(r.world, "rate", 24.0), "24 frames per second"),
    ],
)
def test_what_is_no_longer_as_it_was_handed_over_is_refused(change, words: str, wav: Path) -> None:
    resolve = Resolve(World())
    change(resolve)
    with pytest.raises(script.Failed, match=words):
        script.Placement(resolve, "id of Cut 3").place(order(wav))


def test_studio_and_free_are_told_apart() -> None:
    assert script.edition(Resolve(World()))[2]
    free = World(product="DaVinci Resolve", version=(21, 0, 3, 7, ""))
    assert script.edition(Resolve(free)) == ("DaVinci Resolve", (21, 0, 3), False)
    free.version = (21, 1, 0, 2, "")
    with pytest.raises(script.Failed, match="File > Export"):
        script.edition(Resolve(free))
    studio = World(version=(21, 1, 0, 2, ""))
    assert script.edition(Resolve(studio))[2]


def test_the_selection_or_what_comes_nearest_to_it() -> None:
    def chosen(*missing: str) -> list[int]:
        resolve = Resolve(World(missing=frozenset(missing)))
        found: list[int] = script.selection(resolve.manager.project.timeline)
        return found

    assert chosen() == [50]
    assert chosen("GetSelectedClips") == [50, 100]
    assert chosen("GetSelectedClips", "GetMarkInOut") == [100]
    assert chosen("GetSelectedClips", "GetMarkInOut", "GetCurrentVideoItem") == []


def test_the_timeline_is_exported_in_what_the_version_knows(tmp_path: Path) -> None:
    def out(world: World) -> str:
        resolve = Resolve(world)
        return str(script.export(resolve, resolve.manager.project.timeline, str(tmp_path), "cut"))

    assert out(World()) == str(tmp_path / "cut.otio")
    assert out(World(missing=frozenset({"EXPORT_OTIO"}))) == str(tmp_path / "cut.xml")
    for mode in ("none", "lie", "raise", "wrong"):
        with pytest.raises(script.Failed, match="by File > Export"):
            out(World(name="Export", mode=mode))
    assert script.plain("Cut/../3: final?") == "Cut____3_ final_"


def test_the_script_is_for_any_python_that_resolve_finds() -> None:
    text = SOURCE.read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 6))
    names = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names == {"json", "math", "os", "socket", "subprocess", "sys", "time", "typing"}
