"""Results as JSON for programs and as tables for people."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TypeAlias

from rich.table import Table

from hitpoint.values import HitReport, Rhythm, ScoreResult, TimelineInfo

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | int | bool | None"


def dumps(value: Json) -> str:
    """Strict JSON (no NaN), readable."""
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False)


def score_json(result: ScoreResult) -> Json:
    """The documented result of `hitpoint score --json`; times in seconds from the start of the clip."""
    return {
        "output": str(result.output),
        "asset": {
            "path": str(result.asset.path),
            "sha256": result.asset.sha256,
            "sample_rate": result.asset.sample_rate,
            "channels": result.asset.channels,
            "samples": result.asset.samples,
        },
        "clip": {
            "name": result.clip.name,
            "record_start": float(result.record_start),
            "duration": float(result.duration),
        },
        "seed": result.seed,
        "style": result.style,
        "bundle": {"name": result.bundle.name, "sha256": result.bundle.sha256},
        "hit_points": [_hit(report) for report in result.hit_points],
        "hit_rate": result.hit_rate,
        "chance_rate": result.chance_rate,
        "tempo_map": [{"time": point.time, "bpm": point.bpm} for point in result.tempo_map],
        "shots": [{"start": shot.start, "duration": shot.duration} for shot in result.shots],
        "motion_source": result.motion_source,
        "timings": {
            "motion_s": result.timings.motion_s,
            "generate_s": result.timings.generate_s,
            "total_s": result.timings.total_s,
        },
        "warnings": list(result.warnings),
    }


def _hit(report: HitReport) -> Json:
    return {
        "time": report.time,
        "strength": report.strength,
        "kind": report.kind,
        "achieved": report.achieved,
        "error_ms": report.error_ms,
        "hit": report.hit,
    }


def rhythm_json(rhythm: Rhythm) -> Json:
    """The documented result of `hitpoint rhythm --json`."""
    return {
        "envelope": [round(float(value), 5) for value in rhythm.envelope],
        "rate": rhythm.rate,
        "peaks": [{"time": peak.time, "strength": peak.strength} for peak in rhythm.peaks],
        "cuts": list(rhythm.cuts),
        "shots": [{"start": shot.start, "duration": shot.duration} for shot in rhythm.shots],
        "hit_points": [
            {"time": hit.time, "strength": hit.strength, "kind": hit.kind} for hit in rhythm.hit_points
        ],
        "tempo": {
            "bpm": rhythm.tempo.bpm,
            "first_beat": rhythm.tempo.first_beat,
            "beats_per_bar": rhythm.tempo.beats_per_bar,
            "fit": rhythm.tempo.fit,
            "margin": rhythm.tempo.margin,
        },
        "motion_source": rhythm.source,
        "warnings": list(rhythm.warnings),
    }


def timeline_json(timeline: TimelineInfo) -> Json:
    """The documented result of `hitpoint inspect --json`."""
    return {
        "path": str(timeline.path),
        "name": timeline.name,
        "rate": float(timeline.rate),
        "start_timecode": float(timeline.start_timecode),
        "duration": float(timeline.duration),
        "clips": [
            {
                "index": clip.index,
                "name": clip.name,
                "track": clip.track,
                "record_start": float(clip.record_start),
                "duration": float(clip.duration),
                "media": str(clip.media.path) if clip.media else None,
                "media_start": float(clip.media.start) if clip.media else None,
                "speed": float(clip.media.speed) if clip.media else None,
                "enabled": clip.enabled,
                "offline": clip.offline,
            }
            for clip in timeline.clips
        ],
        "warnings": list(timeline.warnings),
    }


def timeline_table(timeline: TimelineInfo) -> Table:
    """One row per clip."""
    table = Table(title=f"{timeline.name or timeline.path.name}: {_fps(timeline.rate)} fps")
    for heading in ("#", "Clip", "Track", "Starts", "Lasts", "Media"):
        table.add_column(heading, overflow="fold")
    for clip in timeline.clips:
        media = clip.offline and f"[red]offline[/]: {clip.offline}"
        media = media or (clip.media.path.name if clip.media else "")
        name = clip.name if clip.enabled else f"{clip.name} [dim](disabled)[/]"
        table.add_row(
            str(clip.index), name, clip.track, f"{clip.record_start:.3f} s", f"{clip.duration:.3f} s", media
        )
    return table


def score_table(result: ScoreResult) -> Table:
    """What an editor wants to know: how well it hit, what it is, where it lies."""
    table = Table(show_header=False, title=f"Scored {result.clip.name!r} ({float(result.duration):.2f} s)")
    hits = [report for report in result.hit_points if report.hit]
    rows = (
        ("Hit points", f"{len(hits)} of {len(result.hit_points)} within half a frame"),
        ("Strong ones", f"{result.hit_rate:.0%} (by chance {result.chance_rate:.0%})"),
        ("Music", f"{result.style}, {result.tempo_map[0].bpm:.1f} BPM, seed {result.seed}"),
        ("Movement from", "pose" if result.motion_source == "pose" else "optical flow (nobody in shot)"),
        (
            "Time",
            f"{result.timings.total_s:.1f} s (movement {result.timings.motion_s:.1f} s, "
            f"music {result.timings.generate_s:.1f} s)",
        ),
        ("Sound", str(result.asset.path)),
        ("Timeline", str(result.output)),
    )
    for name, text in rows:
        table.add_row(name, text)
    return table


def _fps(rate: Fraction) -> str:
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")
