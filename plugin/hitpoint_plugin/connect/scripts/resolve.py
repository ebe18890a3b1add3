"""Hitpoint for DaVinci Resolve: Workspace > Scripts > Hitpoint.

Runs in the Python that Resolve finds, whichever that is (3.6 or later), with the standard library only. It
hands the current timeline to Hitpoint's panel and waits there for music, which it lays on a track of its own
and reads back. What it cannot finish it takes back.

Resolve's scripting functions may say True and do nothing, so every change is read back; they differ between
versions, and any name answers `getattr`, so that `dir` decides what is there. Positions of clips count from
midnight of the timecode (`recordFrame`), those of markers from the start of the timeline.
"""

import json
import math
import os
import socket
import subprocess
import sys
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

START_S = 90.0  # a first start of the panel compiles Python files
BIN, TRACK, OURS = "Hitpoint", "Hitpoint", "hitpoint:"
NO_SCRIPTS_FROM = (21, 1)  # of the free edition
BY_FILES = (
    "The free DaVinci Resolve runs no scripts from 21.1 on. Use files: File > Export > Timeline as .otio, "
    "open that in Hitpoint, then File > Import > Timeline."
)
Order = Dict[str, Any]


class Failed(Exception):
    """Something did not work; the text is for the user."""


# --- calling Resolve -------------------------------------------------------------------------------------


def has(thing: Any, name: str) -> bool:
    """Whether this version knows the function; `hasattr` says yes to everything."""
    return name in dir(thing)


def ask(thing: Any, name: str, *arguments: Any) -> Any:
    """Call it. Raises Failed where it is not there or goes wrong."""
    if thing is None or not has(thing, name):
        raise Failed("This version of Resolve has no %s." % name)
    try:
        return getattr(thing, name)(*arguments)
    except Exception as error:
        raise Failed("Resolve's %s failed: %s." % (name, error))


def must(thing: Any, name: str, *arguments: Any) -> Any:
    """Call what answers with something."""
    found = ask(thing, name, *arguments)
    if not found:
        raise Failed("Resolve's %s gave nothing back." % name)
    return found


def number_of(thing: Any, name: str, *arguments: Any) -> int:
    """Call what answers with a whole number."""
    found = ask(thing, name, *arguments)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise Failed("Resolve's %s gave no number." % name)
    return int(found)


def listed(thing: Any, name: str, *arguments: Any) -> List[Any]:
    """Call what answers with a list; an empty one may come as a table or, always then, as nothing."""
    found = ask(thing, name, *arguments)
    if found is None:
        found = ask(thing, name, *arguments)
    if isinstance(found, dict):
        return list(found.values())
    if not found or isinstance(found, (list, tuple)):
        return list(found or [])
    raise Failed("Resolve's %s gave no list." % name)


def quietly(thing: Any, name: str, *arguments: Any) -> Any:
    """Call it; None if it is not there or goes wrong."""
    try:
        return ask(thing, name, *arguments)
    except Failed:
        return None


def edition(resolve: Any) -> Tuple[str, Tuple[int, ...], bool]:
    """Its name, its version, and whether it is Studio. Raises Failed where scripts cannot work."""
    name = str(must(resolve, "GetProductName"))
    numbers = quietly(resolve, "GetVersion") or []
    version = tuple(int(n) for n in list(numbers)[:3] if isinstance(n, (int, float)))
    studio = "Studio" in name
    if not studio and version >= NO_SCRIPTS_FROM:
        raise Failed(BY_FILES)
    return name, version, studio


def now_open(resolve: Any) -> Tuple[Any, Any]:
    """The project and its current timeline. Raises Failed if there is none."""
    project = ask(must(resolve, "GetProjectManager"), "GetCurrentProject")
    if not project:
        raise Failed("No project is open in Resolve. Open one.")
    timeline = ask(project, "GetCurrentTimeline")
    if not timeline:
        raise Failed("No timeline is open in Resolve. Open one on the Edit page.")
    return project, timeline


def identity(timeline: Any) -> str:
    """By which the timeline is known again."""
    return str(quietly(timeline, "GetUniqueId") or must(timeline, "GetName"))


