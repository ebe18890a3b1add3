"""The music while it is still being composed: a preview, in the ear before the cue is finished.

What is heard is the take as first composed. The file comes later and is mastered, so its level differs, and
where an accent had to be mended or moved, so do some hundredths of a second around it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from hitpoint.cue.decode import chunk_context, decode_chunk, identity
from hitpoint.cue.generate import Composer
from hitpoint.errors import OutputError
from hitpoint.values import SAMPLE_RATE, Floats

Heard = Callable[[Floats], None]
"""Takes consecutive (2, samples) blocks at 48 kHz."""
FIRST_LATENTS, MORE_LATENTS = 24, 128
"""The first block is half a second, so that it comes soon."""
HEADER = 44
UNKNOWN = 0xFFFFFFFF  # the size of a WAV that is still growing


def preview(composer: Composer, samples: int) -> Iterator[Floats]:
    """(2, n) blocks of a take while it is composed, together `samples` long. Raises as the model does."""
    listener = Preview(composer, samples)
    for z, made in composer.growing():
        yield from listener.blocks(z, made)


class Preview:
    """Decodes latents once as they are made."""

    def __init__(self, composer: Composer, samples: int) -> None:
        self._model, self._manifest = composer.model, composer.manifest
        self._samples, self._done = samples, 0

    def blocks(self, z: Floats, made: int) -> Iterator[Floats]:
        """What can be heard now that the first `made` frames of z (Z, frames) are composed."""
        hop = 2 * self._manifest.hop
        whole = made == z.shape[1]
        heard = -(-self._samples // hop)
        # The last frames wait until what comes after them is known.
        stop = heard if whole else made - chunk_context(self._manifest)
        positions = identity(z.shape[1])
        while self._done < stop:
            size = MORE_LATENTS if self._done else FIRST_LATENTS
            first, self._done = self._done, min(stop, self._done + size)
            sound = decode_chunk(self._model, self._manifest, z, positions, first, self._done)
            yield sound[:, : self._samples - first * hop]


@contextmanager
def wav_stream(path: Path, samples: int) -> Generator[Heard]:
    """A 16-bit WAV file or pipe that grows block by block; whoever stops reading early stops only the stream.

    Blocks are handed over to a thread, so a slow reader holds nothing up. A file gets its true length in the
    end. Raises OutputError if `path` cannot be opened; opening a pipe waits for its reader.
    """
    waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    try:
        file = path.open("wb", buffering=0)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be opened: {error.strerror}.", "Choose another --stream."
        ) from error

    def write() -> None:
        try:
            file.write(_header(UNKNOWN))
            while (data := waiting.get()) is not None:
                file.write(data)
            if file.seekable():
                file.seek(0)
                file.write(_header(samples * 4))
        except OSError:  # the reader has left
            return

    with closing(file):
        writer = threading.Thread(target=write, name="hitpoint-stream", daemon=True)
        writer.start()
        try:
            yield lambda sound: waiting.put(_sixteen_bits(sound))
        finally:
            waiting.put(None)
            writer.join()


def _sixteen_bits(sound: Floats) -> bytes:
    return (sound.T * np.float32(1 << 15)).clip(-(1 << 15), (1 << 15) - 1).astype("<i2").tobytes()


def _header(size: int) -> bytes:
    """Of a stereo 16-bit WAV with `size` bytes of sound."""
    riff = min(UNKNOWN, size + HEADER - 8)
    words = [
        b"RIFF", riff.to_bytes(4, "little"), b"WAVEfmt ", (16).to_bytes(4, "little"),
        (1).to_bytes(2, "little"), (2).to_bytes(2, "little"), SAMPLE_RATE.to_bytes(4, "little"),
        (4 * SAMPLE_RATE).to_bytes(4, "little"), (4).to_bytes(2, "little"), (16).to_bytes(2, "little"),
        b"data", size.to_bytes(4, "little"),
    ]  # fmt: skip
    return b"".join(words)
