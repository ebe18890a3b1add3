"""Runs inside Blender: puts strips where the plan says and mixes their sound down to a WAV."""

import json
import sys

import bpy

plan_path, wav_path = sys.argv[sys.argv.index("--") + 1 :]
with open(plan_path) as stream:  # noqa: PTH123 - Blender's Python, nothing of ours
    plan = json.load(stream)
scene = bpy.context.scene
number, per = plan["rate"]
scene.render.fps, scene.render.fps_base = round(number / per), round(number / per) * per / number
scene.frame_start, scene.frame_end = 1, plan["end"]
editor = scene.sequence_editor_create()
strips = editor.strips if hasattr(editor, "strips") else editor.sequences
for channel, strip in enumerate(plan["strips"], 1):
    make = strips.new_movie if strip["kind"] == "Video" else strips.new_sound
    made = make(f"strip {channel}", strip["path"], channel, strip["frame"])
    print("placed", made.name, made.frame_start)
bpy.ops.sound.mixdown(filepath=wav_path, container="WAV", codec="PCM", format="S16")
