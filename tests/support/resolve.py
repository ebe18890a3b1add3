"""Stands in for DaVinci Resolve's scripting: as it is documented and as it was measured, faults included.

Any name answers `getattr`; what is there says `dir` alone. Positions of clips are absolute frames, those of
markers count from the timeline's start. What overlaps is dropped in silence, DeleteClips works on the Edit
page only, a track is mono unless asked otherwise, a sound keeps the project's rate of when it was imported.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MODES = ("raise", "none", "lie", "unsaid", "wrong")
"""Raise; None, nothing done; True, nothing done; done but None; done, but not as asked."""


@dataclass
class World:
    """Everything, and which calls go wrong: the `at`-th, all from then on (`dies`), or all of a name."""

    product: str = "DaVinci Resolve Studio"
    version: tuple[Any, ...] = (21, 0, 4, 0, "")
    rate: float = 25.0
    project_rate: float = 25.0
    first: int = 90000
    missing: frozenset[str] = frozenset()
    at: int = -1
    name: str = ""
    mode: str = ""
    dies: bool = False
    calls: list[str] = field(default_factory=list)
    wrong: bool = False
    page: str = "color"
    export_text: str = '{"OTIO_SCHEMA": "Timeline.1"}'

    def fault(self, name: str) -> str:
        """How this call goes wrong, if it does."""
        self.calls.append(name)
        number = len(self.calls) - 1
        if self.dies and 0 <= self.at <= number:
            return "raise"
        return self.mode if number == self.at or name == self.name else ""


def api(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that scripts can call."""

    @functools.wraps(function)
    def call(self: Thing, *arguments: Any) -> Any:
        mode = self.world.fault(function.__name__)
        if mode == "raise":
            raise RuntimeError("the connection to Resolve is lost")
        if mode in ("none", "lie"):
            return None if mode == "none" else True
        self.world.wrong = mode == "wrong"
        try:
            found = function(self, *arguments)
        finally:
            self.world.wrong = False
        return None if mode == "unsaid" else found

    call.__dict__["api"] = True
    return call


class Thing:
    """What Resolve hands out: it has an answer for every name."""

    world: World

    def __dir__(self) -> list[str]:
        kind = type(self)
        functions = [n for n in vars(kind) if getattr(vars(kind)[n], "api", False) or n.startswith("EXPORT")]
        return [name for name in functions if name not in self.world.missing]

    def __getattribute__(self, name: str) -> Any:
        own = object.__getattribute__
        if name.startswith("_") or name not in own(self, "world").missing:
            return own(self, name)
        return lambda *_arguments: None

    def __getattr__(self, name: str) -> Any:
        return lambda *_arguments: None


class Clip(Thing):
    """In the media pool."""

    def __init__(self, world: World, path: str, fps: float) -> None:
        self.world, self.path, self.fps = world, path, fps

    @api
    def GetClipProperty(self, name: str) -> Any:  # noqa: N802
        return {"File Path": self.path, "FPS": self.fps}.get(name, "")


class Item(Thing):
    """On a track."""

    def __init__(self, world: World, clip: Clip, start: int, length: int) -> None:
        self.world, self.clip, self.start, self.length = world, clip, start, length

    @api
    def GetStart(self) -> int:  # noqa: N802
        return self.start

    @api
    def GetEnd(self) -> int:  # noqa: N802
        return self.start + self.length

    @api
    def GetMediaPoolItem(self) -> Clip:  # noqa: N802
        return self.clip


