"""Works the built program where there is no Python, and pictures its window.

    python packaging/smoke.py dist/hitpoint OUT [--root FOLDER]

Draws and scores a dancer, opens the scored timeline in the panel, converts, runs a batch and a watched
folder. Each step is checked for its exit code, its result and processes that it left; the first that fails
ends this with exit code 1. With --root (a system made by empty_root.sh; needs root rights) every command runs
as an ordinary user of that system, with no network; without, on this machine with an empty environment and no
program on its path.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HOME = "/home/user"
USER = 1000
PATIENCE_S = 900
APART = ("unshare", "--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child")
ENTER = """
mount -t proc proc "$0/proc" && mount -t sysfs -o ro sys "$0/sys"  # mediapipe counts the processors there
exec chroot --userspec=1000:1000 "$0" /usr/bin/env -i "$@"
"""
ALONE = """
"$@"; code=$?
[ "$(echo /proc/[0-9]*)" = /proc/1 ] || sleep 2
for process in /proc/[0-9]*; do
    [ "$process" = /proc/1 ] || { echo "LEFT $(tr '\\0' ' ' < $process/cmdline)" >&2; code=99; }
done
exit $code
"""
"""Run a command as process 1 of its own world, and say what is still there when it has ended."""
BY_HAND = """
cut=$1
until_true() {
    n=0
    until eval "$1"; do n=$((n + 1)); [ $n -lt 600 ] || { echo "never: $1" >&2; exit 3; }; sleep 1; done
}
"$0" panel "$cut" &
panel=$!
until_true 'window=$(xdotool search --onlyvisible --name Hitpoint | head -1) && [ -n "$window" ]'
sleep 15
touch "$HOME/begun"
xdotool windowfocus --sync "$window" key ctrl+Return
until_true '[ -n "$(find "$HOME" -name "*.wav" -newer "$HOME/begun")" ]'
sleep 15
xdotool windowfocus --sync "$window" key p
until_true 'grep -q Hitpoint "$cut"'
for process in /proc/[0-9]*; do
    case "$(tr '\\0' ' ' < $process/cmdline)" in
    "$0 -P -m hitpoint_plugin "*) kill -INT ${process#/proc/} ;;
    esac
done
wait $panel
"""
"""Generate and place by the keys of the panel, then close it."""
STRANGER = "raise SystemExit('a module of the current folder was run')"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the program runs: `root` is the system's folder, or "" for this machine; `home` as it sees it."""

    program: str
    home: Path
    root: str

    def seen(self, path: str) -> Path:
        """A file in the user's home, from outside."""
        return Path(f"{self.root}{self.home}") / path

    def run(self, *arguments: str, display: bool = False, hands: str = "", code: int = 0) -> str:
        """Its stdout. SystemExit if it ends otherwise than with `code`, or leaves a process.

        With `hands`, a shell script is run that works the program, which is its $0.
        """
        environment = [f"HOME={self.home}", "LANG=C.UTF-8", f"PYTHONPATH={self.home}/planted"]
        command = [*(["/bin/sh", "-c", hands] if hands else []), self.program, *arguments]
        if display:
            command = ["/usr/bin/xvfb-run", "-a", *command]
            environment += ["PATH=/usr/bin:/bin", "QT_QPA_PLATFORM=xcb"]
        started = time.perf_counter()
        if self.root:
            inside = ["/bin/sh", "-c", f"cd {self.home}/planted && {ALONE}", "sh", *command]
            command = [*APART, "sh", "-c", ENTER, self.root, *environment, *inside]
        else:
            command = ["env", "-i", *environment, *command]
        cwd = None if self.root else self.home / "planted"
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, cwd=cwd, stdout=pipe, stderr=pipe, text=True, process_group=0)
        out, err = process.communicate(timeout=PATIENCE_S)
        what = " ".join(arguments)[:90]
        print(
            f"{time.perf_counter() - started:7.1f} s  {what}{'  (in a window)' if display else ''}",
            flush=True,
        )
        if process.returncode != code:
            raise SystemExit(f"{what}\nended with {process.returncode}:\n{out[-2000:]}{err[-4000:]}")
        expect(not _left(process.pid), f"{what} leaves no process")
        return out


def _left(group: int) -> bool:
    """Whether a process of that group still lives. xvfb-run does not wait for its server: we do."""
    for _ in range(30):
        states = [stat.rpartition(")")[2].split() for stat in _stats()]
        if not [state for state, _parent, of, *_ in states if int(of) == group and state != "Z"]:
            return False
        time.sleep(0.1)
    return True


