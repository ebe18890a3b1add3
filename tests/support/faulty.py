"""The N-th failure loop: one piece of work again and again, each time with the next call to the disk failing.

Run as a script with `faults.c` preloaded: `faulty.py WORK FOLDER ERRORS`; prints a JSON row for each fault.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from saving import edit_of, score

from hitpoint import exchange
from hitpoint.batch.jobs import Job, Outcome
from hitpoint.batch.queue import Queue
from hitpoint.batch.report import Report, write_report
from hitpoint.batch.run import STATE_FOLDER, opened
from hitpoint.cue import wav
from hitpoint.errors import HitpointError
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.remove import remove
from hitpoint.values import BundleId, ScoreRequest

ERRORS = {
    "full": (errno.ENOSPC, False),
    "full at half": (errno.ENOSPC, True),
    "quota": (errno.EDQUOT, True),
    "fault": (errno.EIO, False),
    "no permission": (errno.EACCES, False),
}
MOST = 2000


@dataclass(frozen=True)
class Work:
    """`make` fills a folder, `act` is swept, `state` says what is there: "old", "new", or what is wrong."""

    make: Callable[[Path], None]
    act: Callable[[Path], object]
    state: Callable[[Path], str]


def compiled(folder: Path) -> Path:
    """The library that is preloaded."""
    made = folder / "faults.so"
    source = Path(__file__).with_name("faults.c")
    command = ["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(made), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return made


def sweep(work: str, folder: Path, errors: list[str]) -> list[dict[str, str]]:
    """All rows of one piece of work, from a process of its own."""
    command = [sys.executable, __file__, work, str(folder), json.dumps(errors)]
    environment = os.environ | {
        "LD_PRELOAD": str(compiled(folder)),
        "XDG_CACHE_HOME": str(folder / "disk" / "cache"),
    }
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _rows(work: Work, disk: Path, error: str) -> Iterator[dict[str, str]]:
    faults = ctypes.CDLL(None)
    faults.faults_what.restype = ctypes.c_char_p
    for number in range(1, MOST):
        shutil.rmtree(disk, ignore_errors=True)
        disk.mkdir()
        work.make(disk)
        code, halves = ERRORS[error]
        faults.faults_arm(os.fsencode(disk), number, code, halves)
        ended = _ended(work, disk)
        faults.faults_disarm()
        call = faults.faults_what().decode()
        temps = [path for path in disk.rglob("*") if path.name.startswith((".hitpoint-", ".unpack-"))]
        left = ", ".join(str(temp.relative_to(disk)) for temp in temps if temp.name != STATE_FOLDER)
        yield {"error": error, "call": call, "ended": ended, "state": work.state(disk), "left": left}
        if not call:
            return
    raise RuntimeError(f"more than {MOST} calls")


def _ended(work: Work, disk: Path) -> str:
    """How it ended: "well", the name and words of a named error, or what nobody expected."""
    try:
        work.act(disk)
    except HitpointError as error:
        return f"{type(error).__name__}: {error}"
    except Exception as error:
        return f"unexpected {type(error).__name__}: {error}"
    return "well"


def _edit(disk: Path) -> None:
    edit_of(disk, 3)


def _scored(disk: Path) -> None:
    score(read_timeline(edit_of(disk, 3)), 0, disk / "edit.otio", "first")


def _bundle(disk: Path) -> None:
    path = edit_of(disk, 3)
    with zipfile.ZipFile(disk / "edit.otioz", "w") as archive:
        archive.write(path, "content.otio")
        archive.writestr("dance.mov", b"film")
    path.unlink()
    (disk / "dance.mov").unlink()


def _cues(path: Path) -> tuple[str, ...] | None:
    """The names of our clips, None without a file; raises for what cannot be parsed."""
    if not path.exists():
        return None
    tracks = json.loads(path.read_text())["tracks"]["children"]
    ours = [track for track in tracks if "hitpoint" in track["metadata"]]
    return tuple(child["name"] for track in ours for child in track["children"] if child["name"])


def _holds(name: str, old: tuple[str, ...] | None, new: tuple[str, ...]) -> Callable[[Path], str]:
    def state(disk: Path) -> str:
        found = _cues(disk / name)
        return "old" if found == old else "new" if found == new else f"{found}"

    return state


def _sound(disk: Path) -> object:
    blocks = iter([np.full((4000, 2), 7, np.int32)] * 20)
    made = wav.Provenance("Hitpoint", BundleId("b", "0" * 64), "0" * 64, 1, "house", "x")
    return wav.write_wav(disk / "cue.wav", blocks, 80_000, made, wav.Levels(-14.0, -1.0), 0)


def _sound_state(disk: Path) -> str:
    data = (disk / "cue.wav").read_bytes()
    return "old" if data == b"earlier sound" else "new" if len(data) > 480_000 else f"{len(data)} bytes"


JOBS = 3
DONE = Outcome(Path("a.wav"), "0" * 64, "house", 1.0, 0.1, 2.5)


def _season(disk: Path) -> None:
    queue = Queue(disk / "queue.sqlite")
    queue.ask(
        Job(f"key{n}", ScoreRequest(Path(f"/films/{n}.mp4")), disk / f"{n}.otio", "clip", Fraction(4, 3))
        for n in range(JOBS)
    )
    queue.close()


def _night(disk: Path) -> None:
    queue = Queue(disk / "queue.sqlite")
    try:
        job = queue.take("worker")
        assert job is not None
        queue.beat(job.key, "worker", "Watching", 0.5)
        assert queue.done(job.key, "worker", DONE)
        queue.tally()
    finally:
        queue.close()


def _queue_state(disk: Path) -> str:
    """Nothing may be lost, and only what was taken may be running or done."""
    queue = Queue(disk / "queue.sqlite")
    states = [row.state for row in queue.rows()]
    queue.close()
    if len(states) != JOBS or states[1:] != ["waiting"] * (JOBS - 1):
        return f"{states}"
    return {"waiting": "old", "running": "old", "done": "new"}.get(states[0], states[0])


def _score(source: str, out: str, shot: int = 0) -> Callable[[Path], object]:
    return lambda disk: score(read_timeline(disk / source), shot, disk / out)


def _against_an_editor(disk: Path) -> None:
    """An editor, whose disk works, saves between our last look and our rename; it stays."""
    path, put = disk / "edit.otio", exchange.put_in_place

    def meanwhile(temp: Path, target: Path, before: bytes | None) -> bool:
        exchange.put_in_place = put
        subprocess.run([sys.executable, "-c", _SAVE, str(path)], check=True)
        return put(temp, target, before)

    exchange.put_in_place = meanwhile
    try:
        _score("edit.otio", "edit.otio")(disk)
    finally:
        exchange.put_in_place = put


_SAVE = """
import json, os, sys
made = json.load(open(sys.argv[1]))
made["metadata"]["editor"] = "saved"
with open(sys.argv[1] + "~", "w") as stream:
    json.dump(made, stream)
