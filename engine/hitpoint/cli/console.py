"""The outer edge: progress on stderr, results on stdout, errors in plain words, exit codes, Ctrl-C.

Work runs in a thread so that the main thread is always free to take a signal: a native call that is busy
for seconds cannot delay the answer to Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from hitpoint.errors import Cancelled, HitpointError
from hitpoint.files import discard_temps
from hitpoint.progress import Progress

T = TypeVar("T")

GRACE_S = 0.4
"""After Ctrl-C the work may take so long to stop by itself; then the process ends anyway."""

err = Console(stderr=True, highlight=False)
out = Console(highlight=False)


def run(work: Callable[[Progress], T], *, quiet: bool = False, debug: bool = False) -> T:
    """Call `work(progress)` with a progress display and return its result, or exit with its error."""
    try:
        return _supervised(work, quiet)
    except HitpointError as error:
        if debug:
            err.print_exception()
        fail(error)


def fail(error: HitpointError) -> NoReturn:
    """Print what happened and what to do, and exit with the error's code."""
    err.print(f"[bold red]{type(error).__name__}[/]: {escape(error.what)}", soft_wrap=True)
    if error.todo:
        err.print(escape(error.todo), soft_wrap=True)
    raise SystemExit(error.exit_code)


def warn(sentences: tuple[str, ...]) -> None:
    """Print warnings on stderr."""
    for sentence in sentences:
        err.print(f"[yellow]Note[/]: {escape(sentence)}", soft_wrap=True)


def _supervised(work: Callable[[Progress], T], quiet: bool) -> T:
    results: list[T] = []
    failures: list[BaseException] = []
    with _display(quiet) as bars:
        progress = Progress(_listener(bars))

        def body() -> None:
            try:
                results.append(work(progress))
            except BaseException as failure:  # handed to the main thread, which raises it
                failures.append(failure)

        worker = threading.Thread(target=body, name="hitpoint-work", daemon=True)
        _wait(worker, progress)
    if failures:
        raise failures[0]
    return results[0]


def _wait(worker: threading.Thread, progress: Progress) -> None:
    """Join the worker; on SIGINT or SIGTERM cancel it, and leave after the grace period."""

    def cancel(_signal: int, _frame: FrameType | None) -> None:
        progress.cancel()

    previous = {number: signal.signal(number, cancel) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        worker.start()
        asked: float | None = None
        while worker.is_alive():
            worker.join(0.05)
            if progress.cancelled.is_set():
                asked = asked or time.monotonic()
                if time.monotonic() - asked > GRACE_S:
                    discard_temps()
                    sys.stderr.write("\nCancelled. Nothing was written.\n")
                    sys.stderr.flush()
                    os._exit(Cancelled.exit_code)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _display(quiet: bool) -> Bars:
    return Bars(
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=32),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
        disable=quiet,
        transient=not err.is_terminal,
    )


def _listener(bars: Bars) -> Callable[[str, float], None]:
    """One bar per stage; where stderr is no terminal, one line when a stage begins."""
    tasks: dict[str, int] = {}

    def listen(stage: str, fraction: float) -> None:
        if stage not in tasks:
            for task in tasks.values():
                bars.update(task, completed=1.0)  # type: ignore[arg-type]
            tasks[stage] = bars.add_task(stage, total=1.0)
            if not err.is_terminal and not bars.disable:
                sys.stderr.write(f"{stage}...\n")
        bars.update(tasks[stage], completed=fraction)  # type: ignore[arg-type]

    return listen