# --- out of Resolve --------------------------------------------------------------------------------------


def export(resolve: Any, timeline: Any, folder: str, name: str) -> str:
    """Write the timeline as OpenTimelineIO, before 18.5 as Final Cut 7 XML, and return the file."""
    kinds = [("EXPORT_OTIO", ".otio"), ("EXPORT_FCP_7_XML", ".xml")]
    os.makedirs(folder, exist_ok=True)
    for constant, ending in kinds:
        if not has(resolve, constant):
            continue
        path = os.path.join(folder, name + ending)
        if os.path.exists(path):
            os.remove(path)
        rest = (resolve.EXPORT_NONE,) if has(resolve, "EXPORT_NONE") else ()
        quietly(timeline, "Export", path, getattr(resolve, constant), *rest)
        if os.path.isfile(path) and os.path.getsize(path) > 0:
            return path
    raise Failed("Resolve did not export the timeline. Export it by File > Export > Timeline.")


def plain(name: str) -> str:
    """A file name out of a timeline's name."""
    kept = "".join(c if c.isalnum() or c in " -_" else "_" for c in name).strip()
    return kept[:80] or "timeline"


def selection(timeline: Any) -> List[int]:
    """Where the selected clips start, in frames from the timeline's start.

    Before 21.0.4 nobody says what is selected: then the clips between in and out, or under the playhead.
    """
    first = number_of(timeline, "GetStartFrame")
    items = quietly(timeline, "GetSelectedClips") if has(timeline, "GetSelectedClips") else None
    if not items:
        items = between_marks(timeline, first) or [quietly(timeline, "GetCurrentVideoItem")]
    starts = [quietly(item, "GetStart") for item in items if item]
    return sorted({int(start) - first for start in starts if start is not None})


def between_marks(timeline: Any, first: int) -> List[Any]:
    """The video clips between the timeline's in and out points."""
    marks = quietly(timeline, "GetMarkInOut") or {}
    video = marks.get("video") or {}
    if "in" not in video or "out" not in video:
        return []
    begin, end = int(video["in"]), int(video["out"])
    if end < first:  # counted from the timeline's start, in some versions
        begin, end = begin + first, end + first
    found = []
    for track in range(1, int(quietly(timeline, "GetTrackCount", "video") or 0) + 1):
        for item in quietly(timeline, "GetItemListInTrack", "video", track) or []:
            if number_of(item, "GetStart") <= end and number_of(item, "GetEnd") > begin:
                found.append(item)
    return found


# --- into Resolve ----------------------------------------------------------------------------------------