os.replace(sys.argv[1] + "~", sys.argv[1])
open(os.path.dirname(sys.argv[1]) + "/has-saved", "w").close()
"""


def _editor_state(disk: Path) -> str:
    """The save is in the timeline or, if it could not be put back, in the file of which the error tells."""
    kept = [path for path in disk.iterdir() if ".rescued-" in path.name] or [disk / "edit.otio"]
    if (disk / "has-saved").exists() and '"editor": "saved"' not in kept[0].read_text():
        return "the editor's save is lost"
    return _holds("edit.otio", (), ("cue",))(disk)


def _batch(disk: Path) -> None:
    with opened(disk / "out") as path:
        Queue(path).close()


def _old_report(disk: Path) -> None:
    (disk / "report.html").write_text("old")


def _report_state(disk: Path) -> str:
    text = (disk / "report.html").read_text()
    return "old" if text == "old" else "new" if text.endswith("</html>\n") else text


def _old_sound(disk: Path) -> None:
    (disk / "cue.wav").write_bytes(b"earlier sound")


def _exists(disk: Path) -> str:
    return "new" if (disk / "queue.sqlite").exists() else "old"


WORKS = {
    "scoring in place": Work(_edit, _score("edit.otio", "edit.otio"), _holds("edit.otio", (), ("cue",))),
    "scoring into a new file": Work(
        _edit, _score("edit.otio", "out.otio"), _holds("out.otio", None, ("cue",))
    ),
    "scoring a second clip": Work(
        _scored, _score("edit.otio", "edit.otio", 1), _holds("edit.otio", ("first",), ("first", "cue"))
    ),
    "scoring out of a bundle": Work(
        _bundle, _score("edit.otioz", "out.otio"), _holds("out.otio", None, ("cue",))
    ),
    "scoring while an editor saves": Work(_edit, _against_an_editor, _editor_state),
    "taking music off": Work(_scored, lambda d: remove(d / "edit.otio"), _holds("edit.otio", ("first",), ())),
    "writing sound": Work(_old_sound, _sound, _sound_state),
    "a new queue": Work(lambda d: None, lambda d: Queue(d / "queue.sqlite").close(), _exists),
    "a new batch": Work(lambda d: None, _batch, lambda d: _exists(d / "out" / STATE_FOLDER)),
    "a night of the queue": Work(_season, _night, _queue_state),
    "a report": Work(
        _old_report, lambda d: write_report(Report((), 1.0, 0, 1), d / "report.html"), _report_state
    ),
}


if __name__ == "__main__":
    for error in json.loads(sys.argv[3]):
        for row in _rows(WORKS[sys.argv[1]], Path(sys.argv[2]) / "disk", error):
            print(json.dumps(row), flush=True)
