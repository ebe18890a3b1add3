"""What can go wrong when engines are made, beyond a bad bundle or a full disk."""

from __future__ import annotations

from hitpoint.errors import HitpointError


class EngineError(HitpointError):
    """No engine can be built here: a runtime, driver or GPU is missing, or the compiler refused."""
