"""From a stretch of video to its rhythm, in one call."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hitpoint.motion.descriptors import describe_shots
from hitpoint.motion.frames import ANALYSIS_RATE
from hitpoint.motion.line import watch_line
from hitpoint.motion.track import GRID_RATE, MotionTrack
from hitpoint.motion.watch import watch
from hitpoint.progress import Progress
from hitpoint.rhythm.accents import accent_curve
from hitpoint.rhythm.hitpoints import choose_hit_points, full_strength
from hitpoint.rhythm.peaks import pick_peaks
from hitpoint.rhythm.tempo import TEMPO_RANGE, fit_tempo
from hitpoint.values import (
    AccentKind,
    HitPoint,
    MarkedHits,
    MediaInfo,
    MediaRange,
    Peak,
    Piece,
    Rhythm,
)

DEFAULT_ACCENTS: AccentKind = "impact"
_UNSURE = 0.05  # margin below which another tempo would have done as well


def extract_rhythm(
    media: MediaRange,
    info: MediaInfo,
    *,
    pose_model: Path,
    progress: Progress,
    accents: AccentKind = DEFAULT_ACCENTS,
    user_hits: tuple[HitPoint, ...] = (),
    bpm: float | None = None,
    tempo_range: tuple[float, float] = TEMPO_RANGE,
    rate: float = ANALYSIS_RATE,
    marked: MarkedHits | None = None,
    pieces: tuple[Piece, ...] = (),
) -> Rhythm:
    """Watch the range, or the line of `pieces` instead, and say what its movement asks of the music.

    `rate` is how many pictures per second are looked at, at most; the envelope always has 50 rows per
    second. Raises MediaError, ModelBundleError, UsageError for an impossible tempo, and Cancelled.
    """
    if pieces:
        track = watch_line(pieces, pose_model, progress, rate)
    else:
        track = watch(media, info, pose_model, progress, rate)
    return read_rhythm(track, accents, user_hits, bpm, tempo_range, marked)


def read_rhythm(
    track: MotionTrack,
    accents: AccentKind = DEFAULT_ACCENTS,
    user_hits: tuple[HitPoint, ...] = (),
    bpm: float | None = None,
    tempo_range: tuple[float, float] = TEMPO_RANGE,
    marked: MarkedHits | None = None,
) -> Rhythm:
    """The part after watching: takes milliseconds, so edits to hit points or tempo need no second look."""
    curve = accent_curve(track, accents)
    found = pick_peaks(curve.values, GRID_RATE)
    one = full_strength(found, track.duration)
    peaks = tuple(Peak(peak.time, min(1.0, peak.strength / one)) for peak in found)
    hits = choose_hit_points(peaks, track.cuts, user_hits, track.duration, marked)
    tempo = fit_tempo(hits, track.duration, bpm, tempo_range)
    warnings = [*track.warnings, *([marked.note] if marked else ())]
    if curve.source == "flow" and not track.warnings:
        warnings.append("Nobody could be followed in this clip; the movement of the whole picture was used.")
    if not hits:
        warnings.append("Hardly anything moves in this clip: the music has no hit points.")
    elif bpm is None and tempo.margin < _UNSURE:
        warnings.append("No tempo fits the hit points much better than others; pin one if you know it.")
    return Rhythm(
        envelope=np.clip(curve.values / one, 0, 1).astype(np.float32),
        rate=GRID_RATE,
        peaks=peaks,
        cuts=track.cuts,
        shots=describe_shots(track),
        hit_points=hits,
        tempo=tempo,
        source=curve.source,
        warnings=tuple(warnings),
        from_markers=marked is not None,
    )
