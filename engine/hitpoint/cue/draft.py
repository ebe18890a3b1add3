"""A take while it is worked on: latents, time map, the sound on disk and the attacks in that sound."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from hitpoint.cue.align import Knot, time_map
from hitpoint.cue.bundle import Manifest
from hitpoint.cue.decode import Positions, chunk_context, decode_chunk, identity
from hitpoint.cue.generate import Model
from hitpoint.cue.onsets import HOP, LAG, SIZE, Onsets, find_onsets, flux, level_gain
from hitpoint.errors import OutputError
from hitpoint.progress import Progress
from hitpoint.values import Floats

CHUNK_LATENTS = 200
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
        self._gain = 1.0
        self._flux = np.zeros(samples // HOP + 1, np.float32)
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed by __exit__)
        except OSError as error:
            raise _full(folder, error) from error

    def __enter__(self) -> Draft:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
        heard = -(-self.samples // hop)
        changed: list[tuple[int, int]] = []
        for first in range(0, heard, CHUNK_LATENTS):
            progress.report("Rendering", first / heard)
            stop = min(first + CHUNK_LATENTS, heard)
            if self._changed(z, positions, first, stop):
                self._write(decode_chunk(self._model, self._manifest, z, positions, first, stop), first * hop)
                changed.append((first * hop, stop * hop))
        if self._z is None:
            self._gain = level_gain(self.read, self.samples)
        for start, end in changed:
            self._measure(start, end)
        self._z, self._positions = z, positions

    def bend(self, wanted: Sequence[Knot], progress: Progress) -> None:
        """Render again under the time map through these knots."""
        self.render(self.latents, time_map(wanted, self.latents.shape[1]), progress)

    def read(self, start: int, stop: int) -> Floats:
        """(2, stop - start) samples; silence outside the cue. A `Reader`."""
        low, high = max(0, start), min(self.samples, stop)
        if low >= high:
            return np.zeros((2, stop - start), np.float32)
        self._file.seek(low * BYTES_PER_SAMPLE)
        data = self._file.read((high - low) * BYTES_PER_SAMPLE)
        sound = np.zeros((high - low, 2), np.float32)
        have = np.frombuffer(data, np.float32).reshape(-1, 2)
        sound[: len(have)] = have  # shorter while the end is not yet rendered
        return np.pad(sound.T, ((0, 0), (low - start, stop - high)))

    def _changed(self, z: Floats, positions: Positions, first: int, stop: int) -> bool:
        if self._z is None or self._z.shape != z.shape:
            return True
        context = chunk_context(self._manifest)
        low, high = max(0, first - context), stop + context
        frames = slice(2 * low, 2 * high)
        same = np.array_equal(self._z[:, low:high], z[:, low:high])
        return not (same and np.array_equal(self._positions[frames], positions[frames]))

    def _write(self, sound: Floats, start: int) -> None:
        try:
            self._file.seek(start * BYTES_PER_SAMPLE)
            self._file.write(np.ascontiguousarray(sound[:, : self.samples - start].T).tobytes())
        except OSError as error:
            raise _full(self._folder, error) from error

    def _measure(self, start: int, stop: int) -> None:
        """Renew the flux of every frame that a sample from `start` to `stop` takes part in."""
        low = max(0, (start - SIZE) // HOP)
        high = min(len(self._flux), (stop + SIZE) // HOP + LAG + 1)
        self._flux[low:high] = flux(self.read, low, high, self._gain)


def _full(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"Cannot work in {folder}: {error.strerror}.", "Free some space there or choose another place."
    )
