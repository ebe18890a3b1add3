"""A sound, and what several measures need of it, worked out once."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import librosa
import numpy as np
import soundfile

from hitpoint.values import Floats
from hitpoint_training.evaluate.sync import RATE, OnsetCurve, Times, mono, onset_curve, picked
from hitpoint_training.evaluate.tone import pitch_classes

HOP = 512
"""Samples of the mono sound, 23 ms: how often the spectra are taken."""
FFT = 2048


class Heard:
    """`audio` (samples,) or (samples, channels) at `rate` Hz."""

    def __init__(self, audio: Floats, rate: int) -> None:
        self.audio = audio
        self.rate = rate

    @classmethod
    def read(cls, path: Path) -> Heard:
        """A sound file."""
        audio, rate = soundfile.read(path, dtype="float32")
        return cls(audio, rate)

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.audio) / self.rate

    @cached_property
    def mono(self) -> Floats:
        """(samples,) at 22,050 Hz."""
        return mono(self.audio, self.rate)

    @cached_property
    def curve(self) -> OnsetCurve:
        """The onset strength."""
        return onset_curve(self.mono, RATE)

    @cached_property
    def onsets(self) -> Times:
        """Times of the onsets, in seconds."""
        return picked(self.curve)

    @cached_property
    def pitches(self) -> Floats:
        """(12, frames) energy of the pitch classes."""
        return pitch_classes(self.mono)

    @cached_property
    def spectrum(self) -> Floats:
        """(1025, frames) magnitudes, a frame every `HOP` samples."""
        return np.asarray(np.abs(librosa.stft(self.mono, n_fft=FFT, hop_length=HOP)), np.float32)

    def frames(self, start: float, stop: float) -> slice:
        """The frames of a stretch of seconds; at least one."""
        first = max(0, round(start * RATE / HOP))
        return slice(first, max(first + 1, round(stop * RATE / HOP)))


def decibels(power: float | Floats) -> Floats:
    """Of a power, silence at -100."""
    return np.asarray(10 * np.log10(np.maximum(power, 1e-10)), np.float32)
