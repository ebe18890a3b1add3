"""Figures of a folder of pieces (`NNNNN.json` with `.flac` or `.wav`), beside controls that see nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from hitpoint.cue.plan import Accent, CuePlan
from hitpoint.errors import MissingMediaError
from hitpoint.values import SAMPLE_RATE, Floats
from hitpoint_training.corpus.annotations import plan_from_json
from hitpoint_training.evaluate.beats import steady_error
from hitpoint_training.evaluate.loris import Bins, LorisScore, loris_bins, loris_onsets, loris_score
from hitpoint_training.evaluate.sync import (
    RATE,
    curve_auc,
    hit_auc,
    hits_within,
    mono,
    onset_curve,
    picked,
    strong,
)
from hitpoint_training.evaluate.tone import chord_share, clarity_of, pitch_classes, pulse_of

_SUFFIXES = (".flac", ".wav")


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one piece, or means over several. `within_40ms`: share of strong hits with an onset that near."""

    hit_auc: float
    within_40ms: float
    key_clarity: float
    chord_agreement: float
    tempo_error: float
    pulse_clarity: float


@dataclass(frozen=True, slots=True)
class PieceFigures:
    """The figures of a piece and of the same request under each control."""

    name: str
    style: str
    own: Figures
    shuffled_auc: float  # this music, the hits of another piece
    metronome_auc: float  # clicks at the right tempo and a random phase, the hits of this piece
    silence_auc: float


def annotated(folder: Path, audio: Path | None = None) -> tuple[tuple[Path, CuePlan], ...]:
    """(sound file, plan) of every annotation in a folder; the sound of the same name from `audio` if given.

    Raises `MissingMediaError` if there is no annotation, or one without a sound.
    """
    found: list[tuple[Path, CuePlan]] = []
    for text in sorted(folder.glob("*.json")):
        places = [(audio or folder) / (text.stem + suffix) for suffix in _SUFFIXES]
        sound = next((place for place in places if place.is_file()), None)
        if sound is None:
            raise MissingMediaError(f"There is no sound for {text}.", "Render the corpus again.")
        found.append((sound, plan_from_json(text.read_text("utf-8"))))
    if not found:
        raise MissingMediaError(
            f"There are no pieces in {folder}.", "Make some: python -m hitpoint_training.corpus FOLDER"
        )
    return tuple(found)


def figures(audio: Floats, sr: int, plan: CuePlan, rng: np.random.Generator) -> Figures:
    """All figures of a sound that was made for a plan. `audio`: (samples,) or (samples, channels)."""
    mixed = mono(audio, sr)
    curve, pitches = onset_curve(mixed, RATE), pitch_classes(mixed)
    return Figures(
        hit_auc=curve_auc(curve, len(mixed) / RATE, plan.accents, rng),
        within_40ms=hits_within(picked(curve).tolist(), strong(plan.accents).tolist(), 0.040),
        key_clarity=clarity_of(pitches, mixed),
        chord_agreement=chord_share(pitches, plan),
        tempo_error=steady_error(curve, plan),
        pulse_clarity=pulse_of(curve),
    )


def metronome(bpm: float, phase: float, seconds: float) -> Floats:
    """(samples,) at 48 kHz: a click of 30 ms on every beat, the first at `phase` seconds."""
    sound = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    time = np.arange(round(0.03 * SAMPLE_RATE)) / SAMPLE_RATE
    click = (0.5 * np.sin(2 * np.pi * 1000 * time) * np.exp(-time / 0.006)).astype(np.float32)
    for beat in np.arange(phase, seconds, 60 / bpm):
        first = round(float(beat) * SAMPLE_RATE)
        sound[first : first + len(click)] += click[: len(sound) - first]
    return sound


def measure(pieces: Sequence[tuple[Path, CuePlan]], seed: int) -> Iterator[PieceFigures]:
    """The figures of each piece as they are found, with its controls."""
    for index, (path, plan) in enumerate(pieces):
        rng = np.random.default_rng((seed, index))
        audio = _read(path)
        other = _hits_of_another(pieces, index)
        clicks = metronome(plan.bpm, float(rng.uniform(0, 60 / plan.bpm)), plan.duration)
        yield PieceFigures(
            name=path.stem,
            style=plan.style,
            own=figures(audio, RATE, plan, rng),
            shuffled_auc=hit_auc(audio, RATE, other, rng),
            metronome_auc=hit_auc(clicks, SAMPLE_RATE, plan.accents, rng),
            silence_auc=hit_auc(np.zeros_like(clicks), SAMPLE_RATE, plan.accents, rng),
        )


def _read(path: Path) -> Floats:
    """(samples,) at the rate that everything is measured at, so that it is resampled once."""
    audio, rate = soundfile.read(path, dtype="float32")
    return mono(audio, rate)


def _hits_of_another(pieces: Sequence[tuple[Path, CuePlan]], index: int) -> tuple[Accent, ...]:
    """The hits of the piece half the folder further on: another style, as long as there are several."""
    return pieces[(index + max(1, len(pieces) // 2)) % len(pieces)][1].accents


@dataclass(frozen=True, slots=True)
class LorisControls:
    """LORIS's own metric of the same controls, each against the pieces as ground truth."""

    shuffled: LorisScore
    metronome: LorisScore
    silence: LorisScore


def loris_controls(pieces: Sequence[tuple[Path, CuePlan]], seed: int) -> LorisControls:
    """What LORIS's metric says of music, clicks and silence that know nothing of the picture."""
    truth, clicks, silence = list[Bins](), list[Bins](), list[Bins]()
    for index, (path, plan) in enumerate(pieces):
        rng = np.random.default_rng((seed, index))
        truth.append(loris_bins(loris_onsets(_read(path), RATE), plan.duration))
        sound = metronome(plan.bpm, float(rng.uniform(0, 60 / plan.bpm)), plan.duration)
        clicks.append(loris_bins(loris_onsets(sound, SAMPLE_RATE), plan.duration))
        silence.append(np.zeros_like(truth[-1]))
    return LorisControls(
        shuffled=loris_score(truth[1:] + truth[:1], truth),
        metronome=loris_score(clicks, truth),
        silence=loris_score(silence, truth),
    )


def mean(of: Sequence[Figures]) -> Figures:
    """Means, leaving out what could not be measured."""
    rows = [dataclasses.astuple(one) for one in of]
    return Figures(*(mean_known(column) for column in zip(*rows, strict=True)))


def mean_known(values: Sequence[float]) -> float:
    """The mean of the values that are numbers; nan if none is."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
