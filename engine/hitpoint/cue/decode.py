"""From latents to sound: spectra from the decoder graph, chunk by chunk, and the inverse transform in numpy.

A chunk is decoded with so many frames around it that it equals the same stretch of the whole; norms in the
decoder are per frame, so nothing else reaches across (`docs/sync.md`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.bundle import Manifest
from hitpoint.cue.generate import Model
from hitpoint.cue.windows import MULTIPLE
from hitpoint.values import Floats

MAX_SHIFT_FRAMES = 6
"""How far a time map may reach, in 100 Hz frames: 60 ms."""
FINEST = 1024
"""Parts of a frame that positions are read in, 10 microseconds: float32 holds them exactly wherever a chunk
begins. Rounding that depended on it would tip values over between two int8 codes."""

Positions = NDArray[np.float64]
"""(2 * frames,) the 100 Hz source frame that each output frame shows: ascending, and nowhere more than
`MAX_SHIFT_FRAMES` from its own number."""


def identity(frames: int) -> Positions:
    """Positions that leave every accent of `frames` latent frames where it is."""
    return np.arange(2 * frames, dtype=np.float64)


def chunk_context(manifest: Manifest) -> int:
    """Latent frames on each side of a chunk that its sound depends on."""
    return manifest.halo_frames + (_overlap(manifest) + MAX_SHIFT_FRAMES + 1) // 2 + 1


def _overlap(manifest: Manifest) -> int:
    """100 Hz frames outside a stretch whose windows reach into it."""
    return manifest.n_fft // 2 // manifest.hop + 1


def decode_chunk(
    model: Model, manifest: Manifest, z: Floats, positions: Positions, first: int, stop: int
) -> Floats:
    """(2, samples) of the latent frames `first` to `stop` of z (Z, frames), as within the whole."""
    overlap, context = _overlap(manifest), chunk_context(manifest)
    # Whole eighths, as all graphs are promised to meet.
    low = max(0, first - context) // MULTIPLE * MULTIPLE
    high = min(z.shape[1], -(-(stop + context) // MULTIPLE) * MULTIPLE)
    exact = np.round(positions[2 * low : 2 * high] * FINEST) / FINEST
    local = np.clip(exact - 2 * low, 0, 2 * (high - low) - 1)
    spectrum = model.spectrum(z[None, :, low:high], local.astype(np.float32), 2 * low)[0]
    keep = slice(max(0, 2 * first - overlap - 2 * low), min(2 * high, 2 * stop + overlap) - 2 * low)
    sound = _overlap_add(spectrum[..., keep], manifest)
    start = (2 * first - (2 * low + keep.start)) * manifest.hop
    return sound[:, start : start + 2 * (stop - first) * manifest.hop]


@lru_cache(maxsize=2)
def _hann(n_fft: int) -> Floats:
    return np.hanning(n_fft + 1)[:-1].astype(np.float32)


def _overlap_add(spectrum: Floats, manifest: Manifest) -> Floats:
    """Inverse STFT of (2, 2, bins, frames): frame 0 is centred on sample 0; square-window normalised.

    The first frame's left half is dropped; the last hops are not yet whole.
    """
    n_fft, hop = manifest.n_fft, manifest.hop
    bins, count = spectrum.shape[2:]
    lapped = -(-n_fft // hop)
    window = _hann(n_fft)
    # Frame by frame in memory: several times faster than along the graph's last axis.
    lines = np.empty((2, count, bins), np.complex64)
    lines.real = spectrum[:, 0].transpose(0, 2, 1)
    lines.imag = spectrum[:, 1].transpose(0, 2, 1)
    frames = np.fft.irfft(lines, n_fft, axis=2)
    frames *= window
    # In hops: frame i, cut into `lapped` pieces (the last one short), adds its piece j to hop i + j.
    sound = np.zeros((2, count + lapped - 1, hop), np.float32)
    weight = np.zeros((count + lapped - 1, hop), np.float32)
    for j in range(lapped):
        piece = frames[..., j * hop : (j + 1) * hop]
        size = piece.shape[-1]
        sound[:, j : j + count, :size] += piece
        weight[j : j + count, :size] += window[j * hop : (j + 1) * hop] ** 2
    sound /= np.maximum(weight, np.float32(1e-6))
    return sound.reshape(2, -1)[:, n_fft // 2 :]
