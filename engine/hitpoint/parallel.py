"""Work beside the caller, in bounded memory: the same on many things, or a few items ahead."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_POLL_S = 0.1  # how soon the thread notices that nobody listens any more


def ordered(work: Callable[[Item], Result], items: Iterable[Item], threads: int = 2) -> Iterator[Result]:
    """`work` of each item, in order. No more than one result per thread waits to be taken.

    Two threads, because what runs here is bound by memory before it fills more.
    """
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, "hitpoint-ordered") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def ahead(items: Iterator[Item], depth: int = 8) -> Generator[Item]:
    """Yield `items` while up to `depth` more are being made. What they raise is raised here.

    Decoding and flow release the interpreter lock, as the pose model does, so the two share two cores well.
    """
    ready: queue.Queue[Item | _End] = queue.Queue(depth)
    left = threading.Event()

    def put(item: Item | _End) -> bool:
        while not left.is_set():
            try:
                ready.put(item, timeout=_POLL_S)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(item):
                    return
            put(_End(None))
        except BaseException as error:  # carried over to the thread that asked, and raised there
            put(_End(error))

    worker = threading.Thread(target=work, name="hitpoint-ahead", daemon=True)
    worker.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        left.set()
        worker.join()


class _End:
    """Nothing more comes: the iterator is done, or broke with `error`."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error
