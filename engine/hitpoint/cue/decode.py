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

MAX_SHIFT_FRAMES = 5
"""How far a time map may reach, in 100 Hz frames: 50 ms."""
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
    return manifest.halo_frames + (_overlap(manifest) + MAX_SHIFT_FRAMES + 1) // 2


def _overlap(manifest: Manifest) -> int:
    """100 Hz frames on each side of a stretch whose windows reach into it."""
    return manifest.n_fft // 2 // manifest.hop


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
    keep = slice(max(0, 2 * first - overlap - 2 * low), min(2 * high, 2 * stop + overlap + 1) - 2 * low)
    sound = _overlap_add(spectrum[:, keep], manifest)
    start = (2 * first - (2 * low + keep.start)) * manifest.hop
    return sound[:, start : start + 2 * (stop - first) * manifest.hop]


@lru_cache(maxsize=2)
def _hann(n_fft: int) -> Floats:
    return np.hanning(n_fft + 1)[:-1].astype(np.float32)


def _overlap_add(spectrum: Floats, manifest: Manifest) -> Floats:
    """Inverse STFT of (real and imaginary, frames, middle and side, bins) to (left and right, samples).

    Frame 0 is centred on sample 0; square-window normalised. The first frame's left half is dropped; the
    last hops are not yet whole.
    """
    n_fft, hop = manifest.n_fft, manifest.hop
    count = spectrum.shape[1]
    lapped = -(-n_fft // hop)
    window = _hann(n_fft)
    lines = np.empty(spectrum.shape[1:], np.complex64)
    lines.real, lines.imag = spectrum
    frames = np.fft.irfft(lines, n_fft, axis=2)
    frames *= window
    # In hops: frame i, cut into `lapped` pieces (the last one short), adds its piece j to hop i + j.
    pair = np.zeros((count + lapped - 1, 2, hop), np.float32)
    weight = np.zeros((count + lapped - 1, 1, hop), np.float32)
    for j in range(lapped):
        piece = frames[..., j * hop : (j + 1) * hop]
        size = piece.shape[-1]
        pair[j : j + count, :, :size] += piece
        weight[j : j + count, 0, :size] += window[j * hop : (j + 1) * hop] ** 2
    pair /= np.maximum(weight, np.float32(1e-6))
    middle, side = pair[:, 0], pair[:, 1]
    sound = np.stack([middle + side, middle - side]).reshape(2, -1)
    return sound[:, n_fft // 2 :]
