"""The host's part of reading, in a process of its own, with the library in a child: mutant after mutant.

`fuzzer.py COUNT FIRST FOLDER`. The product starts a child for each file; here one child serves many, and a
new one is started when it dies. What is run on each mutant is the product's own code: the first look, the
child's `read`, the tree, the flat clips, and taking our track out of the text. Prints the totals as JSON.
"""

from __future__ import annotations

import json
import random
import resource
import struct
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from mutants import mutant, seeds

from hitpoint.errors import TimelineError
from hitpoint.timeline import child
from hitpoint.timeline.jsontext import readable
from hitpoint.timeline.prescan import prescan
from hitpoint.timeline.read import timeline_of
from hitpoint.timeline.track import lift
from hitpoint.timeline.tree import tree_from_json

HANG_S = 2.0


class Reader:
    """The child. It serves thousands of files, so its limit on processor time is lifted."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "read"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, text: str) -> dict | None:
        """What the child makes of a text; None if it died of it."""
        data = text.encode()
        try:
            self.process.stdin.write(struct.pack("<I", len(data)) + data)
            self.process.stdin.flush()
            size = self.process.stdout.read(4)
            return json.loads(self.process.stdout.read(struct.unpack("<I", size)[0]))
        except (BrokenPipeError, struct.error, ValueError):
            self.process.wait()
            return None


def serve() -> None:
    """What the child does: `child.main`, over and over."""
    child.CPU_S = resource.RLIM_INFINITY
    child.limit_resources()
    while size := sys.stdin.buffer.read(4):
        text = sys.stdin.buffer.read(struct.unpack("<I", size)[0]).decode()
        begun = time.process_time()
        answer = child.read(text)
        answer["spent"] = time.process_time() - begun
        answer["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        data = json.dumps(answer).encode()
        sys.stdout.buffer.write(struct.pack("<I", len(data)) + data)
        sys.stdout.buffer.flush()


def hunt(count: int, first: int, folder: Path) -> dict[str, object]:
    """Read `count` mutants; what came of them. Those that crash or hang something are kept in `folder`."""
    dice, found, slowest, memory = random.Random(first), Counter(), 0.0, 0
    samples = [(seed, json.loads(readable(seed.decode()))) for seed in seeds()]
    reader = Reader()
    for number in range(count):
        data = mutant(*dice.choice(samples), dice)
        begun, spent = time.process_time(), 0.0
        try:
            text = prescan(data)
            found["passed the first look"] += 1
            answer = reader.ask(text)
            if answer is None:
                found["child crashes"] += 1
                (folder / f"crash-{first}-{number}.otio").write_bytes(data)
                reader = Reader()
                continue
            spent, memory = answer["spent"], max(memory, answer["memory"])
            if "timeline" in answer:
                timeline_of(tree_from_json(answer["timeline"]), Path("x.otio"), "", folder)
                found["read"] += 1
            lift(text)
        except TimelineError:
            found["refused"] += 1
        except Exception as error:  # this is what the hunt is for
            found["host faults"] += 1
            found[f"host: {type(error).__name__}: {error}"[:120]] += 1
            (folder / f"fault-{first}-{number}.otio").write_bytes(data)
        spent += time.process_time() - begun
        slowest = max(slowest, spent)
        if spent > HANG_S:
            found["hangs"] += 1
            (folder / f"hang-{first}-{number}.otio").write_bytes(data)
    reader.process.stdin.close()
    reader.process.wait()
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"mutants": count, "slowest_s": round(slowest, 3), "memory_mb": max(mine, memory) // 1024, **found}


if __name__ == "__main__":
    if sys.argv[1] == "read":
        serve()
    else:
        print(json.dumps(hunt(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))))