class Placement(object):
    """Lays one sound and its markers, all of it or nothing."""

    def __init__(self, resolve: Any, expected: str = "") -> None:
        self.resolve = resolve
        self.project, self.timeline = now_open(resolve)
        if expected and identity(self.timeline) != expected:
            raise Failed("Another timeline is open in Resolve now. Open the one that was handed over.")
        self.pool = must(self.project, "GetMediaPool")
        self.root = must(self.pool, "GetRootFolder")
        self.first = number_of(self.timeline, "GetStartFrame")
        self.made: Any = None  # our bin, as Resolve gave it to us
        self.undo: List[Tuple[str, Callable[[], Any]]] = []
        self.notes: List[str] = []

    def place(self, order: Order) -> List[str]:
        """Place it, and return what else is worth knowing. Raises Failed; then nothing is left."""
        page = quietly(self.resolve, "GetCurrentPage")
        folder = quietly(self.pool, "GetCurrentFolder")
        before = self.seen()
        self.check_rate(order)
        try:
            self.to_edit_page(page)
            self.to_bin(self.root)
            clip = self.imported(str(order["wav"]), before["bins"])
            track = self.added_track(before["tracks"])
            self.append(clip, track, order)
            self.untouched(before, track)
            self.move_markers(order)
        except Exception as error:
            self.roll_back(before, error)
        else:
            self.replace_earlier(order)
        finally:
            self.go_back(page, folder)
        return self.notes

    def check_rate(self, order: Order) -> None:
        """A timeline of another rate would put everything in the wrong place."""
        number, per = order["rate"]
        rate = self.timeline_rate()
        if rate is not None and abs(rate - float(number) / per) > 0.01:
            raise Failed("The timeline has %g frames per second now. Hand it over again." % rate)

    def timeline_rate(self) -> Optional[float]:
        """Frames per second, if Resolve says it."""
        return as_number(quietly(self.timeline, "GetSetting", "timelineFrameRate"))

    def to_edit_page(self, page: Any) -> None:
        """Clips can be deleted on the Edit page only, so it has to be open before there is any to delete."""
        if page != "edit":
            ask(self.resolve, "OpenPage", "edit")
            if ask(self.resolve, "GetCurrentPage") != "edit":
                raise Failed("Resolve did not open the Edit page. Open it and try again.")

    def go_back(self, page: Any, folder: Any) -> None:
        """The page and the bin that were open."""
        if folder:
            quietly(self.pool, "SetCurrentFolder", folder)
        if page and page != "edit":
            quietly(self.resolve, "OpenPage", page)

    def imported(self, wav: str, before: Dict[str, List[str]]) -> Any:
        """The sound in our bin of the media pool."""
        if not os.path.isfile(wav):
            raise Failed("The sound %s is gone. Generate it again." % wav)
        folder = self.bin(before)
        known = in_folder(folder, wav)
        if known is not None:
            return known
        self.to_bin(folder)
        self.undo.append(("the sound in the bin", lambda: self.drop_media(before.get(BIN, []))))
        ask(self.pool, "ImportMedia", [wav])
        clip = in_folder(folder, wav)
        if clip is None:
            raise Failed("Resolve did not import %s into the media pool." % wav)
        return clip

    def to_bin(self, folder: Any) -> None:
        """Open a bin: what is imported goes into the open one, and the open one cannot be deleted."""
        ask(self.pool, "SetCurrentFolder", folder)
        if has(self.pool, "GetCurrentFolder"):
            if named(must(self.pool, "GetCurrentFolder")) != named(folder):
                raise Failed("Resolve did not open the bin.")

    def bin(self, before: Dict[str, List[str]]) -> Any:
        """Our bin, made if it is not there."""
        if BIN not in before:
            self.undo.append(("the bin", lambda: self.drop_bin(before)))
            self.made = ask(self.pool, "AddSubFolder", self.root, BIN)
        found = self.find_bin()
        if found is None:
            raise Failed("Resolve did not make the bin %s." % BIN)
        return found

    def find_bin(self) -> Any:
        """The bin of our name below the root, or None."""
        for folder in listed(self.root, "GetSubFolderList"):
            if named(folder) == BIN:
                return folder
        return None

    def drop_bin(self, before: Dict[str, List[str]]) -> None:
        """Take back a bin that was not there before."""
        made = [each for each in listed(self.root, "GetSubFolderList") if named(each) not in before]
        if not made and self.made:  # where Resolve lists no bins, what it gave us is all we have
            made = [self.made]
        if made:
            self.to_bin(self.root)
            ask(self.pool, "DeleteFolders", made)
        if any(named(each) not in before for each in listed(self.root, "GetSubFolderList")):
            raise Failed("Resolve did not delete the bin.")

    def drop_media(self, before: List[str]) -> None:
        """Take back what was not in our bin before."""
        folder = self.find_bin()
        clips = [] if folder is None else listed(folder, "GetClipList")
        made = [clip for clip in clips if not before or path_of(clip) not in before]
        if made:
            ask(self.pool, "DeleteClips", made)
            if len(listed(folder, "GetClipList")) != len(clips) - len(made):
                raise Failed("Resolve did not delete the sound.")

    def added_track(self, before: List[Any]) -> int:
        """The number of a fresh stereo track: on any other, what overlaps would be dropped in silence."""
        number = len(before) + 1
        self.undo.append(("the track", lambda: self.drop_track(before)))
        try:
            ask(self.timeline, "AddTrack", "audio", {"audioType": "stereo", "index": number})
        except Failed:  # older versions know no options
            pass
        if number_of(self.timeline, "GetTrackCount", "audio") == len(before):
            ask(self.timeline, "AddTrack", "audio", "stereo")
        if number_of(self.timeline, "GetTrackCount", "audio") != number:
            raise Failed("Resolve did not add an audio track.")
        if self.tracks()[:-1] != before or listed(self.timeline, "GetItemListInTrack", "audio", number):
            raise Failed("Resolve added the audio track in another place than asked.")
        if has(self.timeline, "GetTrackSubType"):
            kind = ask(self.timeline, "GetTrackSubType", "audio", number)
            if kind != "stereo":
                raise Failed("Resolve made a track that is %s instead of stereo." % (kind or "unknown"))
        else:
            self.notes.append("This version does not say whether the new track is stereo; look at it.")
        quietly(self.timeline, "SetTrackName", "audio", number, TRACK)
        if quietly(self.timeline, "GetTrackName", "audio", number) != TRACK:
            self.notes.append("The new track could not be named.")
        return number

    def drop_track(self, before: List[Any]) -> None:
        """Take back the one track that was not there before, wherever Resolve has put it."""
        now = self.tracks()
        if now == before:
            return
        added = [n for n in range(len(now), 0, -1) if now[: n - 1] + now[n:] == before]
        if not added:
            raise Failed("The tracks are not as they were.")
        number = added[0]
        items = listed(self.timeline, "GetItemListInTrack", "audio", number)
        if items:
            quietly(self.timeline, "DeleteClips", items)
        quietly(self.timeline, "DeleteTrack", "audio", number)
        if self.tracks() != before:
            raise Failed("Resolve did not delete the track.")

    def append(self, clip: Any, track: int, order: Order) -> None:
        """The whole sound at its frame, and a look whether it is there."""
        frame, frames = self.first + int(order["frame"]), int(order["frames"])
        length = self.source_frames(clip, order)
        ask(
            self.pool,
            "AppendToTimeline",
            [
                {
                    "mediaPoolItem": clip,
                    "startFrame": 0,
                    "endFrame": length,
                    "mediaType": 2,
                    "trackIndex": track,
                    "recordFrame": frame,
                }
            ],
        )
        items = listed(self.timeline, "GetItemListInTrack", "audio", track)
        if len(items) != 1:
            raise Failed("Resolve did not lay the sound on its track.")
        start, end = number_of(items[0], "GetStart"), number_of(items[0], "GetEnd")
        if start != frame:
            raise Failed("Resolve laid the sound on frame %d instead of %d." % (start, frame))
        if abs(end - start - frames) > 1:  # the last frame may be filled only partly
            raise Failed("Resolve laid %d frames of the sound instead of %d." % (end - start, frames))
        if not same_file(path_of(must(items[0], "GetMediaPoolItem")), str(order["wav"])):
            raise Failed("Resolve laid another sound on the track.")

    def source_frames(self, clip: Any, order: Order) -> int:
        """The length of the sound in frames of its own: it keeps the rate that the project had at import."""
        own, rate = as_number(ask(clip, "GetClipProperty", "FPS")), self.timeline_rate()
        length = int(order["frames"])
        if own and rate and abs(own - rate) > 0.001:
            length = int(math.ceil(float(order["seconds"]) * own - 0.001))
            self.notes.append(
                "The sound has the project's rate of %g frames per second; its last frame may be cut." % own
            )
        held = as_number(quietly(clip, "GetClipProperty", "Frames"))
        return min(length, int(held)) if held else length

    def untouched(self, before: Dict[str, Any], track: int) -> None:
        """What was on the other tracks is there still, and nothing else."""
        now = self.seen()
        now["tracks"], now["bins"] = now["tracks"][: track - 1], before["bins"]
        if now != before:
            raise Failed("Something else on the timeline changed meanwhile.")

    def move_markers(self, order: Order) -> None:
        """The hit points as markers; those of what is replaced go first, for a frame can have one only."""
        for earlier in order.get("replaces", []):
            self.drop_markers(str(earlier["id"]), restore=True)
        taken = self.markers()
        prefix = OURS + str(order["id"])
        self.undo.append(("the markers", lambda: self.drop_markers(str(order["id"]))))
        skipped = 0
        for number, (frame, name, note, colour) in enumerate(order.get("markers", [])):
            if int(frame) in taken:
                skipped += 1
                continue
            data = "%s:%d" % (prefix, number)
            ask(self.timeline, "AddMarker", int(frame), colour, name, note, 1, data)
            taken[int(frame)] = {"customData": data}
        laid = {frame: mark.get("customData", "") for frame, mark in self.markers().items()}
        if laid != {frame: mark.get("customData", "") for frame, mark in taken.items()}:
            raise Failed("Resolve did not set the markers.")
        if skipped:
            self.notes.append("%d hit points have no marker: another one is on their frame." % skipped)

    def markers(self) -> Dict[int, Dict[str, Any]]:
        """All markers of the timeline by frame."""
        found = ask(self.timeline, "GetMarkers")
        if not isinstance(found, (dict, list)):  # an empty table may come as a list
            raise Failed("Resolve does not say which markers there are.")
        return {int(frame): dict(mark) for frame, mark in dict(found).items()}

    def drop_markers(self, name: str, restore: bool = False) -> None:
        """Take off the markers of an order; with `restore` a roll-back puts them on again."""
        prefix = OURS + name + ":"
        ours = {f: m for f, m in self.markers().items() if str(m.get("customData", "")).startswith(prefix)}
        if restore and ours:
            self.undo.append(("earlier markers", lambda: self.put_markers(ours)))
        for mark in ours.values():
            ask(self.timeline, "DeleteMarkerByCustomData", mark["customData"])
        if any(frame in ours for frame in self.markers()):
            raise Failed("Resolve did not delete markers of Hitpoint.")

    def put_markers(self, marks: Dict[int, Dict[str, Any]]) -> None:
        """Markers as they were."""
        there = self.markers()
        for frame, mark in marks.items():
            if frame not in there:
                facts = [mark.get(key, "") for key in ("color", "name", "note")]
                ask(
                    self.timeline,
                    "AddMarker",
                    frame,
                    *(facts + [mark.get("duration", 1), mark["customData"]]),
                )

    def replace_earlier(self, order: Order) -> None:
        """Last of all, because a deleted clip cannot be brought back: from here on there are only notes."""
        for earlier in order.get("replaces", []):
            try:
                if not self.take_off_item(earlier):
                    self.notes.append("Earlier music was moved or is gone; it was left as it is.")
            except Failed as error:
                self.notes.append("Earlier music may still be there, look at its track: %s" % error)

    def take_off(self, order: Order) -> List[str]:
        """Take a placement off again. Can be repeated where it stopped. Raises Failed."""
        page = quietly(self.resolve, "GetCurrentPage")
        try:
            self.to_edit_page(page)
            if not self.take_off_item(order):
                self.notes.append("The music is not where it was placed; it was moved, or is gone already.")
            self.drop_markers(str(order["id"]))
        finally:
            self.go_back(page, None)
        return self.notes

    def take_off_item(self, order: Order) -> bool:
        """Delete the clip at its frame, and its track if that is ours and empty then."""
        start = self.first + int(order["frame"])
        for track in range(number_of(self.timeline, "GetTrackCount", "audio"), 0, -1):
            for item in listed(self.timeline, "GetItemListInTrack", "audio", track):
                if number_of(item, "GetStart") != start:
                    continue
                if not same_file(path_of(must(item, "GetMediaPoolItem")), str(order["wav"])):
                    continue
                count = len(listed(self.timeline, "GetItemListInTrack", "audio", track))
                ask(self.timeline, "DeleteClips", [item])
                left = listed(self.timeline, "GetItemListInTrack", "audio", track)
                if len(left) != count - 1:
                    raise Failed("Resolve did not delete the clip. Is its track locked?")
                if not left and quietly(self.timeline, "GetTrackName", "audio", track) == TRACK:
                    quietly(self.timeline, "DeleteTrack", "audio", track)
                return True
        return False

    def tracks(self) -> List[Any]:
        """Every audio track: its name, and where its clips lie."""
        found = []
        for number in range(1, number_of(self.timeline, "GetTrackCount", "audio") + 1):
            items = listed(self.timeline, "GetItemListInTrack", "audio", number)
            spans = [(number_of(item, "GetStart"), number_of(item, "GetEnd")) for item in items]
            found.append((self.track_name(number), spans))
        return found

    def track_name(self, number: int) -> str:
        """What an audio track is called; empty in versions that do not say it."""
        if not has(self.timeline, "GetTrackName"):
            return ""
        found = ask(self.timeline, "GetTrackName", "audio", number)
        if not isinstance(found, str):
            raise Failed("Resolve does not say what a track is called.")
        return found

    def seen(self) -> Dict[str, Any]:
        """All that a placement could change: clips on audio tracks, markers, what is in our bin."""
        bins = {}
        for folder in [self.root] + listed(self.root, "GetSubFolderList"):
            clips = listed(folder, "GetClipList")
            bins[named(folder)] = [path_of(clip) for clip in clips] if named(folder) == BIN else []
        return {"tracks": self.tracks(), "markers": sorted(self.markers()), "bins": bins}

    def roll_back(self, before: Dict[str, Any], error: Exception) -> None:
        """Undo what was done, newest first, and say what could not be undone."""
        left = []
        for name, step in reversed(self.undo):
            for attempt in (1, 2, 3):
                try:
                    step()
                    break
                except Exception:
                    if attempt == 3:
                        left.append(name)
        try:
            if not left and self.seen() != before:
                self.again(before)
        except Failed:
            left.append("perhaps part of the placement")
        if left:
            raise Failed("%s Left on the timeline: %s. Take it off by hand." % (error, ", ".join(left)))
        raise Failed("%s Nothing was changed." % error)

    def again(self, before: Dict[str, Any]) -> None:
        """A second round for what said that it was done and was not."""
        for _name, step in reversed(self.undo):
            step()
        if self.seen() != before:
            raise Failed("It is not as it was before.")


