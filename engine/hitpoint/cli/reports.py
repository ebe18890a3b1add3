"""Results as JSON for programs and as tables for people."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from rich.markup import escape
from rich.table import Table

from hitpoint.cue.bundle import InstalledBundle
from hitpoint.cue.verify import Origin
from hitpoint.values import HitReport, Rhythm, ScoreResult, TimelineInfo

if TYPE_CHECKING:
    from hitpoint.cue.make import Cue
    from hitpoint.cue.region import Region

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
            "name": result.title or result.clip.name,
            "record_start": float(result.record_start),
            "duration": float(result.duration),
        },
        "clips": list(result.clips),
        "seed": result.seed,
        "style": result.style,
        "bundle": {"name": result.bundle.name, "sha256": result.bundle.sha256},
        "backend": result.backend,
        "hit_points": [_hit(report) for report in result.hit_points],
        "hit_rate": result.hit_rate,
        "chance_rate": result.chance_rate,
        "tempo_map": [{"time": point.time, "bpm": point.bpm} for point in result.tempo_map],
        "shots": [{"start": shot.start, "duration": shot.duration} for shot in result.shots],
        "motion_source": result.motion_source,
        "ducking": {
            "baked": result.ducking_baked,
            "ranges": [
                {"start": duck.start, "end": duck.end, "gain_db": duck.gain} for duck in result.ducking
            ],
        },
        "timings": {
            "motion_s": result.timings.motion_s,
            "generate_s": result.timings.generate_s,
            "total_s": result.timings.total_s,
        },
        "warnings": list(result.warnings),
        "losses": list(result.losses),
    }


def remake_json(cue: Cue, region: Region, seed: int) -> Json:
    """The documented result of `hitpoint remake --json`; times in seconds from the start of the music."""
    return {
        "output": str(cue.asset.path),
        "sha256": cue.asset.sha256,
        "samples": cue.asset.samples,
        "region": {
            "start": region.start, "stop": region.stop, "first_bar": region.first, "last_bar": region.last,
        },
        "seed": seed,
        "hit_points": [_hit(report) for report in cue.hits],
        "hit_rate": cue.hit_rate,
        "chance_rate": cue.chance_rate,
        "loudness": cue.loudness,
        "backend": cue.backend,
        "warnings": list(cue.warnings),
    }  # fmt: skip


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


def rhythm_text(rhythm: Rhythm) -> str:
    """What was seen, in a few lines for people."""
    source = "pose" if rhythm.source == "pose" else "optical flow"
    tempo = rhythm.tempo
    lines = [
        f"Movement from {source}, {len(rhythm.envelope)} frames at {rhythm.rate:g} per second.",
        f"Tempo {tempo.bpm:.1f} BPM, {tempo.beats_per_bar} beats a bar, first downbeat at "
        f"{tempo.first_beat:.2f} s (fit {tempo.fit:.0%}, {tempo.margin:+.0%} against the next best).",
        f"{len(rhythm.cuts)} cuts, {len(rhythm.peaks)} movement peaks, {len(rhythm.hit_points)} hit points:",
    ]
    lines += [f"  {hit.time:8.3f} s  {hit.strength:4.2f}  {hit.kind}" for hit in rhythm.hit_points]
    return "\n".join(lines)


def origin_json(origin: Origin) -> Json:
    """The documented result of `hitpoint verify --json`."""
    return {
        "ai_generated": origin.ai_generated,
        "engine": origin.engine,
        "bundle": origin.bundle,
        "request": origin.request,
        "seed": origin.seed,
        "style": origin.style,
        "time_reference": origin.time_reference,
        "intact": origin.intact,
    }


def origin_text(origin: Origin) -> str:
    """The same for people."""
    if not origin.ai_generated:
        return "This file carries no mark of Hitpoint."
    state = "unchanged since" if origin.intact else "CHANGED since"
    return (
        f"AI-generated by {origin.engine} with the model {origin.bundle}, style {origin.style}, "
        f"seed {origin.seed}; the sound is {state}. Request {origin.request}."
    )


def bundles_json(bundles: tuple[InstalledBundle, ...]) -> Json:
    """The documented result of `hitpoint models --json`."""
    return [
        {
            "name": bundle.name,
            "path": str(bundle.path),
            "sha256": bundle.sha256,
            "licence": bundle.licence,
            "problem": bundle.problem,
        }
        for bundle in bundles
    ]


def bundles_text(bundles: tuple[InstalledBundle, ...]) -> str:
    """One line per bundle."""
    return "\n".join(
        f"{bundle.name}  {bundle.problem or f'{bundle.sha256[:12]}  {bundle.licence}'}  {bundle.path}"
        for bundle in bundles
    )


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
        "markers": [
            {
                "name": mark.name,
                "time": float(mark.time),
                "duration": float(mark.duration),
                "colour": mark.colour,
                "on": mark.holder,
            }
            for mark in timeline.marks
        ],
        "warnings": [*timeline.losses, *timeline.warnings],
    }


def timeline_table(timeline: TimelineInfo) -> Table:
    """One row per clip."""
    table = Table(title=f"{timeline.name or timeline.path.name}: {_fps(timeline.rate)} fps")
    for heading in ("#", "Clip", "Track", "Starts", "Lasts", "Media"):
        table.add_column(heading, overflow="fold")
    for clip in timeline.clips:
        media = clip.offline and f"[red]offline[/]: {escape(clip.offline)}"
        media = media or (clip.media.path.name if clip.media else "")
        name = clip.name if clip.enabled else f"{clip.name} [dim](disabled)[/]"
        table.add_row(
            str(clip.index), name, clip.track, _seconds(clip.record_start), _seconds(clip.duration), media
        )
    return table


def score_table(result: ScoreResult) -> Table:
    """What an editor wants to know: how well it hit, what it is, where it lies."""
    title = result.title or result.clip.name
    table = Table(show_header=False, title=f"Scored {title!r} ({float(result.duration):.2f} s)")
    hits = [report for report in result.hit_points if report.hit]
    rows = (
        ("Hit points", f"{len(hits)} of {len(result.hit_points)} within half a frame"),
        ("Strong ones", f"{result.hit_rate:.0%} (by chance {result.chance_rate:.0%})"),
        ("Music", f"{result.style}, {result.tempo_map[0].bpm:.1f} BPM, seed {result.seed}"),
        ("Movement from", "pose" if result.motion_source == "pose" else "optical flow"),
        (
            "Time",
            f"{result.timings.total_s:.1f} s (movement {result.timings.motion_s:.1f} s, "
            f"music {result.timings.generate_s:.1f} s)",
        ),
        *((("Clips", f"{len(result.clips)} as one cue"),) if len(result.clips) > 1 else ()),
        *((("Turned down", _dips(result)),) if result.ducking else ()),
        ("Sound", str(result.asset.path)),
        ("Timeline", str(result.output)),
    )
    for name, text in rows:
        table.add_row(name, text)
    return table


def _dips(result: ScoreResult) -> str:
    where = "in the sound" if result.ducking_baked else "as volume automation"
    return f"{len(result.ducking)} times, under speech, {where}"


def _seconds(time: Fraction) -> str:
    return f"{float(time):.3f} s"


def _fps(rate: Fraction) -> str:
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")
