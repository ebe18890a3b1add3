"""What a reader offers: a name, and a way to load the sample when its turn comes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from hitpoint_training.data.sample import Sample


@dataclass(frozen=True, slots=True)
class Entry:
    """A sample that can be loaded; `load` raises MediaError if it cannot be used."""

    name: str
    load: Callable[[], Sample]


def key_of(name: str) -> str:
    """A name that a shard takes: a point would begin the extension."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)