def named(folder: Any) -> str:
    """The name of a bin."""
    found = ask(folder, "GetName")
    if not isinstance(found, str) or not found:
        raise Failed("Resolve does not say what a bin is called.")
    return found


def path_of(clip: Any) -> str:
    """The file of a clip in the media pool; what is no file (a title, a compound) has an empty one."""
    found = ask(clip, "GetClipProperty", "File Path")
    if not isinstance(found, str):
        raise Failed("Resolve does not say which file a clip is of.")
    return found


def in_folder(folder: Any, path: str) -> Any:
    """The clip of that file in a bin, or None. What ImportMedia returns is no proof."""
    for clip in listed(folder, "GetClipList"):
        if same_file(path_of(clip), path):
            return clip
    return None


def same_file(one: str, other: str) -> bool:
    """Whether two paths are one, however they are spelled."""
    return bool(one) and os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))


def as_number(text: Any) -> Optional[float]:
    """A number out of "29.97 DF" or 24.0, or None."""
    try:
        return float(str(text).split()[0])
    except (ValueError, IndexError):
        return None


# --- the panel -------------------------------------------------------------------------------------------


class Panel(object):
    """The link to the panel: one line of JSON each way, on this machine only."""

    def __init__(self, link: str) -> None:
        with open(link, encoding="utf-8") as stream:
            facts = json.load(stream)
        self.token = facts["token"]
        self.socket = socket.create_connection(("127.0.0.1", int(facts["port"])), timeout=60)
        self.lines = self.socket.makefile("rb")

    def ask(self, do: str, **more: Any) -> Dict[str, Any]:
        """Send a request and return the answer. Raises Failed, or OSError when the panel is gone."""
        line = json.dumps(dict(more, do=do, token=self.token))
        self.socket.sendall(line.encode("utf-8") + b"\n")
        answer = self.lines.readline(1 << 20)
        if not answer:
            raise OSError("the panel was closed")
        found = json.loads(answer.decode("utf-8"))
        if not found.get("ok"):
            raise Failed(str(found.get("error", "The panel refused.")))
        return dict(found)

    def close(self) -> None:
        """End the link."""
        self.socket.close()


