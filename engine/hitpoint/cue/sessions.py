"""The graphs of a bundle as the functions that the cue is made with, on whichever backend runs them."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from hitpoint.backends.choose import choose
from hitpoint.cue.bundle import Bundle
from hitpoint.cue.generate import Arrays
from hitpoint.progress import Progress
from hitpoint.values import Floats

CANCEL_POLL_S = 0.05


class CpuModel:
    """The three graphs of a bundle, loaded. `spectrum` may be called from several threads at a time.

    Shapes: Z latent channels, T latent frames (a multiple of 8).
    """

    def __init__(self, bundle: Bundle, threads: int | None = None, backend: str = "cpu") -> None:
        """`backend` as `hitpoint.backends.choose` takes it. Raises ModelBundleError, UsageError."""
        choice = choose(bundle, backend, threads)
        self._backend = choice.backend
        self.backend = f"{choice.backend.name}: {choice.reason}"
        self.warnings = choice.warnings
        # The backend has what it needs of the graphs.
        self.bundle = replace(bundle, cond=b"", step=b"", decode=b"", int8={})

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

    def condition(self, told: Arrays) -> Arrays:
        """Keys, values, style vector and aligner's features, constant over the steps of a window."""
        return self._backend.run("cond", told)

    def velocity(self, told: Arrays) -> Floats:
        """Mean v (1, Z, T) at x, known (1, Z, T), time (1, 3), mask (1, 1, T), tracks, attention."""
        return self._backend.run("step", told)["v"]

    def spectrum(self, z: Floats, positions: Floats, first: int) -> Floats:
        """(1, 2, 2T, 2, bins): real and imaginary, 100 Hz frames, middle and side.

        z (1, Z, T); positions (2T,), where each output frame is read, in 100 Hz frames of this chunk;
        first, the absolute 100 Hz frame of the chunk's start.
        """
        told: Arrays = {"z": z, "positions": positions, "frame": np.array([first], np.int64)}
        return self._backend.run("decode", told)["spectrum"]
