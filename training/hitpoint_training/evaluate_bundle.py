"""Renders the plans of a corpus folder with a bundle, through the engine's own code, to be measured.

`python -m hitpoint_training render RUN BUNDLE PLANS OUT` writes three folders of WAV files: the pieces
through the codec (`codec`), generated (`generated`), and with random weights in the network (`random`).
Measure each, beside the plans of other pieces as control, with
`python -m hitpoint_training.evaluate compositions PLANS --audio OUT/generated`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import torch

from hitpoint.cue.bundle import Bundle, load_bundle
from hitpoint.cue.decode import decode_chunk, identity
from hitpoint.cue.generate import Composer, Sampling
from hitpoint.cue.plan import CuePlan
from hitpoint.cue.sessions import CpuModel
from hitpoint.progress import Progress
from hitpoint.values import SAMPLE_RATE, Floats
from hitpoint_training.dataset import BEFORE, Piece, find_pieces, padded_mel
from hitpoint_training.mel import LogMel, Projection

_LEVEL = 0.1  # root mean square that all sounds are brought to before they are written
_CHUNK = 200  # latent frames


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of sound, and of wall clock for the sampler and for the decoder."""

    sound: float
    sampling: float
    decoding: float

    @property
    def times_real_time(self) -> float:
        """How much faster than it plays."""
        return self.sound / (self.sampling + self.decoding)


def decode(model: CpuModel, bundle: Bundle, z: Floats) -> Floats:
    """(samples, 2) of latents (Z, frames), chunk by chunk as the engine does."""
    places = identity(z.shape[1])
    chunks = [
        decode_chunk(model, bundle.manifest, z, places, first, min(first + _CHUNK, z.shape[1]))
        for first in range(0, z.shape[1], _CHUNK)
    ]
    return np.concatenate(chunks, 1).T


def generate(model: CpuModel, bundle: Bundle, plan: CuePlan, sampling: Sampling) -> tuple[Floats, Speed]:
    """(samples, 2) for a plan, and how long it took."""
    started = time.perf_counter()
    z = Composer(plan, model, bundle.manifest, sampling, Progress()).compose()
    sampled = time.perf_counter()
    sound = decode(model, bundle, z)[: round(plan.duration * SAMPLE_RATE)]
    return sound, Speed(plan.duration, sampled - started, time.perf_counter() - sampled)


def encode(piece: Piece, projection: Projection) -> Floats:
    """(Z, frames) of a piece, a multiple of eight frames from its first sample on."""
    z = projection.encode(padded_mel(piece, LogMel()))[0, :, BEFORE:]
    return z[:, : z.shape[1] // 8 * 8].numpy()


def write(path: Path, sound: Floats) -> None:
    """Write at one common level, so that no measure sees loudness."""
    path.parent.mkdir(parents=True, exist_ok=True)
    level = float(np.sqrt(np.mean(np.square(sound)))) or 1.0
    soundfile.write(path, np.clip(sound * (_LEVEL / level), -1, 1), SAMPLE_RATE, subtype="PCM_16")


def untrained(bundle: Bundle, seed: int) -> Bundle:
    """The same bundle with its network's weights redrawn at their own scale: a control that knows nothing."""
    import onnx
    from onnx import numpy_helper

    random = np.random.default_rng(seed)
    network = onnx.load_from_string(bundle.step)
    for tensor in network.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float16:
            drawn = random.normal(0, float(values.astype(np.float32).std()), values.shape)
            tensor.CopyFrom(numpy_helper.from_array(drawn.astype(np.float16), tensor.name))
    return replace(bundle, step=network.SerializeToString())


def render(
    folder: Path, plans: Path, projection: Projection, out: Path, sampling: Sampling, limit: int
) -> Speed:
    """Render up to `limit` pieces three ways; returns the speed of the generated ones together."""
    bundle = load_bundle(folder)
    model, blank = CpuModel(bundle), CpuModel(untrained(bundle, sampling.seed))
    pieces = find_pieces(plans)[:limit]
    sound_s = sampling_s = decoding_s = 0.0
    with torch.no_grad():
        for piece in pieces:
            name = f"{piece.sound.stem}.wav"
            write(out / "codec" / name, decode(model, bundle, encode(piece, projection)))
            made, speed = generate(model, bundle, piece.plan, sampling)
            write(out / "generated" / name, made)
            sound_s, sampling_s = sound_s + speed.sound, sampling_s + speed.sampling
            decoding_s += speed.decoding
            write(out / "random" / name, generate(blank, bundle, piece.plan, sampling)[0])
    return Speed(sound_s, sampling_s, decoding_s)
