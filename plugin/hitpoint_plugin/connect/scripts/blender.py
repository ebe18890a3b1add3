"""Hitpoint for Blender's sequencer: music that lands on the movement of the selected strips.

Hitpoint runs as a program of its own, outside of Blender's Python; this file uses the standard library and
Blender only. Tried with Blender 3.4 and with bpy 5.0.1.
"""

# mypy: disable-error-code="misc, valid-type, no-untyped-call"

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

import bpy

bl_info = {
    "name": "Hitpoint",
    "author": "Hitpoint maintainers",
    "version": (1, 0, 0),
    "blender": (3, 4, 0),
    "location": "Video Sequencer > Sidebar > Hitpoint",
    "description": "Scores the selected strips: music whose accents land on the movement",
    "category": "Sequencer",
}

TAG = "hitpoint"
STYLES = (
    "auto", "break", "pop", "lock", "waack", "middle-hip-hop", "la-hip-hop", "house", "krump", "street-jazz",
    "ballet-jazz", "waltz", "tango", "cinematic", "ambient", "corporate", "electronic",
)  # fmt: skip


class Failed(Exception):
    """Something did not work; the text is for the user."""


# --- what differs between versions -----------------------------------------------------------------------


def scene_of(context: Any) -> Any:
    """The scene that the sequencer shows: since 5.0 the workspace names it."""
    workspace = getattr(context, "workspace", None)
    return getattr(workspace, "sequencer_scene", None) or context.scene


def strips_of(scene: Any) -> Any:
    """All strips: `sequences` up to 4.3, `strips` since 4.4."""
    editor = scene.sequence_editor or scene.sequence_editor_create()
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def span_of(strip: Any) -> Tuple[int, int]:
    """First frame and the frame after the last, as it is seen; 5.2 has new names for them."""
    if hasattr(strip, "left_handle"):
        return int(strip.left_handle), int(strip.right_handle)
    return int(strip.frame_final_start), int(strip.frame_final_end)


def rate_of(scene: Any) -> float:
    """Frames per second."""
    return float(scene.render.fps) / float(scene.render.fps_base)


# --- out of Blender --------------------------------------------------------------------------------------


def selected(scene: Any) -> List[Any]:
    """The selected movie strips, in order of time. Raises Failed if there is none that can be scored."""
    movies = [strip for strip in strips_of(scene) if strip.select and strip.type == "MOVIE"]
    if not movies:
        raise Failed("No movie strip is selected. Select one or several in the sequencer.")
    for strip in movies:
        keys = getattr(strip, "retiming_keys", ())
        if len(keys) > 2 or abs(getattr(strip, "speed_factor", 1.0) - 1.0) > 1e-6 or strip.use_reverse_frames:
            raise Failed("%s is retimed, which cannot be read from Blender. Render it first." % strip.name)
    return sorted(movies, key=lambda strip: (span_of(strip)[0], strip.channel))


def timeline_of(scene: Any, strips: List[Any]) -> Tuple[Dict[str, Any], int]:
    """The strips as OpenTimelineIO, a track for each channel, and the frame where it starts."""
    rate = rate_of(scene)
    origin = min(span_of(strip)[0] for strip in strips)
    channels = sorted({strip.channel for strip in strips})
    tracks = [
        otio("Track.1", "V%d" % number, kind="Video", children=list(children(scene, strips, channel, origin)))
        for number, channel in enumerate(channels, 1)
    ]
    stack = otio("Stack.1", "tracks", children=tracks)
    return otio("Timeline.1", "Blender", global_start_time=moment(0, rate), tracks=stack), origin


def children(scene: Any, strips: List[Any], channel: int, origin: int) -> Iterator[Dict[str, Any]]:
    """The clips of a channel with the gaps between them."""
    rate, at = rate_of(scene), origin
    for strip in strips:
        if strip.channel != channel:
            continue
        start, end = span_of(strip)
        if start > at:
            yield otio("Gap.1", "", source_range=stretch(0, rate, start - at, rate))
        yield clip(strip, rate, end - start)
        at = end


