"""A plan for music that nobody wrote a plan of: beats, accents, chords, sections, all estimated by ear.

Good enough to fine-tune on, and marked as guessed: bars are taken to have four beats, chords to be plain
triads, and the style to be what the engine would choose for the tempo and the movement.
"""

from __future__ import annotations

import librosa
import numpy as np
from librosa.beat import beat_track
from librosa.onset import onset_strength

from hitpoint.cue.plan import Accent, Chord, CuePlan, Section, SectionKind
from hitpoint.cue.styles import choose_style
from hitpoint.values import Floats
from hitpoint_training.evaluate.sync import HOP, RATE, OnsetCurve, Times, mono, onset_curve
from hitpoint_training.evaluate.tone import chroma, key_correlations

BEATS_PER_BAR = 4
GUESSED = (
    "end", "style", "bpm", "beats_per_bar", "beats", "downbeats", "accents", "chords", "sections", "tonic",
    "minor",
)  # fmt: skip
"""All fields but the length."""
_ACCENT, _APART = 0.35, 0.12  # share of the strongest onsets; seconds between two accents
_BARS_PER_SECTION = 4
_MAJOR, _MINOR = (0, 4, 7), (0, 3, 7)


def guess_plan(sound: Floats, rate: int, movement: float, style: str | None = None) -> CuePlan:
    """From a sound (channels, samples); `movement` (0 to 1) of the picture helps to choose a style."""
    duration = sound.shape[1] / rate
    heard = mono(sound.T, rate)
    curve = onset_curve(heard, RATE)
    beats = _beats(curve, duration)
    bpm = float(60 / np.median(np.diff(beats)))
    downbeats = _downbeats(heard, beats)
    tones = chroma(heard, RATE)
    key = int(np.argmax(key_correlations(tones.mean(axis=1))))
    return CuePlan(
        duration=duration,
        end=_end(heard, duration),
        style=style or choose_style(bpm, movement),
        bpm=bpm,
        beats_per_bar=BEATS_PER_BAR,
        beats=tuple(float(beat) for beat in beats),
        downbeats=tuple(float(beat) for beat in downbeats),
        accents=_accents(curve),
        chords=_chords(tones, downbeats, duration),
        sections=_sections(heard, downbeats, duration),
        tonic=key % 12,
        minor=key >= 12,
    )


def _beats(curve: OnsetCurve, duration: float) -> Times:
    """Beats by librosa's dynamic programming; where it hears fewer than two, two a second."""
    _, frames = beat_track(onset_envelope=curve.values, sr=RATE, hop_length=HOP, trim=False)
    times = np.asarray(frames, np.float64) / curve.rate
    return times if len(times) >= 2 else np.arange(0.0, max(duration, 1.0), 0.5)


def _downbeats(heard: Floats, beats: Times) -> Times:
    """Every fourth beat, from that one of the first four on which the bass is strongest."""
    low = librosa.feature.melspectrogram(y=heard, sr=RATE, hop_length=HOP, fmax=150, n_mels=4)
    strength = onset_strength(S=librosa.power_to_db(low), sr=RATE, hop_length=HOP)
    at = OnsetCurve(strength, RATE / HOP).strongest(beats)
    sums = [float(at[phase::BEATS_PER_BAR].mean()) for phase in range(min(BEATS_PER_BAR, len(beats)))]
    return beats[int(np.argmax(sums)) :: BEATS_PER_BAR]


def _accents(curve: OnsetCurve) -> tuple[Accent, ...]:
    """What the music stresses: the strong onsets, relative to the strongest of the piece."""
    top = float(np.percentile(curve.values, 99.5)) or 1.0
    apart = round(_APART * curve.rate)
    peaks = librosa.util.peak_pick(
        curve.values, pre_max=apart, post_max=apart, pre_avg=apart, post_avg=apart, delta=0, wait=apart
    )
    found = [(index / curve.rate, min(1.0, float(curve.values[index]) / top)) for index in peaks]
    return tuple(Accent(float(time), strength) for time, strength in found if strength >= _ACCENT)


def _chords(tones: Floats, downbeats: Times, duration: float) -> tuple[Chord, ...]:
    """The triad that each bar fits best; bars with the same one are one chord."""
    starts = [0.0, *(float(time) for time in downbeats if 0 < time < duration)]
    rate = tones.shape[1] / duration
    chords: list[Chord] = []
    for start, stop in zip(starts, [*starts[1:], duration], strict=True):
        part = tones[:, int(start * rate) : max(int(start * rate) + 1, int(stop * rate))].mean(axis=1)
        shapes = [
            tuple((root + step) % 12 for step in shape) for shape in (_MAJOR, _MINOR) for root in range(12)
        ]
        best = max(range(24), key=lambda index: float(part[list(shapes[index])].sum()))
        chord = Chord(start, best % 12, shapes[best], best % 12)
        if not chords or chords[-1].pitch_classes != chord.pitch_classes:
            chords.append(chord)
    return tuple(chords)


def _sections(heard: Floats, downbeats: Times, duration: float) -> tuple[Section, ...]:
    """A section every four bars, as intense as it is loud against the others."""
    starts = np.array([0.0, *downbeats[_BARS_PER_SECTION::_BARS_PER_SECTION]])
    starts = starts[starts < duration]
    parts = np.split(heard, (starts[1:] * RATE).astype(int))
    levels = np.array(
        [20 * np.log10(np.sqrt(np.mean(part**2)) + 1e-6) if len(part) else -120.0 for part in parts]
    )
    intensity = np.clip((levels - levels.max()) / 18 + 0.9, 0.1, 0.9)
    return tuple(
        Section(float(start), _kind(index, len(starts), float(level)), float(level))
        for index, (start, level) in enumerate(zip(starts, intensity, strict=True))
    )


def _kind(index: int, count: int, intensity: float) -> SectionKind:
    if count > 2 and index == count - 1:
        return "ending"
    if intensity < 0.4:
        return "intro" if index == 0 else "break"
    return "groove" if intensity < 0.8 or index == 0 else "drop"


def _end(heard: Floats, duration: float) -> float:
    """Where the last sound begins: after it the level never rises above -40 dB of the loudest again."""
    level = librosa.feature.rms(y=heard, hop_length=HOP)[0]
    loud = np.flatnonzero(level > 0.01 * level.max())
    return min(duration, float(loud[-1]) * HOP / RATE) if len(loud) else duration
