"""The graphs of a bundle as the functions that the cue is made with, on whichever backend runs them."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitpoint.backends.choose import choose
from hitpoint.cue.bundle import Bundle
from hitpoint.progress import Progress
from hitpoint.values import Floats

CANCEL_POLL_S = 0.05


class CpuModel:
    """The three graphs of a bundle, loaded. `spectrum` may be called from several threads at a time.

    Shapes: B batch, Z latent channels, T latent frames (a multiple of 8), L tokens, C width.
    """

    def __init__(self, bundle: Bundle, threads: int | None = None, backend: str = "cpu") -> None:
        """`backend` as `hitpoint.backends.choose` takes it. Raises ModelBundleError, UsageError."""
        choice = choose(bundle, backend, threads)
        self._backend = choice.backend
        self.backend = f"{choice.backend.name}: {choice.reason}"
        self.warnings = choice.warnings
        self.bundle = replace(bundle, cond=b"", step=b"", decode=b"")  # the backend has what it needs of them

    @property
    def threads(self) -> int:
        """How many calls of `spectrum` are worth running at a time."""
        return self._backend.threads

    @contextmanager
    def cancellable(self, progress: Progress) -> Generator[None]:
        """While inside, cancelling `progress` stops the graph that is running, within a tenth of a second."""
        done = threading.Event()
        self._backend.resume()

        def watch() -> None:
            while not done.wait(CANCEL_POLL_S):
                if progress.cancelled.is_set():
                    self._backend.stop()

        watcher = threading.Thread(target=watch, name="hitpoint-cancel", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
            self._backend.resume()

    def condition(self, style: NDArray[np.int64], globals_: Floats, events: Floats) -> Floats:
        """Keys and values (B, blocks, 2, L, C) of all cross-attentions; constant over the steps."""
        return self._backend.run("cond", {"style": style, "globals": globals_, "events": events})

    def velocity(
        self, x: Floats, t: Floats, known: Floats, mask: Floats, tracks: Floats, kv: Floats
    ) -> Floats:
        """v (B, Z, T) at x (B, Z, T), t (B,), known (B, Z, T), mask (B, 1, T), tracks (B, 39, T)."""
        inputs = {"x": x, "t": t, "known": known, "mask": mask, "tracks": tracks, "kv": kv}
        return self._backend.run("step", inputs)

    def spectrum(self, z: Floats, positions: Floats, first: int) -> Floats:
        """(1, 2, 2, bins, 2T): left and right, real and imaginary, 100 Hz frames.

        z (1, Z, T); positions (2T,), where each output frame is read, in 100 Hz frames of this chunk;
        first, the absolute 100 Hz frame of the chunk's start.
        """
        inputs: dict[str, NDArray[Any]] = {
            "z": z,
            "positions": positions,
            "frame": np.array([first], np.int64),
        }
        return self._backend.run("decode", inputs)