def clip(strip: Any, rate: float, frames: int) -> Dict[str, Any]:
    """A strip. Blender shows one frame of the file per frame of the scene, whatever their rates are."""
    own = float(getattr(strip, "fps", 0.0) or 0.0) or rate
    path = os.path.abspath(bpy.path.abspath(strip.filepath))
    if not os.path.isfile(path):
        raise Failed("%s is missing. Put it back or relink the strip." % path)
    first = float(strip.frame_offset_start) + float(getattr(strip, "animation_offset_start", 0))
    made = otio("Clip.2", strip.name, source_range=stretch(first, own, frames, rate))
    length = float(getattr(strip, "frame_duration", 0)) + float(getattr(strip, "animation_offset_start", 0))
    media = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "target_url": path,
        "available_range": stretch(0, own, max(length, first + frames), own),
        "metadata": {},
        "name": "",
    }
    made["media_references"], made["active_media_reference_key"] = {"DEFAULT_MEDIA": media}, "DEFAULT_MEDIA"
    if abs(rate / own - 1) > 1e-4:
        made["effects"] = [otio("LinearTimeWarp.1", "speed", effect_name="", time_scalar=rate / own)]
        made["source_range"] = stretch(first, own, frames * own / rate, own)
    return made


def otio(schema: str, name: str, **more: Any) -> Dict[str, Any]:
    """An object of OpenTimelineIO."""
    made: Dict[str, Any] = {"OTIO_SCHEMA": schema, "name": name, "metadata": {}}
    if schema in ("Track.1", "Stack.1", "Clip.2", "Gap.1"):
        made.update(source_range=None, effects=[], markers=[], enabled=True)
    made.update(more)
    return made


def moment(frames: float, rate: float) -> Dict[str, Any]:
    """A time."""
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(frames)}


def stretch(start: float, rate: float, frames: float, frames_rate: float) -> Dict[str, Any]:
    """A range of time."""
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": moment(start, rate),
        "duration": moment(frames, frames_rate),
    }


# --- Hitpoint as a program -------------------------------------------------------------------------------


def settings() -> Dict[str, str]:
    """What `hitpoint hosts install blender` wrote beside this file."""
    path = os.path.splitext(os.path.abspath(__file__))[0] + ".json"
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream)
        return {key: str(found[key]) for key in ("python", "exchange")}
    except (OSError, ValueError, KeyError, TypeError):
        raise Failed("%s is missing. Run again: hitpoint hosts install blender" % path)


class Job(object):
    """One run of Hitpoint. `poll` never waits."""

    def __init__(self, scene: Any, wishes: Dict[str, Any]) -> None:
        where = settings()
        timeline, self.origin = timeline_of(scene, selected(scene))
        self.rate = rate_of(scene)
        self.folder = sounds_folder(where["exchange"])
        source = os.path.join(self.folder, "selection.otio")
        with open(source, "w", encoding="utf-8") as stream:
            json.dump(timeline, stream)
        command = [where["python"], "-P", "-m", "hitpoint", "score", source, "--whole", "--json"]
        command += ["-o", os.path.join(self.folder, "scored.otio")]
        for name, value in wishes.items():
            command += ["--" + name, str(value)]
        theirs = ("PYTHON", "LD_", "DYLD_")  # Blender's Python is not Hitpoint's
        environment = {key: value for key, value in os.environ.items() if not key.startswith(theirs)}
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.started = time.time()
        try:
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err, env=environment
            )
        except OSError as error:
            raise Failed("Hitpoint cannot be started: %s. Run: hitpoint hosts install blender" % error)

    def poll(self) -> Optional[Dict[str, Any]]:
        """The result once it is there, None before. Raises Failed with what Hitpoint says."""
        code = self.child.poll()
        if code is None:
            return None
        if code != 0:
            raise Failed(" ".join(read(self.err).split()) or "Hitpoint ended with code %d." % code)
        try:
            found = json.loads(read(self.out))
            return placement_of(found, self.origin, self.rate)
        except (ValueError, KeyError, TypeError) as error:
            raise Failed("Hitpoint's answer cannot be read: %s." % error)

    def cancel(self) -> None:
        """Stop it: politely, and after a while by force. Returns at once."""
        if self.child.poll() is not None:
            return
        self.child.send_signal(signal.SIGTERM)
        force = threading.Timer(3.0, self.child.kill)
        force.daemon = True
        force.start()

    @property
    def seconds(self) -> float:
        """Since its start."""
        return time.time() - self.started


def sounds_folder(exchange: str) -> str:
    """A fresh folder for a sound that stays: beside the .blend file, or in the folder for exchange."""
    base = os.path.dirname(bpy.data.filepath) if bpy.data.filepath else ""
    if not base or not os.access(base, os.W_OK):
        base = exchange
    for number in range(1, 100000):
        folder = os.path.join(base, "hitpoint", "%04d" % number)
        try:
            os.makedirs(folder)
            return folder
        except FileExistsError:
            continue
        except OSError as error:
            raise Failed("%s cannot be made: %s. Save the .blend where you may write." % (folder, error))
    raise Failed("%s is full." % os.path.join(base, "hitpoint"))