class Folder(Thing):
    """A bin."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.folders: list[Folder] = []
        self.clips: list[Clip] = []

    @api
    def GetName(self) -> str:  # noqa: N802
        return self.name

    @api
    def GetSubFolderList(self) -> list[Folder]:  # noqa: N802
        return list(self.folders)

    @api
    def GetClipList(self) -> list[Clip]:  # noqa: N802
        return list(self.clips)


@dataclass
class Track:
    """Audio or video."""

    name: str
    kind: str = "stereo"
    items: list[Item] = field(default_factory=list)
    locked: bool = False


class Timeline(Thing):
    """With a picture, a sound and a marker of the user's."""

    def __init__(self, world: World) -> None:
        self.world = world
        clip = Clip(world, "/media/a.mov", world.rate)
        self.video = [Track("Video 1", items=[Item(world, clip, world.first + n, 50) for n in (0, 50, 100)])]
        self.audio = [Track("Audio 1", items=[Item(world, clip, world.first, 50)]), Track("Spare", "mono")]
        self.marks: dict[float, dict[str, Any]] = {7.0: _mark("Blue", "mine", "", 1, "user")}
        self.name = "Cut 3"

    @api
    def GetName(self) -> str:  # noqa: N802
        return self.name

    @api
    def GetUniqueId(self) -> str:  # noqa: N802
        return "id of " + self.name

    @api
    def GetStartFrame(self) -> int:  # noqa: N802
        return self.world.first

    @api
    def GetSetting(self, name: str) -> str:  # noqa: N802
        return {"timelineFrameRate": f"{self.world.rate:g} DF"}.get(name, "")

    def tracks(self, kind: str) -> list[Track]:
        return self.audio if kind == "audio" else self.video

    @api
    def GetTrackCount(self, kind: str) -> int:  # noqa: N802
        return len(self.tracks(kind))

    @api
    def AddTrack(self, kind: str, options: Any = "mono") -> bool:  # noqa: N802
        if isinstance(options, dict):
            sort, place = options.get("audioType", "mono"), int(options["index"])
        else:
            sort, place = options, len(self.audio) + 1
        if self.world.wrong:
            place = 1
        self.tracks(kind).insert(place - 1, Track(f"Audio {place}", sort))
        return True

    @api
    def DeleteTrack(self, kind: str, number: int) -> bool:  # noqa: N802
        tracks = self.tracks(kind)
        if not 1 <= number <= len(tracks):
            return False
        del tracks[number - 1]
        return True

    @api
    def GetTrackName(self, kind: str, number: int) -> str:  # noqa: N802
        return self.tracks(kind)[number - 1].name

    @api
    def SetTrackName(self, kind: str, number: int, name: str) -> bool:  # noqa: N802
        self.tracks(kind)[number - 1].name = "Ginger" if self.world.wrong else name
        return True

    @api
    def GetTrackSubType(self, kind: str, number: int) -> str:  # noqa: N802
        return self.tracks(kind)[number - 1].kind

    @api
    def GetItemListInTrack(self, kind: str, number: int) -> list[Item]:  # noqa: N802
        tracks = self.tracks(kind)
        return list(tracks[number - 1].items) if 1 <= number <= len(tracks) else []

    @api
    def DeleteClips(self, items: list[Item]) -> bool:  # noqa: N802
        holders = [track for track in self.audio if any(item in track.items for item in items)]
        if self.world.page != "edit" or any(track.locked for track in holders):
            return False
        for track in holders:
            track.items = [item for item in track.items if item not in items]
        return True

    @api
    def AddMarker(self, frame: int, colour: str, name: str, note: str, length: int, data: str) -> bool:  # noqa: N802
        at = float(frame) + (1 if self.world.wrong else 0)
        if at in self.marks:
            return False
        self.marks[at] = _mark(colour, name, note, length, data)
        return True

    @api
    def GetMarkers(self) -> dict[float, dict[str, Any]]:  # noqa: N802
        return {frame: dict(mark) for frame, mark in self.marks.items()}

    @api
    def DeleteMarkerByCustomData(self, data: str) -> bool:  # noqa: N802
        found = [frame for frame, mark in self.marks.items() if mark["customData"] == data]
        for frame in found[:1]:
            del self.marks[frame]
        return bool(found)

    @api
    def Export(self, path: str, kind: object, _sub: object = None) -> bool:  # noqa: N802
        Path(path).write_text("" if self.world.wrong else self.world.export_text, encoding="utf-8")
        return True

    @api
    def GetSelectedClips(self) -> list[Item]:  # noqa: N802
        return self.video[0].items[1:2]

    @api
    def GetMarkInOut(self) -> dict[str, Any]:  # noqa: N802
        return {"video": {"in": self.world.first + 60, "out": self.world.first + 120}}

    @api
    def GetCurrentVideoItem(self) -> Item:  # noqa: N802
        return self.video[0].items[2]


