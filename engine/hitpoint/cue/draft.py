"""A take while it is worked on: latents, time map, the sound on disk and the attacks in that sound."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from hitpoint.cue.align import Knot, time_map
from hitpoint.cue.bundle import Manifest
from hitpoint.cue.decode import Positions, chunk_context, decode_chunk, identity
from hitpoint.cue.generate import Model
from hitpoint.cue.onsets import BLOCK_FRAMES, HOP, LAG, SIZE, Onsets, find_onsets, flux, level_gain
from hitpoint.cue.windows import Span
from hitpoint.errors import OutputError
from hitpoint.progress import Progress
from hitpoint.sliding import sliding_max
from hitpoint.values import Floats

CHUNK_LATENTS = 80
"""Decoded at a time. More need more memory; fewer spend too much on what surrounds them."""
BYTES_PER_SAMPLE = 8  # two channels of float32


class Draft:
    """The sound lies in an unnamed file of `folder`, so that memory does not grow with the length.

    `samples` is the length of the cue; latents beyond it are never heard. Raises OutputError if the
    folder is full or cannot be written.
    """

    def __init__(self, model: Model, manifest: Manifest, samples: int, folder: Path) -> None:
        self.samples = samples
        self._model, self._manifest, self._folder = model, manifest, folder
        self._z: Floats | None = None
        self._positions = identity(0)
        self._pool = ThreadPoolExecutor(model.threads)  # one for all renderings: each thread keeps a heap
        self._lock = threading.Lock()  # of the file, whose place is shared
        self._gain = 1.0
        self._flux = np.zeros(samples // HOP + 1, np.float32)
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed by __exit__)
        except OSError as error:
            raise _full(folder, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
        self._file.close()

    @property
    def latents(self) -> Floats:
        """(Z, frames) as last rendered."""
        if self._z is None:
            raise ValueError("nothing rendered yet")
        return self._z

    @property
    def positions(self) -> Positions:
        """The time map as last rendered."""
        return self._positions

    @property
    def onsets(self) -> Onsets:
        """The attacks of the sound as last rendered."""
        return find_onsets(self._flux)

    def render(self, z: Floats, positions: Positions, progress: Progress) -> None:
        """Bring the sound to these latents (Z, frames) and positions; only what changed is decoded again."""
        hop = 2 * self._manifest.hop
        changed, first = self._changed(z, positions), self._z is None
        self._z, self._positions = z, positions  # at once, so that the old ones are not kept meanwhile
        for batch in _batches(changed, self._model.threads):
            progress.report("Rendering", batch[0].start * hop / self.samples)
            list(self._pool.map(partial(self._decode, z, positions), batch))
        if first:
            self._gain = level_gain(self.read, self.samples)
        list(self._pool.map(self._measure, self._blocks(changed)))

    def sound(self, z: Floats, knots: Sequence[Knot], progress: Progress) -> None:
        """Render these latents under the time map through these knots."""
        self.render(z, time_map(knots, z.shape[1]), progress)

    def read(self, start: int, stop: int) -> Floats:
        """(2, stop - start) samples; silence outside the cue. A `Reader`."""
        low, high = max(0, start), min(self.samples, stop)
        if low >= high:
            return np.zeros((2, stop - start), np.float32)
        with self._lock:
            self._file.seek(low * BYTES_PER_SAMPLE)
            data = self._file.read((high - low) * BYTES_PER_SAMPLE)
        sound = np.zeros((high - low, 2), np.float32)
        have = np.frombuffer(data, np.float32).reshape(-1, 2)
        sound[: len(have)] = have  # shorter while the end is not yet rendered
        return np.pad(sound.T, ((0, 0), (low - start, stop - high)))

    def _decode(self, z: Floats, positions: Positions, span: Span) -> None:
        """Put the sound of a span into the file."""
        sound = decode_chunk(self._model, self._manifest, z, positions, span.start, span.stop)
        start = span.start * 2 * self._manifest.hop
        data = np.ascontiguousarray(sound[:, : self.samples - start].T)
        try:
            with self._lock:
                self._file.seek(start * BYTES_PER_SAMPLE)
                self._file.write(data.tobytes())
        except OSError as error:
            raise _full(self._folder, error) from error

    def _changed(self, z: Floats, positions: Positions) -> list[Span]:
        """What sounds different from the last rendering, in pieces of bounded length."""
        heard = -(-self.samples // (2 * self._manifest.hop))
        if self._z is None or self._z.shape != z.shape:
            changed = np.ones(heard, bool)
        else:
            other = (self._z != z).any(0) | (self._positions != positions).reshape(-1, 2).any(1)
            changed = sliding_max(other.astype(np.float32), 2 * chunk_context(self._manifest) + 1)[:heard] > 0
        runs = np.flatnonzero(np.diff(np.pad(changed.astype(np.int8), 1))).reshape(-1, 2)
        return [
            Span(low, min(low + CHUNK_LATENTS, int(stop)))
            for start, stop in runs
            for low in range(int(start), int(stop), CHUNK_LATENTS)
        ]

    def _blocks(self, spans: Sequence[Span]) -> list[int]:
        """Blocks of flux that a sample of the spans takes part in, each of them once and whole: the last bits
        of a product depend on how many frames it has."""
        found: set[int] = set()
        for span in spans:
            start, stop = (frame * 2 * self._manifest.hop for frame in (span.start, span.stop))
            low, high = max(0, (start - SIZE) // HOP), min(len(self._flux), (stop + SIZE) // HOP + LAG + 1)
            found.update(range(low // BLOCK_FRAMES, -(-high // BLOCK_FRAMES)))
        return sorted(found)

    def _measure(self, block: int) -> None:
        """Renew the flux of a block of frames."""
        low = block * BLOCK_FRAMES
        high = min(low + BLOCK_FRAMES, len(self._flux))
        self._flux[low:high] = flux(self.read, low, high, self._gain)


def _batches(spans: Sequence[Span], size: int) -> Iterator[Sequence[Span]]:
    """So many at a time that memory stays the same at any length."""
    return (spans[first : first + size] for first in range(0, len(spans), size))


def _full(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"Cannot work in {folder}: {error.strerror}.", "Free some space there or choose another place."
    )
