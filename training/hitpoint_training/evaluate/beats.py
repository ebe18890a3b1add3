"""Does it keep the asked time? Tempo and beats, found in the sound by programs that do not know the plan."""

from __future__ import annotations

import mir_eval
import numpy as np
from librosa.beat import beat_track
from numpy.typing import NDArray

from hitpoint.cue.plan import CuePlan
from hitpoint.values import Floats
from hitpoint_training.evaluate.sync import HOP, RATE, OnsetCurve, Times, onset_curve

_USUAL = 120.0  # beats per minute
_STEADY = 0.01  # relative change of a beat's length within a steady stretch


def autocorrelation(values: Floats) -> NDArray[np.float64]:
    """Of a curve without its mean, 1 at lag 0; zeros for a flat one."""
    centred = values.astype(np.float64) - values.mean()
    power = float(np.dot(centred, centred))
    if power < 1e-12:
        return np.zeros(len(values))
    size = 1 << (2 * len(values) - 1).bit_length()
    found = np.fft.irfft(np.abs(np.fft.rfft(centred, size)) ** 2)[: len(values)] / power
    return np.asarray(found, np.float64)


def estimated_tempo(audio: Floats, sr: int) -> float:
    """Tempo in beats per minute; nan without a pulse."""
    return tempo_of(onset_curve(audio, sr))


def tempo_of(curve: OnsetCurve) -> float:
    """Tempo by the autocorrelation of the onset strength: the lag of a beat, weighted towards 120 bpm by the
    octave as librosa does, then made finer at two, four and eight times that lag; nan without a pulse.
    """
    found = autocorrelation(curve.values)
    lags = np.arange(round(curve.rate * 60 / 240), min(round(curve.rate * 60 / 40), len(found) - 1))
    if not len(lags) or not found.any():
        return float("nan")
    octaves = np.log2(curve.rate * 60 / lags / _USUAL)
    lag = float(lags[np.argmax(np.maximum(found[lags], 0) * np.exp(-0.5 * octaves**2))])
    beats = 1
    while beats < 8 and 2 * beats * lag + 4 < len(found) / 2:
        beats *= 2
        lag = _peak_near(found, beats * lag) / beats
    return 60 * curve.rate / lag


def _peak_near(found: NDArray[np.float64], lag: float) -> float:
    """The highest place within three frames of a lag, between frames by a parabola."""
    first = round(lag) - 3
    at = first + int(np.argmax(found[first : first + 7]))
    left, top, right = found[at - 1 : at + 2]
    bend = left - 2 * top + right
    return at + (float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0)


def tempo_error(estimated: float, true: float) -> float:
    """Relative error of a tempo, the octave (x 1/3, 1/2, 2, 3) forgiven; no tempo is an error of 1."""
    if np.isnan(estimated):
        return 1.0
    return min(abs(estimated * factor / true - 1) for factor in (1 / 3, 0.5, 1, 2, 3))


def steady_error(curve: OnsetCurve, plan: CuePlan) -> float:
    """`tempo_error` in the longest stretch of the plan whose tempo does not change."""
    start, stop = steady(plan)
    beats = [beat for beat in plan.beats if start - 1e-6 <= beat <= stop + 1e-6]
    if len(beats) < 2:
        return float("nan")
    part = curve.values[max(0, round(start * curve.rate)) : round(min(stop, plan.end) * curve.rate)]
    true = 60 * (len(beats) - 1) / (beats[-1] - beats[0])
    return tempo_error(tempo_of(OnsetCurve(part, curve.rate)), true)


def steady(plan: CuePlan) -> tuple[float, float]:
    """Start and stop of the longest stretch of beats of one length."""
    beats = np.asarray(plan.beats)
    longest = (float(beats[0]), float(beats[0]))
    first = 0
    for index in range(1, len(beats)):
        length = beats[first + 1] - beats[first]
        if abs((beats[index] - beats[index - 1]) / length - 1) > _STEADY:
            first = index - 1
        if beats[index] - beats[first] > longest[1] - longest[0]:
            longest = (float(beats[first]), float(beats[index]))
    return longest


def tracked(curve: OnsetCurve) -> Times:
    """Beat times, in seconds, by librosa's tracker (Ellis 2007) at the tempo found; none without a pulse."""
    tempo = tempo_of(curve)
    if np.isnan(tempo):
        return np.zeros(0)
    _, frames = beat_track(onset_envelope=curve.values, sr=RATE, hop_length=HOP, bpm=tempo)
    return np.asarray(frames, np.float64) / curve.rate


def beat_f(found: Times, plan: CuePlan) -> float:
    """F-measure of beats within 70 ms of the plan's, from 5 s on as `mir_eval` has it.

    Half and double time are forgiven: of the plan's beats, every other one of them and the eighths
    too, the best is taken.
    """
    beats = np.array([beat for beat in plan.beats if 0 <= beat <= plan.end])
    between = np.sort(np.concatenate([beats, (beats[1:] + beats[:-1]) / 2]))
    mine = mir_eval.beat.trim_beats(found[found <= plan.end])
    readings = [mir_eval.beat.trim_beats(wanted) for wanted in (beats, beats[::2], beats[1::2], between)]
    if not any(len(wanted) for wanted in readings):
        return float("nan")
    return max(float(mir_eval.beat.f_measure(wanted, mine)) for wanted in readings) if len(mine) else 0.0
