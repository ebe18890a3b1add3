"""Runs inside Blender: the add-on scores and places what the plan says; what came of it is written down."""

import importlib.util
import json
import os
import sys

import bpy

plan_path, out_path, wav_path = sys.argv[sys.argv.index("--") + 1 :]
with open(plan_path) as stream:  # noqa: PTH123 - Blender's Python, nothing of ours
    plan = json.load(stream)
spec = importlib.util.spec_from_file_location("hitpoint_blender", plan["addon"])
addon = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = addon
spec.loader.exec_module(addon)
addon.register()

scene = bpy.context.scene
number, per = plan["rate"]
scene.render.fps, scene.render.fps_base = round(number / per), round(number / per) * per / number
scene.frame_start, scene.frame_end = 1, plan["end"]
strips = addon.strips_of(scene)
for channel, frame, trim in plan["strips"]:
    movie = strips.new_movie(f"movie {channel}", plan["movie"], channel, frame)
    movie.frame_offset_start = trim
    movie.select = True
before = {strip.name for strip in strips}


def state():
    now = bpy.data.scenes[0]  # after an undo every earlier reference leads nowhere
    ours = [strip for strip in addon.strips_of(now) if strip.name not in before]
    return {
        "sounds": [[*addon.span_of(strip), strip.channel, strip.sound.filepath] for strip in ours],
        "markers": sorted([mark.frame, mark.name] for mark in now.timeline_markers),
    }


found = {"version": list(bpy.app.version), "errors": []}
for step in plan["steps"]:
    try:
        if step == "score":
            found["answer"] = sorted(bpy.ops.hitpoint.score("EXEC_DEFAULT", style="house", seed=3))
        elif step == "cancel":
            job = addon.Job(scene, {"seed": 1})
            found["at once"] = job.poll() is None
            job.cancel()
            found["code"] = job.child.wait(60)
        elif step == "lost":
            bpy.ops.hitpoint.place("EXEC_DEFAULT", wav="/none.wav", frame=1)
        elif step == "undo":
            bpy.ops.ed.undo_push(message="before")
            marks = json.dumps([[40, "hit"]])
            bpy.ops.hitpoint.place("EXEC_DEFAULT", True, wav=plan["wav"], frame=31, markers=marks)
            found["placed"] = state()
            bpy.ops.ed.undo()
        elif step == "unselect":
            for strip in strips:
                strip.select = False
    except RuntimeError as error:  # how an operator's report of an error reaches Python
        found["errors"].append(str(error))
    found[step + " left"] = state()
if "mix" in plan["steps"]:
    for strip in strips:
        if strip.type == "MOVIE":
            strip.mute = True
    bpy.ops.sound.mixdown(filepath=wav_path, container="WAV", codec="PCM", format="S16")
addon.unregister()
with open(out_path, "w") as stream:  # noqa: PTH123
    json.dump(found, stream)
os._exit(0)  # bpy 4.5.15 as a module does not come to an end once a movie was loaded
