"""The beat grid that the strong hit points fall on.

A search over tempo and phase. Each hit point is explained either by the grid (on a beat, or less likely on
the eighth between two) with a timing error, or by chance; the best grid has the highest posterior under a
prior on musical tempi. Human movement does not sit on beats by itself (docs/decisions/0001), so the result
says how well it fits and by how much it beats the best unrelated tempo, instead of claiming to be right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitpoint.errors import UsageError
from hitpoint.values import HitPoint, TempoMap, TempoPoint

Array = NDArray[np.float64]

TEMPO_RANGE = (70.0, 180.0)
USUAL_BPM, OCTAVES = 115.0, 0.5  # centre and width of the log-normal prior
TIMING_S = 0.030  # standard deviation of a hit point around its beat
BY_CHANCE = 0.3  # share of hit points that no grid explains
ON_BEAT = 0.65  # of those that one does; the others lie on the eighth between
TOLERANCE_S = 0.045  # within which a hit point counts as on the grid
PHASES = 48  # tried per beat
CHUNK_S = 30.0  # longer clips agree on a tempo chunk by chunk, as no drift is small over minutes
_RELATED = np.array([1, 2, 1 / 2, 3, 1 / 3, 3 / 2, 2 / 3, 4 / 3, 3 / 4])
_NEAR = 0.04  # relative distance within which two tempi are the same


@dataclass(frozen=True, slots=True)
class _Events:
    """Hit points as arrays: seconds, and weights that are higher for what the user locked."""

    times: Array
    weights: Array

    @property
    def evidence(self) -> Array:
        """What each says about the grid: squared, as strong accents are the ones that must fall on it."""
        return self.weights**2

    def __getitem__(self, chosen: NDArray[np.bool_]) -> _Events:
        return _Events(self.times[chosen], self.weights[chosen])


def fit_tempo(
    hits: tuple[HitPoint, ...],
    duration: float,
    bpm: float | None = None,
    tempo_range: tuple[float, float] = TEMPO_RANGE,
    beats_per_bar: int = 4,
) -> TempoMap:
    """Find the constant tempo and phase for the hit points. `bpm` pins the tempo; only the phase is fitted.

    Raises UsageError for a tempo or range that is not positive.
    """
    low, high = (bpm, bpm) if bpm is not None else tempo_range
    if not 20 <= low <= high <= 400:
        raise UsageError(f"A tempo of {low:g} to {high:g} bpm cannot be used.", "Choose between 20 and 400.")
    events = _Events(
        np.array([hit.time for hit in hits], np.float64),
        np.array([hit.strength * (2 if hit.locked else 1) for hit in hits], np.float64),
    )
    if not len(hits):
        return TempoMap((TempoPoint(0.0, bpm or _usual(low, high)),), 0.0, beats_per_bar)
    tempi = _tempi(low, high, min(duration, CHUNK_S))
    scores = np.array([_chunked_score(events, tempo, duration) for tempo in tempi]) + _log_prior(
        tempi, events
    )
    best = _refined(events, float(tempi[np.argmax(scores)]), duration) if bpm is None else bpm
    others = tempi[np.abs(np.log(tempi[:, None] / best / _RELATED)).min(1) > _NEAR]
    rival = float(others[np.argmax(scores[np.isin(tempi, others)])]) if len(others) else None
    phase = _best_phase(events, best)
    fit = _on_grid(events, best, phase)
    margin = fit - _on_grid(events, rival, _best_phase(events, rival)) if rival else 0.0
    return TempoMap(
        (TempoPoint(0.0, best),),
        _first_downbeat(events, best, phase, beats_per_bar),
        beats_per_bar,
        fit,
        margin,
    )


def _usual(low: float, high: float) -> float:
    return min(max(USUAL_BPM, low), high)


def _tempi(low: float, high: float, span: float) -> Array:
    """Steps so fine that the grid drifts by less than the timing error over half the span."""
    step = 2 * TIMING_S / max(span, 1.0)
    count = int(np.log(high / low) / np.log1p(step)) + 1 if high > low else 1
    return np.geomspace(low, high, count)


def _log_prior(tempi: Array, events: _Events) -> Array:
    """Grows with the evidence, or the prior would mean nothing in long clips."""
    octaves = np.log2(tempi / USUAL_BPM) / OCTAVES
    return -0.5 * octaves**2 * max(1.0, 0.1 * float(events.evidence.sum()))


def _log_likelihood(events: _Events, bpm: float) -> Array:
    """Of all phases (PHASES,) at one tempo, against chance, weighted by strength."""
    beat = 60 / bpm
    phases = np.arange(PHASES) * beat / PHASES
    eighths = (events.times[None] - phases[:, None]) / (beat / 2)
    nearest = np.round(eighths)
    error = (eighths - nearest) * (beat / 2) / TIMING_S
    share = np.where(nearest % 2 == 0, ON_BEAT, 1 - ON_BEAT)
    density = share * beat / (TIMING_S * np.sqrt(2 * np.pi)) * np.exp(-0.5 * error**2)
    likelihood: Array = (events.evidence * np.log(BY_CHANCE + (1 - BY_CHANCE) * density)).sum(1)
    return likelihood


def _chunked_score(events: _Events, bpm: float, duration: float) -> float:
    """Best likelihood of each chunk, each with its own phase, summed."""
    chunks = max(1, round(duration / CHUNK_S))
    which = np.minimum((events.times * chunks / duration).astype(int), chunks - 1)
    parts = (events[which == k] for k in range(chunks))
    return float(sum(_log_likelihood(part, bpm).max() for part in parts if len(part.times)))


def _refined(events: _Events, bpm: float, duration: float) -> float:
    """The best tempo nearby when one phase must hold for the whole clip."""
    reach = 2 * TIMING_S / max(min(duration, CHUNK_S), 1.0)
    tempi = bpm * np.linspace(1 - reach, 1 + reach, 2 * int(4 * max(1.0, duration / CHUNK_S)) + 1)
    return float(tempi[np.argmax([_log_likelihood(events, float(tempo)).max() for tempo in tempi])])


def _best_phase(events: _Events, bpm: float) -> float:
    """Seconds of a beat, 0 up to one beat; then centred on the hit points that it explains."""
    beat = 60 / bpm
    phase = float(np.argmax(_log_likelihood(events, bpm))) * beat / PHASES
    offset = (events.times - phase + beat / 4) % (beat / 2) - beat / 4
    near = np.abs(offset) <= TOLERANCE_S
    if not events.weights[near].sum():
        return phase
    return float((phase + np.average(offset[near], weights=events.weights[near])) % beat)


def _on_grid(events: _Events, bpm: float, phase: float) -> float:
    """Share of the weight of the strong hit points within the tolerance of the grid's eighths."""
    strong = events.weights >= 0.5 * events.weights.max()
    eighth = 30 / bpm
    offset = np.abs((events.times - phase + eighth / 2) % eighth - eighth / 2)
    return float(events.weights[strong & (offset <= TOLERANCE_S)].sum() / events.weights[strong].sum())


def _first_downbeat(events: _Events, bpm: float, phase: float, beats_per_bar: int) -> float:
    """The last downbeat at or before 0, counting bars so that they begin on the strongest beats."""
    beat = 60 / bpm
    number = (events.times - phase) / beat
    near = np.abs(number - np.round(number)) * beat <= TOLERANCE_S
    which = np.round(number[near]).astype(int) % beats_per_bar
    strength = np.bincount(which, events.weights[near], beats_per_bar)
    downbeat = phase + int(np.argmax(strength)) * beat
    bar = beats_per_bar * beat
    return float(downbeat - np.ceil(downbeat / bar - 1e-9) * bar)