def read(stream: Any) -> str:
    """What a program wrote."""
    stream.seek(0)
    return str(stream.read().decode("utf-8", "replace"))


def placement_of(found: Dict[str, Any], origin: int, rate: float) -> Dict[str, Any]:
    """Where everything goes in the scene: the sound begins on a whole frame."""
    start = float(found["clip"]["record_start"])
    frame = origin + int(math.floor(start * rate + 1e-6))
    markers: List[Tuple[int, str]] = []
    for hit in found["hit_points"]:
        at = origin + int(math.floor((start + float(hit["time"])) * rate + 1e-3))
        markers.append((at, "hit %.2f" % float(hit["strength"])))
    return {"wav": str(found["asset"]["path"]), "frame": frame, "markers": markers}


# --- into Blender ----------------------------------------------------------------------------------------


def place(scene: Any, wav: str, frame: int, markers: List[Tuple[int, str]]) -> Any:
    """Lay the sound on a free channel and set markers, all or nothing. Raises Failed."""
    strips = strips_of(scene)
    marks, made = [], None
    try:
        made = strips.new_sound(os.path.basename(wav), wav, 1 + highest(strips), frame)
        start, end = span_of(made)
        made.channel = free_channel(strips, made, start, end)
        made[TAG] = os.path.basename(wav)
        if start != frame:
            raise Failed("Blender laid the sound on frame %d instead of %d." % (start, frame))
        for at, name in markers:
            marks.append(scene.timeline_markers.new(name, frame=at))
        return made
    except Exception as error:
        for mark in marks:
            scene.timeline_markers.remove(mark)
        if made is not None:
            strips.remove(made)
        raise Failed("The sound cannot be placed: %s" % error)


def highest(strips: Any) -> int:
    """The highest channel in use, 127 at most: the last of 128 is free for a moment."""
    return min(127, max([int(strip.channel) for strip in strips] or [0]))


def free_channel(strips: Any, own: Any, start: int, end: int) -> int:
    """The lowest channel above all strips that lie in those frames: Blender lets strips lie on each other."""
    taken = [0]
    for strip in strips:
        first, after = span_of(strip)
        if strip != own and first < end and after > start:
            taken.append(int(strip.channel))
    free: int = max(taken) + 1
    if free > 128:
        raise Failed("All 128 channels are taken there.")
    return free


