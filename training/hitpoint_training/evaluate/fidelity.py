"""How near a sound is to its reference: spectra, stereo image, attacks, and what lies between partials.

All sounds are (2, samples) at 48 kHz.
"""

from __future__ import annotations

from functools import lru_cache

import mir_eval
import numpy as np
from librosa.filters import mel
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, median_filter

from hitpoint.cue.onsets import HOP, Onsets, array_reader, find_onsets, flux, level_gain, refined
from hitpoint.values import SAMPLE_RATE, Floats

MEL_SCALES = ((2048, 320), (1024, 160), (512, 80), (256, 40), (128, 20), (64, 10), (32, 5))
"""Window in samples and number of mel bands, as in DAC (arXiv 2306.06546, `conf/final/44khz.yml`)."""
_MEL_FLOOR = 1e-5
OCTAVES = (62.5, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0)
ONSET_TOLERANCE = 0.010  # seconds
_FINE, _FINE_HOP = 8192, 2048
_AVERAGED = 5  # frames (0.2 s) whose power is averaged before partials are looked for
_NEIGHBOURS = 9  # bins (50 Hz) on each side in which a partial must be the greatest
_STANDS_OUT = 20.0  # dB of a partial above the valley beside it
_FAINT = 1e-7  # of the largest power: nothing below is judged


