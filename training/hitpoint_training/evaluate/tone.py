"""Is it music? Key clarity, agreement with the planned chords, tempo and pulse."""

from __future__ import annotations

import librosa
import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.plan import CuePlan
from hitpoint.values import Floats
from hitpoint_training.evaluate.sync import HOP, RATE, mono, onset_curve

_CHROMA_HOP = 512
_WINDOW = 8.0  # seconds
_SILENCE = 1e-4  # root mean square below which a window says nothing

# Krumhansl and Kessler (1982), probe-tone ratings from the tonic upwards.
_MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
_PROFILES = np.stack([np.roll(profile, k) for profile in (_MAJOR, _MINOR) for k in range(12)])


def chroma(audio: Floats, sr: int) -> Floats:
    """(12, frames) constant-Q chroma, a frame every 23 ms."""
    found = librosa.feature.chroma_cqt(y=mono(audio, sr), sr=RATE, hop_length=_CHROMA_HOP)
    return np.asarray(found, np.float32)


def key_correlations(mean_chroma: NDArray[np.floating]) -> NDArray[np.float64]:
    """(24,) Pearson correlation of a mean chroma with the Krumhansl profiles: 12 major keys, 12 minor."""
    spread = np.asarray(mean_chroma, np.float64)
    if np.ptp(spread) < 1e-9:
        return np.zeros(24)
    return np.asarray(np.corrcoef(np.vstack([spread, _PROFILES]))[0, 1:], np.float64)


def key_clarity(audio: Floats, sr: int) -> float:
    """Best Krumhansl correlation of the mean chroma of each 8 s window, averaged over the windows.

    A last window shorter than 4 s is left out if there is another; silence gives 0.
    """
    mixed = mono(audio, sr)
    size = round(_WINDOW * RATE)
    starts = [s for s in range(0, len(mixed), size) if s == 0 or len(mixed) - s >= size // 2]
    found: list[float] = []
    for start in starts:
        window = mixed[start : start + size]
        if float(np.sqrt(np.mean(window**2))) < _SILENCE:
            found.append(0.0)
            continue
        found.append(float(key_correlations(chroma(window, RATE).mean(axis=1)).max()))
    return float(np.mean(found))


def chord_agreement(audio: Floats, sr: int, plan: CuePlan) -> float:
    """Share of the chroma's energy on pitch classes of the plan's chord, weighted by loudness, 0 to 1.

    Even noise gives the share of the twelve pitch classes that the chords use (0.25 to 0.33).
    """
    mixed = mono(audio, sr)
    frames = librosa.feature.chroma_cqt(y=mixed, sr=RATE, hop_length=_CHROMA_HOP, norm=None) ** 2
    times = np.arange(frames.shape[1]) * _CHROMA_HOP / RATE
    starts = np.array([chord.start for chord in plan.chords])
    which = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, len(starts) - 1)
    allowed = np.zeros((len(starts), 12))
    for index, chord in enumerate(plan.chords):
        allowed[index, list(chord.pitch_classes)] = 1
    level = frames.sum()
    return float((frames * allowed[which].T).sum() / level) if level > 0 else 0.0


def tempo_error(estimated: float, true: float) -> float:
    """Relative error of a tempo, the octave (x 1/3, 1/2, 2, 3) forgiven."""
    return min(abs(estimated * factor / true - 1) for factor in (1 / 3, 0.5, 1, 2, 3))


def estimated_tempo(audio: Floats, sr: int) -> float:
    """Tempo in beats per minute, by librosa's tempogram."""
    curve = onset_curve(audio, sr)
    return float(librosa.feature.tempo(onset_envelope=curve.values, sr=RATE, hop_length=HOP)[0])


def pulse_clarity(audio: Floats, sr: int) -> float:
    """Greatest autocorrelation of the onset strength between 40 and 200 beats per minute, 0 to 1.

    After Lartillot et al. (ISMIR 2008), "maximum of the autocorrelation".
    """
    curve = onset_curve(audio, sr)
    values = curve.values - curve.values.mean()
    power = float(np.dot(values, values))
    if power < 1e-12:
        return 0.0
    size = 1 << (2 * len(values) - 1).bit_length()
    correlation = np.fft.irfft(np.abs(np.fft.rfft(values, size)) ** 2)[: len(values)] / power
    first, last = round(curve.rate * 60 / 200), round(curve.rate * 60 / 40)
    return float(np.clip(correlation[first:last].max(initial=0.0), 0, 1))
