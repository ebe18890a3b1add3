"""What every task has, and what every failure says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hitpoint.progress import Progress


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work for the worker. Subclasses say what comes out of it."""

    result: ClassVar[type]

    def run(self, progress: Progress) -> object:
        """Do it, in the worker. Raises the leaves of `HitpointError`."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task did not succeed: what happened, what to do, and the details for those who want them."""

    what: str
    todo: str = ""
    details: str = ""
    cancelled: bool = False
