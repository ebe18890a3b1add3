"""The worker process: tasks come in on stdin, one JSON object a line; progress and results go out on stdout.

One task at a time. Everything that libraries print goes to stderr, which the panel keeps for its details.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from typing import TextIO, cast

from hitpoint.errors import Cancelled, HitpointError
from hitpoint.progress import Progress
from hitpoint_plugin.codec import Json, from_json, to_json
from hitpoint_plugin.tasks import TASKS, Failure, Task


class Outbox:
    """Writes lines to the panel; safe from any thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._lock = stream, threading.Lock()

    def send(self, number: int, event: str, value: Json) -> None:
        """One message: `event` is progress, done or failed."""
        line = json.dumps({"id": number, "event": event, "value": value})
        with self._lock:
            self._stream.write(line + "\n")
            self._stream.flush()


class Inbox:
    """Reads lines from the panel in a thread of its own, so that "cancel" is heard during a task."""

    def __init__(self, stream: TextIO) -> None:
        self.waiting: queue.Queue[dict[str, Json] | None] = queue.Queue()
        self._running: dict[int, Progress] = {}
        threading.Thread(target=self._listen, args=(stream,), daemon=True).start()

    def begin(self, number: int, progress: Progress) -> None:
        """From now on "cancel" of that number reaches `progress`."""
        self._running[number] = progress

    def end(self, number: int) -> None:
        """The task is over."""
        self._running.pop(number, None)

    def _listen(self, stream: TextIO) -> None:
        for line in stream:
            message = json.loads(line)
            if message.get("do") == "cancel":
                progress = self._running.get(message["id"])
                if progress is not None:
                    progress.cancel()
            else:
                self.waiting.put(message)
        os._exit(0)  # the panel is gone, and a native call could hold this process for long


def perform(message: dict[str, Json], inbox: Inbox, outbox: Outbox) -> None:
    """Run one task and answer it, whatever happens."""
    number = cast("int", message["id"])
    progress = Progress(lambda stage, share: outbox.send(number, "progress", [stage, share]))
    inbox.begin(number, progress)
    try:
        task: Task = from_json(TASKS[str(message["do"])], message["task"])
        outbox.send(number, "done", to_json(task.run(progress)))
    except HitpointError as error:
        outbox.send(number, "failed", to_json(_failure(error)))
    except Exception as error:
        what = f"Something went wrong that should not ({type(error).__name__})."
        todo = "Try again; if it stays, copy the details into a report."
        outbox.send(number, "failed", to_json(Failure(what, todo, traceback.format_exc())))
    finally:
        inbox.end(number)


def _failure(error: HitpointError) -> Failure:
    return Failure(error.what, error.todo, traceback.format_exc(), isinstance(error, Cancelled))


def main() -> None:
    """Answer tasks until the panel closes the pipe."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # native libraries print to 1; that is not ours now
    inbox, outbox = Inbox(sys.stdin), Outbox(replies)
    while (message := inbox.waiting.get()) is not None:
        perform(message, inbox, outbox)


if __name__ == "__main__":
    main()