class HITPOINT_OT_score(bpy.types.Operator):
    """Watch the selected strips and compose music for them; Esc stops it"""

    bl_idname = "hitpoint.score"
    bl_label = "Score Selected Strips"

    style: bpy.props.EnumProperty(name="Style", items=[(s, s, "") for s in STYLES])
    seed: bpy.props.IntProperty(name="Seed", default=1, min=0)
    intensity: bpy.props.FloatProperty(name="Intensity", default=0.6, min=0.0, max=1.0)

    running: Optional[Job] = None  # of the class: one at a time
    stop = False

    @classmethod
    def poll(cls, context: Any) -> bool:
        return cls.running is None

    def invoke(self, context: Any, event: Any) -> Set[str]:
        """In the window: Blender goes on while Hitpoint works."""
        try:
            self.job = self.begin(context)
        except Failed as error:
            return self.fail(error)
        self.scene = scene_of(context).name
        self.timer = context.window_manager.event_timer_add(0.2, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> Set[str]:
        """Look whether it is done; Esc or the button Stop ends it."""
        if event.type == "ESC" or type(self).stop:
            self.end(context)
            self.report({"INFO"}, "Hitpoint was stopped.")
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            found = self.job.poll()
            if found is None:
                context.workspace.status_text_set("Hitpoint: %d s (Esc stops it)" % self.job.seconds)
                return {"PASS_THROUGH"}
            self.end(context)
            return self.finish(found, self.scene)
        except Failed as error:
            self.end(context)
            return self.fail(error)

    def execute(self, context: Any) -> Set[str]:
        """Without a window: wait for it."""
        try:
            job = self.begin(context)
            try:
                while True:
                    found = job.poll()
                    if found is not None:
                        break
                    time.sleep(0.1)
            finally:
                job.cancel()
                type(self).running = None
            return self.finish(found, scene_of(context).name)
        except Failed as error:
            return self.fail(error)

    def cancel(self, context: Any) -> None:
        """Blender is closed, or another file opened."""
        self.end(context)

    def begin(self, context: Any) -> Job:
        """Start Hitpoint."""
        wishes = {"style": self.style, "seed": self.seed, "intensity": round(self.intensity, 3)}
        job = Job(scene_of(context), wishes)
        type(self).running, type(self).stop = job, False
        return job

    def end(self, context: Any) -> None:
        """Take away what belongs to the run."""
        self.job.cancel()
        type(self).running = None
        context.window_manager.event_timer_remove(self.timer)
        context.workspace.status_text_set(None)

    def finish(self, found: Dict[str, Any], scene: str) -> Set[str]:
        """Place it by an operator of its own, so that it is one step of undo."""
        return set(
            bpy.ops.hitpoint.place(
                "EXEC_DEFAULT",
                True,
                wav=found["wav"],
                frame=found["frame"],
                markers=json.dumps(found["markers"]),
                scene=scene,
            )
        )

    def fail(self, error: Failed) -> Set[str]:
        """Say it where Blender says such things."""
        self.report({"ERROR"}, str(error))
        return {"CANCELLED"}


class HITPOINT_OT_place(bpy.types.Operator):
    """Lay a sound of Hitpoint on a free channel, with its hit points as markers"""

    bl_idname = "hitpoint.place"
    bl_label = "Place Music"
    bl_options = {"REGISTER", "UNDO"}

    wav: bpy.props.StringProperty(subtype="FILE_PATH")
    frame: bpy.props.IntProperty()
    markers: bpy.props.StringProperty(default="[]")
    scene: bpy.props.StringProperty()

    def execute(self, context: Any) -> Set[str]:
        """Place it."""
        scene = bpy.data.scenes.get(self.scene) or scene_of(context)
        try:
            if not os.path.isfile(self.wav):
                raise Failed("The sound %s is gone." % self.wav)
            marks = [(int(frame), str(name)) for frame, name in json.loads(self.markers)]
            made = place(scene, self.wav, self.frame, marks)
        except (Failed, ValueError, TypeError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, "Music from frame %d on channel %d." % (self.frame, made.channel))
        return {"FINISHED"}


class HITPOINT_OT_stop(bpy.types.Operator):
    """Stop the run of Hitpoint"""

    bl_idname = "hitpoint.stop"
    bl_label = "Stop"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return HITPOINT_OT_score.running is not None

    def execute(self, context: Any) -> Set[str]:
        """The run itself ends at its next look."""
        HITPOINT_OT_score.stop = True
        return {"FINISHED"}


class HITPOINT_PT_panel(bpy.types.Panel):
    """The sidebar of the sequencer"""

    bl_label = "Hitpoint"
    bl_category = "Hitpoint"
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"

    def draw(self, context: Any) -> None:
        """Two buttons; what can be chosen comes with the operator."""
        wishes = context.window_manager.hitpoint
        for name in ("style", "seed", "intensity"):
            self.layout.prop(wishes, name)
        run = self.layout.operator("hitpoint.score")
        run.style, run.seed, run.intensity = wishes.style, wishes.seed, wishes.intensity
        self.layout.operator("hitpoint.stop")


class HITPOINT_wishes(bpy.types.PropertyGroup):
    """What the sidebar asks for."""

    style: bpy.props.EnumProperty(name="Style", items=[(s, s, "") for s in STYLES])
    seed: bpy.props.IntProperty(name="Seed", default=1, min=0)
    intensity: bpy.props.FloatProperty(name="Intensity", default=0.6, min=0.0, max=1.0)


CLASSES = (HITPOINT_wishes, HITPOINT_OT_score, HITPOINT_OT_place, HITPOINT_OT_stop, HITPOINT_PT_panel)


def register() -> None:
    """Called by Blender when the add-on is switched on."""
    for each in CLASSES:
        bpy.utils.register_class(each)
    bpy.types.WindowManager.hitpoint = bpy.props.PointerProperty(type=HITPOINT_wishes)


def unregister() -> None:
    """Called when it is switched off."""
    if HITPOINT_OT_score.running is not None:
        HITPOINT_OT_score.running.cancel()
        HITPOINT_OT_score.running = None
    del bpy.types.WindowManager.hitpoint
    for each in reversed(CLASSES):
        bpy.utils.unregister_class(each)


if __name__ == "__main__" and "--register" in sys.argv:
    register()
