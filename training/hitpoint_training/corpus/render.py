"""From notes to sound: FluidSynth with a SoundFont of a free licence, then level."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pyloudnorm
import soundfile

from hitpoint.errors import MediaError, UsageError
from hitpoint.values import SAMPLE_RATE, Floats
from hitpoint_training.corpus import answer
from hitpoint_training.corpus.annotations import plan_to_json
from hitpoint_training.corpus.compose import Piece
from hitpoint_training.corpus.effects import compress, shine
from hitpoint_training.corpus.midi import write_midi

SOUNDFONT_NAME = "FluidR3Mono_GM.sf3"
_FOLDERS = ("/usr/share/sounds/sf3", "/usr/share/sounds/sf2", "/usr/share/soundfonts",
            "/usr/local/share/soundfonts", "/usr/share/fluidr3mono-gm-soundfont")  # fmt: skip
_LOUDNESS = -14.0  # LUFS
_PEAK = 0.89  # -1 dBFS
_LATENCY = round(0.004 * SAMPLE_RATE)
"""Samples from the time of a note to the steepest rise of its sound, the same for every style: median
4 ms over the strong accents of sixteen pieces."""
_FAINTEST = 1e-3  # of full scale: less than this is the hiss of the reverb
_MOST_LIMITING = 1.6  # at most 4 dB of a hit's peak are rounded off


def find_soundfont(named: Path | None) -> Path:
    """The SoundFont that was named, or the MIT-licensed one in Debian's folders; `MediaError` if missing."""
    candidates = [named] if named else [Path(folder) / SOUNDFONT_NAME for folder in _FOLDERS]
    for path in candidates:
        if path.is_file() and path.open("rb").read(4) == b"RIFF":
            return path
    raise MediaError(
        f"There is no SoundFont at {candidates[0] if named else SOUNDFONT_NAME}.",
        "On Debian: apt install fluidr3mono-gm-soundfont, or name one with --soundfont.",
    )


def find_fluidsynth() -> str:
    """The fluidsynth program; `MediaError` if it is not installed."""
    program = shutil.which("fluidsynth")
    if program is None:
        raise MediaError("The fluidsynth program is not installed.", "On Debian: apt install fluidsynth.")
    return program


def render(piece: Piece, soundfont: Path) -> Floats:
    """(samples, 2) float32 at 48 kHz, exactly as long as the plan, about -14 LUFS, peak at most -1 dBFS.

    Raises `MediaError` if fluidsynth fails; it gets no default SoundFont, or it would take another, of
    unknown licence, in place of one that it cannot read.
    """
    with tempfile.TemporaryDirectory() as folder:
        midi, raw = Path(folder) / "piece.mid", Path(folder) / "piece.raw"
        write_midi(piece, midi)
        command = [
            find_fluidsynth(), "-n", "-i", "-q", "-g", "0.4", "-C", "0", "-R", "1",
            "-o", "synth.default-soundfont=", "-o", "synth.dynamic-sample-loading=1",
            "-o", "synth.reverb.room-size=0.45", "-o", "synth.reverb.level=0.6",
            "-r", str(SAMPLE_RATE), "-O", "float", "-T", "raw", "-F", str(raw), str(soundfont), str(midi),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode != 0 or not raw.is_file() or raw.stat().st_size == 0:
            raise MediaError(f"fluidsynth failed: {done.stderr.strip()[-300:]}", "Check the SoundFont.")
        sound = np.fromfile(raw, "<f4").reshape(-1, 2)
    if np.abs(sound).max(initial=0.0) < _FAINTEST:  # it reports success even if the SoundFont is none
        raise MediaError(f"fluidsynth made no sound with {soundfont}.", "Name another with --soundfont.")
    sound = sound[_LATENCY:]
    sound = shine(sound, *answer.light(piece.plan))
    samples = round(piece.plan.duration * SAMPLE_RATE)
    out = np.zeros((samples, 2), np.float32)
    out[: len(sound)] = sound[:samples]
    fade = min(samples, SAMPLE_RATE // 20)
    out[samples - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return _levelled(out)


def _levelled(sound: Floats) -> Floats:
    """Compress, bring to the loudness target as far as the peaks allow, round off what little stands out."""
    sound = compress(sound)
    peak = float(np.abs(sound).max())
    loudness = -70.0
    if len(sound) > SAMPLE_RATE // 2:
        loudness = float(pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(sound))
    gain = min(10 ** ((_LOUDNESS - loudness) / 20), _MOST_LIMITING * _PEAK / peak)
    loud = sound * np.float32(gain)
    knee = 0.7 * _PEAK
    over = np.abs(loud) > knee
    rounded = knee + (_PEAK - knee) * np.tanh((np.abs(loud[over]) - knee) / (_PEAK - knee))
    loud[over] = np.sign(loud[over]) * rounded
    return loud


def write_piece(piece: Piece, folder: Path, index: int, soundfont: Path) -> None:
    """Render a piece to `{index:05d}.flac` (16 bit) with its plan beside it as `.json`."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", "Create it first.")
    sound = render(piece, soundfont)
    soundfile.write(folder / f"{index:05d}.flac", sound, SAMPLE_RATE, subtype="PCM_16")
    (folder / f"{index:05d}.json").write_text(plan_to_json(piece.plan), "utf-8")
