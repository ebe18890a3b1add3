"""A sound through Opus and back, in memory: the codec that everybody knows, as a yardstick."""

from __future__ import annotations

import io

import av
import numpy as np

from hitpoint.values import SAMPLE_RATE, Floats

_FRAME = 960  # samples, 20 ms


def through_opus(sound: Floats, kilobits: int) -> Floats:
    """(2, samples) at 48 kHz, encoded by libopus for music and decoded to the same length.

    The container tells the decoder of the encoder's look-ahead, so that nothing is shifted.
    """
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=SAMPLE_RATE, layout="stereo")
        stream.bit_rate = 1000 * kilobits
        stream.codec_context.options = {"application": "audio"}
        whole = np.pad(sound, ((0, 0), (0, -sound.shape[1] % _FRAME)))
        for first in range(0, whole.shape[1], _FRAME):
            part = np.ascontiguousarray(whole[:, first : first + _FRAME].T.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(part, format="flt", layout="stereo")
            frame.sample_rate, frame.pts = SAMPLE_RATE, first
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as back:
        parts = [frame.to_ndarray() for frame in back.decode(audio=0)]
    made = np.concatenate(parts, 1).astype(np.float32)[:, : sound.shape[1]]
    return np.pad(made, ((0, 0), (0, sound.shape[1] - made.shape[1])))