def panel_for(settings: Dict[str, str], hello: Dict[str, Any], seconds: float = START_S) -> Panel:
    """The panel that runs, or one that is started. Raises Failed if none can be reached."""
    child = None
    ends = time.time() + seconds
    while True:
        try:
            panel = Panel(settings["link"])
            panel.ask("hello", **hello)
            return panel
        except (OSError, ValueError, KeyError):
            pass
        if child is None:
            child = start(settings["python"])
        elif child.poll() is not None and child.returncode != 0:
            raise Failed("The panel ended at once. Run: %s -m hitpoint_plugin" % settings["python"])
        if time.time() > ends:
            raise Failed("The panel did not start within %d s." % seconds)
        time.sleep(0.3)


def start(python: str) -> Any:
    """Start the panel in an environment without Resolve's own libraries, which are not for it."""
    theirs = ("PYTHON", "LD_", "DYLD_", "QT_", "QML")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(theirs)}
    own = {"start_new_session": True} if os.name == "posix" else {"creationflags": 0x00000008}
    try:
        return subprocess.Popen(
            [python, "-P", "-m", "hitpoint_plugin"], env=environment, close_fds=True, **own
        )
    except OSError as error:
        raise Failed("Hitpoint cannot be started: %s. Run again: hitpoint hosts install resolve" % error)


