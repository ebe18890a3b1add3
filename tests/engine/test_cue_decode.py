"""Chunked decoding against whole decoding, the time map, and the inverse transform against torch."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_bundle import write_bundle

from hitpoint.cue.bundle import STARTER, Bundle, load_bundle
from hitpoint.cue.decode import _overlap_add, decode_chunk, identity
from hitpoint.cue.sampler import noise
from hitpoint.cue.sessions import CpuModel


@pytest.fixture(scope="module", params=["toy", "starter"])
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    if request.param == "toy":
        return load_bundle(write_bundle(tmp_path_factory.mktemp("bundle")))
    if not (STARTER / "manifest.json").exists():
        pytest.skip("the starter bundle is not there")
    return load_bundle()


def test_chunks_equal_the_whole(bundle: Bundle) -> None:
    model, manifest = CpuModel(bundle, threads=1), bundle.manifest
    frames = 200
    z = noise(3, 0, manifest.latent_channels, 0, frames)
    positions = identity(frames) + 5 * np.sin(np.arange(2 * frames) / 40)
    positions = positions.clip(0, 2 * frames - 1)
    whole = decode_chunk(model, manifest, z, positions, 0, frames)
    edges = [0, 40, 64, 133, 200]
    parts = [decode_chunk(model, manifest, z, positions, a, b) for a, b in pairwise(edges)]
    assert whole.shape == (2, frames * 960)
    assert np.abs(np.concatenate(parts, axis=1) - whole).max() < 1e-4 * np.abs(whole).max()


def test_chunks_of_silent_history_start_anywhere(bundle: Bundle) -> None:
    """The oscillators count absolute frames: half an hour in, a chunk still joins its neighbour."""
    model, manifest = CpuModel(bundle, threads=1), bundle.manifest
    first = 89_000
    z = np.zeros((manifest.latent_channels, first + 96), np.float32)
    z[:, first:] = noise(4, 0, manifest.latent_channels, 0, 96)
    positions = identity(z.shape[1])
    whole = decode_chunk(model, manifest, z, positions, first + 16, first + 80)
    left = decode_chunk(model, manifest, z, positions, first + 16, first + 48)
    right = decode_chunk(model, manifest, z, positions, first + 48, first + 80)
    assert np.abs(np.concatenate([left, right], axis=1) - whole).max() < 1e-4 * np.abs(whole).max()


def test_inverse_transform_is_that_of_torch(tmp_path: Path) -> None:
    manifest = load_bundle(write_bundle(tmp_path)).manifest
    rng = np.random.default_rng(5)
    sound = torch.from_numpy(rng.standard_normal((2, 480 * 60)).astype(np.float32))
    window = torch.hann_window(2048)
    spectrum = torch.stft(sound, 2048, 480, window=window, center=True, return_complex=True)
    parts = torch.stack([spectrum.real, spectrum.imag]).numpy()  # (2 parts, left and right, bins, frames)
    left, right = parts.transpose(1, 0, 3, 2)
    middle_and_side = np.stack([left + right, left - right], 2) / 2
    made = _overlap_add(middle_and_side, manifest)[:, : 480 * 58]
    assert np.abs(made - sound.numpy()[:, : 480 * 58]).max() < 1e-4
