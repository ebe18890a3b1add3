"""Opens our files in the real editors under a virtual display and takes pictures of their windows.

    python packaging/editors_pictures.py FOLDER

Needs kdenlive, shotcut, xvfb, xdotool, dbus-x11 and imagemagick (Debian packages). A timeline of the drawn
dancer is written to `.kdenlive` and `.mlt` with music (a tone here) on its own track; each editor opens its
file in an empty home, and after a while its window is photographed into FOLDER as `editor-NAME.png`.

Then the editor saves the file in its own way. The music is found in it where it was and taken off, new music
is put into what is now a project of the editor, and that is opened: `editor-NAME-own.png`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile

from hitpoint.demo.dancer import render_dancer
from hitpoint.timeline.place import frame_aligned, place
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.remove import remove
from hitpoint.timeline.select import select
from hitpoint.values import Asset, HitPoint

WAIT_S = float(os.environ.get("HITPOINT_EDITOR_WAIT", "45"))
SIZE = "1280x720"
KDENLIVE_SAVES = (
    "mousemove 320 570 click 1 sleep 2 key g sleep 4 mousemove 414 407 click 1 sleep 4 "
    "mousemove 320 570 click 1 sleep 2 key ctrl+s sleep 15"
)
"""A guide is set and its dialog answered: nothing is saved unless something was changed."""
SHOTCUT_SAVES = "mousemove 640 600 click 1 sleep 2 key ctrl+s sleep 15"


def scored(clip: Path, out: Path, start: int = 1) -> Path:
    """The clip's timeline with a tone as its music from `start` seconds on, and two hit points."""
    info = read_timeline(clip)
    selection = select(info, "1", (Fraction(start), Fraction(start + 2)))
    _, lead = frame_aligned(selection, info.rate)
    tone = 0.5 * np.sin(2 * np.pi * 440 / 48000 * np.arange(round((2 + lead) * 48000)))
    sound = out.with_suffix(".wav")
    soundfile.write(sound, np.stack([tone, tone], 1), 48000, subtype="PCM_24")
    asset = Asset(sound, "0" * 64, 48000, 2, len(tone))
    hits = [HitPoint(0.5, 1.0), HitPoint(1.5, 0.8, "cut")]
    return place(info, selection, asset, "Hitpoint cue", hits, {"seed": 1}, out)


def photograph(command: list[str], display: int, home: Path, picture: Path, save: str = "") -> None:
    """Start a display and the editor on it, wait, photograph, press what makes it `save`, end both."""
    environment = os.environ | {
        "DISPLAY": f":{display}", "HOME": str(home), "LIBGL_ALWAYS_SOFTWARE": "1", "QT_QPA_PLATFORM": "xcb",
        "XDG_RUNTIME_DIR": str(home), "TMPDIR": str(home), "XDG_CONFIG_HOME": str(home / ".config"),
    }  # fmt: skip
    screen = subprocess.Popen(
        ["Xvfb", f":{display}", "-screen", "0", f"{SIZE}x24"], stderr=subprocess.DEVNULL
    )
    editor = None
    try:
        time.sleep(3)
        with (home / "editor.log").open("wb") as log:
            editor = subprocess.Popen(
                ["dbus-run-session", "--", *command], env=environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
            time.sleep(WAIT_S)
            shot = [
                "import",
                "-window",
                "root",
                "-trim",
                "+repage",
                "-resize",
                "900x900>",
                "-colors",
                "64",
                f"PNG8:{picture}",
            ]
            subprocess.run(shot, env=environment, check=True, timeout=60)
            if save:
                subprocess.run(["xdotool", *save.split()], env=environment, check=True, timeout=90)
    finally:
        if editor is not None:
            os.killpg(editor.pid, 9)
        screen.kill()


def main() -> None:
    """Both editors, one after the other."""
    folder = Path(sys.argv[1]).resolve()
    work = Path(tempfile.mkdtemp())
    clip = work / "dancer.mp4"
    render_dancer(clip, seconds=6, fps=25, seed=3)
    editors = (
        ("kdenlive", ".kdenlive", ["kdenlive"], KDENLIVE_SAVES),
        ("shotcut", ".mlt", ["shotcut", "--noupgrade"], SHOTCUT_SAVES),
    )
    for number, (name, suffix, command, save) in enumerate(editors):
        home = work / name
        (home / ".config").mkdir(parents=True)
        home.chmod(0o700)
        project = scored(clip, work / f"edit-{name}{suffix}")
        picture = folder / f"editor-{name}.png"
        ours = project.read_bytes()
        photograph([*command, str(project)], 91 + number, home, picture, save)
        print(picture, picture.stat().st_size, "bytes")
        if project.read_bytes() == ours:
            raise SystemExit(f"{name} has not saved {project}.")
        places = [float(cue.record_start) for cue in read_timeline(project).cues]
        print(f"{name} has saved it, with our music at {places} s;", remove(project).sentence)
        own = scored(project, work / f"own-{name}{suffix}", start=3)
        picture = folder / f"editor-{name}-own.png"
        photograph([*command, str(own)], 91 + number, home, picture)
        print(picture, picture.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