def serve(resolve: Any, panel: Panel, expected: str) -> None:
    """Do what the panel wants until it is closed or Resolve is."""
    while must(resolve, "GetProductName"):
        order = panel.ask("wait").get("order")
        if not order:
            continue
        try:
            placement = Placement(resolve, expected)
            work = placement.take_off if order["do"] == "take_off" else placement.place
            answer = {"done": True, "text": " ".join(work(order))}
        except Failed as error:
            answer = {"done": False, "text": str(error)}
        panel.ask("done", id=order["id"], **answer)


def hand_over(resolve: Any, settings: Dict[str, str]) -> None:
    """Everything, from the click in the menu to the panel's end. Raises Failed."""
    name, version, _studio = edition(resolve)
    project, timeline = now_open(resolve)
    title = str(must(timeline, "GetName"))
    folder = os.path.join(settings["exchange"], plain(str(must(project, "GetName"))))
    path = export(resolve, timeline, folder, plain(title))
    chosen = selection(timeline)
    hello = {"host": "resolve", "name": name, "version": ".".join(str(n) for n in version)}
    panel = panel_for(settings, hello)
    try:
        panel.ask("open", timeline=path, frames=chosen)
        serve(resolve, panel, identity(timeline))
    except OSError:
        pass  # the panel was closed, which is how this ends
    finally:
        panel.close()


