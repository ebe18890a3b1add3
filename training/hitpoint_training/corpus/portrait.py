"""`python -m hitpoint_training.corpus.portrait OUT.png`: a piece as piano roll, spectrogram and onsets."""

from __future__ import annotations

import argparse
from pathlib import Path

import librosa
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hitpoint.cue.plan import CuePlan
from hitpoint.values import SAMPLE_RATE, Floats
from hitpoint_training.corpus.compose import Piece, compose
from hitpoint_training.corpus.notes import PARTS
from hitpoint_training.corpus.render import find_soundfont, render
from hitpoint_training.evaluate.sync import onset_curve

_DRUMS_DOWN = 22  # semitones: drums are drawn below the bass
_COLOURS = matplotlib.colormaps["tab10"]


def draw(piece: Piece, sound: Floats) -> Figure:
    """The picture of a piece and its rendering; red lines are the accents, black ones section changes."""
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    roll, spectrum, strength = figure.subplots(3, 1, sharex=True, height_ratios=(5, 3, 2))
    _roll(roll, piece)
    _spectrum(spectrum, sound)
    curve = onset_curve(sound, SAMPLE_RATE)
    strength.plot(np.arange(len(curve.values)) / curve.rate, curve.values, lw=0.6, color="0.2")
    strength.set(ylabel="onset strength", xlabel="seconds", xlim=(0, piece.plan.duration))
    for axes in (roll, strength):
        _marks(axes, piece.plan)
    return figure


def _roll(axes: Axes, piece: Piece) -> None:
    for note in piece.notes:
        pitch = note.pitch - (_DRUMS_DOWN if note.part == "drums" else 0)
        colour = _COLOURS(PARTS.index(note.part))
        faint = (note.velocity / 127) ** 2
        axes.plot([note.start, note.stop], [pitch, pitch], color=colour, lw=1.8, alpha=faint)
    for index, part in enumerate(PARTS):
        axes.plot([], [], color=_COLOURS(index), lw=2, label=part)
    axes.legend(ncols=len(PARTS), loc="upper center", fontsize=7, frameon=False)
    for section in piece.plan.sections:
        axes.text(section.start + 0.1, 86, f"{section.kind} {section.intensity:.2f}", fontsize=8)
    mode = "minor" if piece.plan.minor else "major"
    key = f"{librosa.midi_to_note(60 + piece.plan.tonic, octave=False)} {mode}"
    axes.set(ylabel="MIDI note", ylim=(10, 95), title=f"{piece.plan.style}, {piece.plan.bpm:.0f} bpm, {key}")


def _spectrum(axes: Axes, sound: Floats) -> None:
    mixed = librosa.resample(sound.mean(axis=1), orig_sr=SAMPLE_RATE, target_sr=8000)
    level = librosa.amplitude_to_db(np.abs(librosa.stft(mixed, n_fft=2048, hop_length=128)), ref=np.max)
    extent = (0, len(mixed) / 8000, 0, 4000)
    axes.imshow(level, origin="lower", aspect="auto", extent=extent, vmin=-75, cmap="magma")
    axes.set(ylabel="Hz", ylim=(0, 2500))


def _marks(axes: Axes, plan: CuePlan) -> None:
    for accent in plan.accents:
        axes.axvline(accent.time, color="red", alpha=0.6 * accent.strength, lw=0.8)
    for section in plan.sections[1:]:
        axes.axvline(section.start, color="black", lw=0.8)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m hitpoint_training.corpus.portrait", description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--duration", type=float, default=30.0)
    options = parser.parse_args()
    piece = compose(options.seed, None, options.duration)
    draw(piece, render(piece, find_soundfont(None))).savefig(options.picture, dpi=55)


if __name__ == "__main__":
    main()
