"""Every failure that a user can meet, each with what happened and what to do about it."""

from __future__ import annotations


class HitpointError(Exception):
    """Root of all expected failures. `what` happened and what `todo`; shown to the user as they are."""

    exit_code = 1

    def __init__(self, what: str, todo: str = "") -> None:
        super().__init__(f"{what} {todo}".strip())
        self.what = what
        self.todo = todo

    def __reduce__(self) -> tuple[type[HitpointError], tuple[str, str]]:
        return type(self), (self.what, self.todo)


class UsageError(HitpointError, ValueError):
    """The request itself is wrong: unknown style, empty range, unknown clip."""

    exit_code = 2


class TimelineError(HitpointError, ValueError):
    """A timeline file cannot be understood, or asks for what it cannot give."""


class MediaError(HitpointError):
    """A media file exists and cannot be used: damaged, no picture, not a regular file."""


class MissingMediaError(MediaError, FileNotFoundError):
    """A media file is not where the timeline says."""


class ModelBundleError(HitpointError):
    """The model bundle, or the pose model, is missing, changed or not acceptable."""


class EngineError(HitpointError):
    """No engine can be built or run here: a runtime, driver or GPU is missing, or the library refused."""


class OutputError(HitpointError, OSError):
    """The result cannot be written: read-only, full disk, no such folder."""


class ConflictError(HitpointError):
    """Somebody else changed the file while we worked; nothing was overwritten."""


class MissingExtraError(HitpointError, ImportError):
    """A library that only some uses need is not installed."""


class WorkerError(HitpointError):
    """The processes that do the work end before they take any."""


class Cancelled(HitpointError):
    """The user stopped the work. Nothing half-written is left."""

    exit_code = 130
