"""Work beside the caller: order, bounds, errors, and an end without a trace."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import count

import pytest

from hitpoint.parallel import ahead, ordered


def test_results_come_in_order_and_never_far_ahead() -> None:
    begun: list[int] = []

    def slow_first(item: int) -> int:
        begun.append(item)
        time.sleep(0.02 if item % 2 == 0 else 0)
        return item * item

    results = ordered(slow_first, range(40), threads=2)
    for index, result in enumerate(results):
        assert result == index * index
        assert len(begun) <= index + 4


def test_an_error_comes_to_the_caller_and_stops_the_rest() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        return 1 // (3 - item)

    with pytest.raises(ZeroDivisionError):
        list(ordered(work, range(1000)))
    assert len(begun) < 10


def test_ahead_stops_when_nobody_listens() -> None:

    def endless() -> Iterator[int]:
        yield from count()

    items = ahead(endless(), depth=3)
    assert [next(items) for _ in range(5)] == [0, 1, 2, 3, 4]
    items.close()
    assert not any(thread.name == "hitpoint-ahead" for thread in threading.enumerate())


def test_what_ahead_meets_is_raised_where_it_is_asked() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    items = ahead(broken())
    assert next(items) == 1
    with pytest.raises(ValueError, match="no more"):
        next(items)
