"""A batch worker whose jobs write two small files, or crash, vanish, eat memory or hang; the queue is real.

`night.py QUEUE OWNER`, as the supervisor starts it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time
from pathlib import Path

from hitpoint.batch import worker
from hitpoint.batch.jobs import Job, Outcome
from hitpoint.files import write_atomic
from hitpoint.progress import Progress

worker.BEAT_S, worker.STALL_S = 0.2, 1.0


def work(job: Job, progress: Progress) -> Outcome:
    """`job.clip` says what kind of job it is."""
    progress.report("Working", 0.5)
    if job.clip == "crash":
        ctypes.string_at(0)
    if job.clip == "killed":  # as the kernel does when memory runs out
        os.kill(os.getpid(), signal.SIGKILL)
    if job.clip == "greedy":
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        ctypes.memset(ctypes.CDLL(None).malloc(8 << 30), 1, 8 << 30)  # a library that does not look
    if job.clip == "hang":
        time.sleep(3600)
    time.sleep(0.01)
    sound = job.output.with_suffix(".wav")
    write_atomic(sound, job.key.encode())
    write_atomic(job.output, job.key.encode())
    return Outcome(sound, "0" * 64, "house", 1.0, 0.1, 0.01)


if __name__ == "__main__":
    path, owner = worker.start(sys.argv[1:])
    worker.serve(Path(path), owner, work)