class MediaPool(Thing):
    """Bins and clips, and the only way to lay a clip on a track."""

    def __init__(self, world: World, timeline: Timeline) -> None:
        self.world, self.timeline = world, timeline
        self.root = Folder(world, "Master")
        self.root.folders.append(Folder(world, "Footage"))
        self.current = self.root.folders[0]

    @api
    def GetRootFolder(self) -> Folder:  # noqa: N802
        return self.root

    @api
    def AddSubFolder(self, parent: Folder, name: str) -> Folder:  # noqa: N802
        made = Folder(self.world, name + (" 2" if self.world.wrong else ""))
        parent.folders.append(made)
        self.current = made
        return made

    @api
    def GetCurrentFolder(self) -> Folder:  # noqa: N802
        return self.current

    @api
    def SetCurrentFolder(self, folder: Folder) -> bool:  # noqa: N802
        self.current = self.root if self.world.wrong else folder
        return True

    @api
    def ImportMedia(self, paths: list[str]) -> list[Clip]:  # noqa: N802
        known = {clip.path for clip in self.current.clips}
        name = "/other.wav" if self.world.wrong else ""
        new = [Clip(self.world, name or path, self.world.project_rate) for path in paths if path not in known]
        self.current.clips += new
        return new

    @api
    def AppendToTimeline(self, wanted: list[dict[str, Any]]) -> list[Item]:  # noqa: N802
        """Says that all were laid, also of those that it has dropped."""
        made = []
        for each in wanted:
            clip = each["mediaPoolItem"]
            track = self.timeline.audio[each["trackIndex"] - 1]
            frames = each["endFrame"] - each["startFrame"]
            length = math.floor(frames * self.world.rate / clip.fps)
            item = Item(self.world, clip, each["recordFrame"] + (1 if self.world.wrong else 0), length)
            made.append(item)
            end = item.start + length
            if not track.locked and not any(
                i.start < end and i.start + i.length > item.start for i in track.items
            ):
                track.items.append(item)
        return made

    @api
    def DeleteClips(self, clips: list[Clip]) -> bool:  # noqa: N802
        for folder in self.root.folders:
            folder.clips = [clip for clip in folder.clips if clip not in clips]
        return True

    @api
    def DeleteFolders(self, folders: list[Folder]) -> bool:  # noqa: N802
        if self.current in folders:
            return False
        self.root.folders = [folder for folder in self.root.folders if folder not in folders]
        return True


class Project(Thing):
    """The one that is open."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.timeline: Timeline | None = Timeline(world)
        self.pool = MediaPool(world, self.timeline)

    @api
    def GetName(self) -> str:  # noqa: N802
        return "Film / 1"

    @api
    def GetCurrentTimeline(self) -> Timeline | None:  # noqa: N802
        return self.timeline

    @api
    def GetMediaPool(self) -> MediaPool:  # noqa: N802
        return self.pool


class ProjectManager(Thing):
    """The way to the project."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.project: Project | None = Project(world)

    @api
    def GetCurrentProject(self) -> Project | None:  # noqa: N802
        return self.project


class Resolve(Thing):
    """What a script of the menu finds as `resolve`."""

    EXPORT_OTIO, EXPORT_FCP_7_XML, EXPORT_NONE = 1.0, 2.0, 0.0

    def __init__(self, world: World) -> None:
        self.world = world
        self.manager = ProjectManager(world)

    @api
    def GetProductName(self) -> str:  # noqa: N802
        return self.world.product

    @api
    def GetVersion(self) -> list[Any]:  # noqa: N802
        return list(self.world.version)

    @api
    def GetProjectManager(self) -> ProjectManager:  # noqa: N802
        return self.manager

    @api
    def GetCurrentPage(self) -> str:  # noqa: N802
        return self.world.page

    @api
    def OpenPage(self, name: str) -> bool:  # noqa: N802
        self.world.page = "media" if self.world.wrong else name
        return True


def state(resolve: Resolve) -> dict[str, Any]:
    """All that a placement may change, as plain values."""
    project = resolve.manager.project
    assert project is not None
    assert project.timeline is not None
    tracks = [
        (track.name, track.kind, [(item.start, item.length, item.clip.path) for item in track.items])
        for track in project.timeline.audio
    ]
    bins = {folder.name: [clip.path for clip in folder.clips] for folder in project.pool.root.folders}
    bins["(root)"] = [clip.path for clip in project.pool.root.clips]
    return {"tracks": tracks, "marks": dict(project.timeline.marks), "bins": bins}


def _mark(colour: str, name: str, note: str, length: int, data: str) -> dict[str, Any]:
    return {"color": colour, "name": name, "note": note, "duration": length, "customData": data}