def find_resolve(given: Dict[str, Any]) -> Any:
    """Resolve's own object: it is there for scripts of its menu, else (Studio) its module finds it."""
    if given.get("resolve"):
        return given["resolve"]
    if given.get("app"):
        return quietly(given["app"], "GetResolve")
    try:
        module = given.get("bmd") or __import__("DaVinciResolveScript")
        return module.scriptapp("Resolve")
    except Exception:
        return None


def settings_file() -> str:
    """The file beside this script; Resolve does not always say where that is."""
    here = globals().get("__file__") or (sys.argv[0] if sys.argv else "")
    home, roaming = os.path.expanduser("~"), os.environ.get("APPDATA", "")
    maker = os.path.join("Blackmagic Design", "DaVinci Resolve")
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    below = os.path.join("Fusion", "Scripts", "Utility")
    folders = [
        os.path.dirname(os.path.abspath(here)),
        os.path.join(data, "DaVinciResolve", below),
        os.path.join(home, "Library", "Application Support", maker, below),
        os.path.join(roaming, maker, "Support", below),
    ]
    for folder in folders:
        path = os.path.join(folder, "Hitpoint.json")
        if os.path.isfile(path):
            return path
    raise Failed("Hitpoint.json is missing. Run again: hitpoint hosts install resolve")


def main(given: Dict[str, Any]) -> int:
    """Run, and say in Resolve's console what went wrong."""
    try:
        with open(settings_file(), encoding="utf-8") as stream:
            settings = json.load(stream)
        resolve = find_resolve(given)
        if resolve is None:
            raise Failed(
                "Resolve does not answer scripts. In Preferences > System > General, set External scripting "
                "to Local. " + BY_FILES
            )
        hand_over(resolve, settings)
    except Failed as error:
        print("Hitpoint: %s" % error)
        return 1
    return 0


if __name__ == "__main__":
    main(globals())