def _stats() -> list[str]:
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            found.append(path.read_text())
    return found


def expect(holds: bool, what: str) -> None:
    """End with exit code 1 if it does not hold."""
    if not holds:
        raise SystemExit(f"Not so: {what}.")


def prepare(app: Path, out: Path, root: Path | None) -> Place:
    """Put the program where it will run (as hard links), and a home with modules that must not load."""
    if root is None:
        place = Place(str(app.absolute() / "hitpoint"), out.absolute() / "home", "")
    else:
        installed = root / "opt" / "hitpoint"
        shutil.rmtree(installed, ignore_errors=True)
        installed.parent.mkdir(exist_ok=True)
        subprocess.run(["cp", "-a", "--link", app, installed], check=True)
        place = Place("/opt/hitpoint/hitpoint", Path(HOME), str(root.absolute()))
    shutil.rmtree(place.seen(""), ignore_errors=True)
    planted = place.seen("planted")
    planted.mkdir(parents=True)
    for name in ("hitpoint", "opentimelineio", "sitecustomize", "json"):
        (planted / f"{name}.py").write_text(STRANGER)
    if root is not None:
        for path in (place.seen(""), planted):
            os.chown(path, USER, USER)
    return place


def without_python(place: Place) -> None:
    """The system has no Python at all; on this machine only the path is empty."""
    if place.root:
        found = [p for folder in ("bin", "usr", "opt") for p in Path(place.root, folder).rglob("python3*")]
        expect(not [p for p in found if p.parent.name == "bin"], "there is no Python in the root")


def command_line(place: Place) -> None:
    """Everything that needs no window."""
    home = str(place.home)
    expect(place.run("--version").startswith("hitpoint "), "it says its version")
    findings = json.loads(place.run("doctor", "--json"))
    expect(all(found["works"] for found in findings), f"every part works: {findings}")
    place.run("demo", "--seconds", "6", "-o", f"{home}/demo")
    scored = json.loads(place.run("score", f"{home}/demo/dancer.mp4", "-o", f"{home}/cut.otio", "--json"))
    expect(place.seen("cut.otio").is_file() and len(scored["hit_points"]) > 2, "the clip is scored")
    seen = json.loads(place.run("rhythm", f"{home}/demo/dancer.mp4", "--json"))
    expect(seen["motion_source"] == "pose", f"people are found: {seen['motion_source']}")
    for name in ("xml", "fcpxml", "kdenlive", "aaf", "edl"):
        place.run("convert", f"{home}/cut.otio", f"{home}/cut.{name}")
        listed = json.loads(place.run("inspect", f"{home}/cut.{name}", "--json"))
        expect("dancer" in json.dumps(listed), f"the clip is in the {name} file")
    place.run("batch", f"{home}/cut.otio", "-o", f"{home}/batch", "--all-clips", "--jobs", "2")
    expect(bool(list(place.seen("batch").rglob("*.otio"))), "the batch wrote a timeline")
    expect("Resolve" in place.run("hosts", "list"), "the connectors are there")
    place.run("verify", scored["asset"]["path"])
    place.run("-P", "-m", "hitpoint", "--version")  # as the editors' scripts start it
    place.run("-P", "-m", "pip", "--version", code=1)
    place.run("-I", f"{home}/planted/json.py", code=1)


def window(place: Place, out: Path) -> None:
    """The panel opens a timeline: without a screen, and in a real window, worked by its keys."""
    cut = f"{place.home}/cut.otio"
    place.run("remove", cut)
    tools = Path(f"{place.root}/usr/bin")
    for display in (False, True) if (tools / "xvfb-run").exists() else (False,):
        name = f"panel-{'window' if display else 'offscreen'}.png"
        to_picture = ("--screenshot", f"{place.home}/{name}", "--size", "1200x760")
        place.run("panel", cut, *to_picture, display=display)
        expect(place.seen(name).stat().st_size > 20_000, "the picture of the panel shows something")
        shutil.copy(place.seen(name), out / name)
    if (tools / "xdotool").exists():
        place.run(cut, display=True, hands=BY_HAND)
        place.run("remove", cut)


def main() -> int:
    """Exit 0 if everything holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("app", type=Path, help="the built folder")
    parser.add_argument("out", type=Path, help="for pictures")
    parser.add_argument("--root", type=Path, help="a system without Python")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    place = prepare(options.app, options.out, options.root)
    without_python(place)
    command_line(place)
    window(place, options.out)
    print(f"Everything holds. Pictures are in {options.out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