def _magnitude(sound: Floats, size: int, hop: int) -> Floats:
    """(frames, size // 2 + 1) of one channel, centred."""
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    padded = np.pad(sound, size // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    parts = [np.abs(np.fft.rfft(frames[i : i + 4096] * window)) for i in range(0, len(frames), 4096)]
    return np.concatenate(parts).astype(np.float32)


@lru_cache(maxsize=len(MEL_SCALES))
def _mel(size: int, bands: int) -> Floats:
    bank = mel(sr=SAMPLE_RATE, n_fft=size, n_mels=bands, fmin=0, fmax=SAMPLE_RATE / 2)
    return np.asarray(bank.T, np.float32)


def mel_distance(made: Floats, wanted: Floats) -> float:
    """DAC's: mean absolute difference of log10 mel magnitudes, left and right, summed over `MEL_SCALES`."""
    total = 0.0
    for size, bands in MEL_SCALES:
        bank = _mel(size, bands)
        for one, other in zip(made, wanted, strict=True):
            levels = [
                np.log10(np.maximum(_magnitude(sound, size, size // 4) @ bank, _MEL_FLOOR))
                for sound in (one, other)
            ]
            total += float(np.abs(levels[0] - levels[1]).mean()) / 2
    return total


def _octave_sums(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """(frames, octaves) of (frames, bins)."""
    edges = np.round(np.array(OCTAVES) * np.sqrt(0.5) / SAMPLE_RATE * 2 * (values.shape[1] - 1)).astype(int)
    return np.add.reduceat(values, edges, axis=1).astype(np.float64)


def _stereo(sound: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Per frame of 0.17 s and octave: power of mid, of side, and the correlation of left and right."""
    window = np.hanning(_FINE + 1)[:-1].astype(np.float32)
    frames = [np.lib.stride_tricks.sliding_window_view(one, _FINE)[:: _FINE // 2] for one in sound]
    left, right = (np.fft.rfft(part * window) for part in frames)
    power = [_octave_sums(np.abs(one) ** 2) for one in ((left + right) / 2, (left - right) / 2, left, right)]
    shared = _octave_sums((left * right.conj()).real)
    return power[0], power[1], shared / np.sqrt(power[2] * power[3] + 1e-20)


def stereo_errors(made: Floats, wanted: Floats) -> tuple[float, float]:
    """(dB by which side over mid differs, by which the correlation of left and right differs).

    Means of absolute differences; the first over octaves of the whole sound, the second over audible
    octaves of frames of 0.17 s.
    """
    mid, side, together = _stereo(made)
    mid_wanted, side_wanted, together_wanted = _stereo(wanted)
    audible = mid_wanted + side_wanted > _FAINT * (mid_wanted + side_wanted).max()
    ratio, ratio_wanted = (
        10 * np.log10((s.sum(0) + 1e-12) / (m.sum(0) + 1e-12))
        for m, s in ((mid, side), (mid_wanted, side_wanted))
    )
    heard = audible.any(0)
    return (
        float(np.abs(ratio - ratio_wanted)[heard].mean()),
        float(np.abs(together - together_wanted)[audible].mean()),
    )


def _attacks(sound: Floats) -> tuple[Onsets, Onsets]:
    """The salient attacks of a sound, and every peak of its flux."""
    read, samples = array_reader(sound), sound.shape[1]
    curve = flux(read, 0, samples // HOP + 1, level_gain(read, samples))
    here = curve[1:-1]
    at = np.flatnonzero((here > curve[:-2]) & (here >= curve[2:])) + 1
    return find_onsets(curve), refined(curve, at)


def onset_f(made: Floats, wanted: Floats) -> float:
    """F-measure of the salient attacks (`hitpoint.cue.onsets`) of `made` against those of `wanted`, matched
    one to one within 10 ms (mir_eval). An attack near the threshold of salience counts as lost when it falls
    below, however exact it is.
    """
    times = [np.sort(_attacks(sound)[0].times) for sound in (wanted, made)]
    return float(mir_eval.onset.f_measure(times[0], times[1], window=ONSET_TOLERANCE)[0])


def attacks_kept(made: Floats, wanted: Floats) -> float:
    """F-measure of attacks by their strength, with no threshold to fall below: the share of the salient
    attacks of each sound for which the other has a peak of flux within 10 ms, at least half as strong.
    """
    (salient, peaks), (salient_wanted, peaks_wanted) = _attacks(made), _attacks(wanted)
    precision, recall = _found(salient, peaks_wanted), _found(salient_wanted, peaks)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _found(attacks: Onsets, peaks: Onsets) -> float:
    near = np.abs(attacks.times[:, None] - peaks.times[None]) <= ONSET_TOLERANCE
    strong = peaks.strengths[None] >= attacks.strengths[:, None] / 2
    return float(np.mean((near & strong).any(1))) if len(attacks.times) else 0.0


def _fine_power(sound: Floats) -> NDArray[np.float64]:
    """(frames, bins) of mid, averaged over 0.2 s so that partials stand still in it and noise does not."""
    power = _magnitude(sound.mean(0), _FINE, _FINE_HOP).astype(np.float64) ** 2
    running = np.cumsum(np.pad(power, ((_AVERAGED, 0), (0, 0))), 0)
    return (running[_AVERAGED:] - running[:-_AVERAGED])[_AVERAGED - 1 :] / _AVERAGED


def partials(made: Floats, wanted: Floats) -> tuple[float, float, float]:
    """(dB of the valleys, of the partials up to 3 kHz, of the partials above) of `made` over `wanted`.

    A partial is a bin of the reference that is the greatest within 50 Hz and stands 20 dB above the median
    there; what `made` has is the greatest and the median of the same bins. Medians of differences; nan
    without partials.
    """
    power, reference = _fine_power(made), _fine_power(wanted)
    reach = (1, 2 * _NEIGHBOURS + 1)
    summit, summit_made = (maximum_filter1d(one, reach[1], axis=1) for one in (reference, power))
    valley = median_filter(reference, reach)
    chosen = (reference == summit) & (reference > 10 ** (_STANDS_OUT / 10) * valley)
    chosen &= reference > _FAINT * reference.max()
    floor = 1e-3 * _FAINT * reference.max()
    low, high = chosen.copy(), chosen.copy()
    split = round(3000 / SAMPLE_RATE * _FINE)
    low[:, split:], high[:, :split] = False, False

    def apart(first: NDArray[np.float64], second: NDArray[np.float64], where: NDArray[np.bool_]) -> float:
        if not where.any():
            return float("nan")
        return float(np.median(10 * np.log10((first[where] + floor) / (second[where] + floor))))

    return (
        apart(median_filter(power, reach), valley, chosen),
        apart(summit_made, summit, low),
        apart(summit_made, summit, high),
    )


def level_above(made: Floats, wanted: Floats, hertz: float) -> float:
    """dB by which the power above a frequency differs over the whole sound, left and right together."""
    powers: list[float] = []
    for sound in (made, wanted):
        spectrum = np.abs(np.fft.rfft(sound)) ** 2
        powers.append(float(spectrum[:, round(hertz / SAMPLE_RATE * sound.shape[1]) :].sum()) + 1e-12)
    return float(10 * np.log10(powers[0] / powers[1]))
