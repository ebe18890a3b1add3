"""One picture of what was seen: frames above the curve, accents, cuts, beats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hitpoint.errors import OutputError
from hitpoint.media.probe import probe
from hitpoint.motion.frames import Picture, read_frames
from hitpoint.values import HitPoint, MediaRange, Rhythm

WIDTH_IN, HEIGHT_IN, DPI = 12.0, 4.2, 100
FRAMES_SHOWN = 10
_SURFACE, _INK, _QUIET, _LINE = "#fcfcfb", "#0b0b0b", "#898781", "#e1e0d9"
_MOVEMENT, _CUT, _USER = "#2a78d6", "#eb6834", "#1baf7a"
_COLOURS = {"movement": _MOVEMENT, "cut": _CUT, "user": _USER}
_WORDS = {"movement": "movement hit points", "cut": "cuts", "user": "your points"}


def plot_rhythm(rhythm: Rhythm, media: MediaRange, out: Path) -> None:
    """Draw the rhythm of a clip into a PNG file. Reads the clip once more for the frames.

    Raises MediaError if the clip cannot be read and OutputError if `out` cannot be written.
    """
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, facecolor=_SURFACE)
    FigureCanvasAgg(figure)
    strip, curve = figure.subplots(2, 1, height_ratios=(1.0, 1.5))
    duration = float(media.duration)
    _draw_frames(strip, media, duration)
    _draw_curve(curve, rhythm, duration)
    figure.subplots_adjust(left=0.045, right=0.99, top=0.98, bottom=0.12, hspace=0.06)
    try:
        figure.savefig(out, format="png")
    except OSError as error:
        raise OutputError(f"{out} cannot be written ({error.strerror}).", "Choose another folder.") from error


def _draw_frames(axes: Axes, media: MediaRange, duration: float) -> None:
    """Evenly spaced frames, each over its own time."""
    pictures = _pictures(media, duration)
    axes.set_xlim(0, duration)
    axes.set_axis_off()
    for index, picture in enumerate(pictures):
        left, right = index * duration / len(pictures), (index + 1) * duration / len(pictures)
        axes.imshow(_fitted(picture), extent=(left, right, 0, 1), aspect="auto", interpolation="lanczos")
    axes.set_ylim(0, 1)


def _pictures(media: MediaRange, duration: float) -> list[Picture]:
    """The frame on screen in the middle of each of FRAMES_SHOWN stretches of the clip."""
    wanted = (np.arange(FRAMES_SHOWN) + 0.5) * duration / FRAMES_SHOWN
    nearest: list[tuple[float, Picture | None]] = [(np.inf, None)] * FRAMES_SHOWN
    for frame in read_frames(media, probe(media.path), rate=4 * FRAMES_SHOWN / max(duration, 1e-6)):
        if frame.picture is None:
            continue
        index = int(np.argmin(np.abs(wanted - frame.time)))
        away = abs(float(wanted[index]) - frame.time)
        if away < nearest[index][0]:
            nearest[index] = (away, frame.picture)
    return [picture for _, picture in nearest if picture is not None]


def _fitted(picture: Picture) -> Picture:
    """The middle of the picture in the shape of its place in the strip."""
    height, width = picture.shape[:2]
    shape = WIDTH_IN * 0.945 / FRAMES_SHOWN / (HEIGHT_IN * 0.86 * 0.39)
    wide, high = min(width, round(height * shape)), min(height, round(width / shape))
    top, left = (height - high) // 2, (width - wide) // 2
    return picture[top : top + high, left : left + wide]


def _draw_curve(axes: Axes, rhythm: Rhythm, duration: float) -> None:
    axes.set_facecolor(_SURFACE)
    beat = 60 / rhythm.tempo.bpm
    first = rhythm.tempo.first_beat
    for number in range(int(np.ceil(-first / beat)), int((duration - first) / beat) + 1):
        down = number % rhythm.tempo.beats_per_bar == 0
        axes.axvline(
            first + number * beat, color=_QUIET if down else _LINE, linewidth=1.2 if down else 0.8, zorder=0
        )
    times = np.arange(len(rhythm.envelope)) / rhythm.rate
    axes.fill_between(times, rhythm.envelope, color=_MOVEMENT, alpha=0.18, linewidth=0)
    axes.plot(times, rhythm.envelope, color=_MOVEMENT, linewidth=1.2)
    for kind in ("movement", "cut", "user"):
        _draw_hits(axes, [hit for hit in rhythm.hit_points if hit.kind == kind], kind)
    axes.set_xlim(0, duration)
    axes.set_ylim(0, 1.18)
    axes.set_yticks([])
    axes.tick_params(colors=_QUIET, labelsize=9)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_LINE)
    tempo = f"{rhythm.tempo.bpm:.1f} bpm, fit {rhythm.tempo.fit:.0%}, margin {rhythm.tempo.margin:+.0%}"
    axes.set_xlabel(
        f"seconds of the clip   (grey: beats and bars at {tempo}; read from {rhythm.source})", color=_INK
    )
    axes.legend(loc="upper right", ncols=3, frameon=False, fontsize=9, labelcolor=_INK, borderaxespad=0)


def _draw_hits(axes: Axes, hits: list[HitPoint], kind: str) -> None:
    if not hits:
        return
    times, strengths = [hit.time for hit in hits], [hit.strength for hit in hits]
    axes.vlines(times, 0, strengths, color=_COLOURS[kind], linewidth=1.6)
    axes.scatter(
        times,
        strengths,
        color=_COLOURS[kind],
        s=30,
        edgecolors=_SURFACE,
        linewidths=1,
        zorder=3,
        label=_WORDS[kind],
    )
