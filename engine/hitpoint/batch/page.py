"""The report of a batch for people: one HTML page without any other file. What needs a look comes first."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np
import soundfile

from hitpoint.batch.jobs import Outcome, Row, State
from hitpoint.batch.report import ORDER, Report, per_hour

_COLUMNS, _HEIGHT = 240, 44
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem; color: #1d1f23 }
table { border-collapse: collapse; width: 100% } th, td { padding: .4rem .7rem; text-align: left }
th { border-bottom: 2px solid #999 } td { border-bottom: 1px solid #ddd; vertical-align: top }
.done { color: #1a7f37 } .failed, .aside { color: #b3261e } .skipped, .waiting, .running { color: #6b6b6b }
.note { color: #6b6b6b; font-size: 13px } td.figure { text-align: right; white-space: nowrap }
svg { display: block; background: #f4f5f7 } audio { height: 26px; width: 240px }
"""
_HEADS = ("State", "Clip", "Length", "Music", "Hits", "What")


def report_html(report: Report, folder: Path) -> str:
    """The page, to lie in `folder`: from there it links to timelines and sounds."""
    rows = sorted(report.rows, key=lambda row: ORDER.index(row.state))
    counts = ", ".join(f"{report.count(state)} {_word(state)}" for state in ORDER if report.count(state))
    music = sum((row.job.seconds for row in report.rows if row.state == "done"), start=0)
    heads = "".join(f"<th>{head}" for head in _HEADS)
    body = "\n".join(_row(row, folder) for row in rows)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Hitpoint batch</title>'
        f"<style>{_STYLE}</style><h1>Hitpoint batch</h1><p>{counts or 'nothing to do'}; "
        f"{float(music) / 60:.1f} minutes of music. {report.made} made in this run of {report.wall_s:.0f} s "
        f"with {report.workers} workers ({per_hour(report):.0f} an hour).<p class=note>Below each wave "
        f"are the moments that the music was to land on: green where it does, red where it does not."
        f"<table><tr>{heads}</tr>\n{body}\n</table></html>"
    )


def outline(path: Path, columns: int = _COLUMNS) -> list[float]:
    """The highest level in each of `columns` equal parts of a sound file, 0 to 1; empty without file."""
    try:
        with soundfile.SoundFile(path) as file:
            edges = np.linspace(0, file.frames, columns + 1).astype(int)
            blocks = (file.read(size, dtype="float32", always_2d=True) for size in np.diff(edges))
            return [float(np.abs(block).max(initial=0.0)) for block in blocks]
    except (soundfile.LibsndfileError, OSError):
        return []


def _row(row: Row, folder: Path) -> str:
    job, outcome = row.job, row.outcome
    name = escape(job.request.timeline.name)
    source = _link(job.output, name, folder) if row.state == "done" else name
    music = hits = ""
    if outcome is not None and row.state == "done":
        sound = _href(outcome.asset, folder)
        music = (
            f"{_wave(outcome, float(job.seconds))}"
            f'<audio controls preload="none" src="{sound}"></audio>'
            f"<div class=note>{escape(outcome.style)}, {_link(outcome.asset, 'sound file', folder)}</div>"
        )
        hits = f"{outcome.hit_rate:.0%}<div class=note>by chance {outcome.chance_rate:.0%}</div>"
    return (
        f'<tr><td class="{row.state}">{_word(row.state)}<td>{escape(job.clip) or name}'
        f'<div class=note>{source}</div><td class="figure">{float(job.seconds):.2f} s'
        f'<td>{music}<td class="figure">{hits}<td>{_notes(row)}</tr>'
    )


def _notes(row: Row) -> str:
    if row.state != "done" and row.fault is not None:
        return f"<b>{escape(row.fault.name)}</b>: {escape(f'{row.fault.what} {row.fault.todo}')}"
    warnings = row.outcome.warnings if row.outcome is not None else ()
    return "<br>".join(f'<span class="note">{escape(warning)}</span>' for warning in warnings)


def _wave(outcome: Outcome, seconds: float) -> str:
    """The sound as a picture, with a mark for each hit point."""
    levels = outline(outcome.asset)
    middle = (_HEIGHT - 8) / 2
    bars = "".join(
        f"M{x} {middle * (1 - level):.1f}V{middle * (1 + level):.1f}"
        for x, level in enumerate(levels)
        if level > 0
    )
    marks = "".join(
        f'<path d="M{time / seconds * _COLUMNS:.1f} {_HEIGHT}v-7" stroke-width="2" '
        f'stroke="{"#1a7f37" if hit else "#b3261e"}"/>'
        for time, hit in outcome.hits
        if seconds
    )
    return f'<svg width="{_COLUMNS}" height="{_HEIGHT}"><path d="{bars}" stroke="#5b6b8c"/>{marks}</svg>'


def _link(path: Path, text: str, folder: Path) -> str:
    return f'<a href="{_href(path, folder)}">{text}</a>'


def _href(path: Path, folder: Path) -> str:
    """Relative, so that the page may move together with the results."""
    try:
        return quote(Path(os.path.relpath(path, folder)).as_posix().encode(errors="surrogateescape"))
    except ValueError:  # on another drive of Windows
        return quote(path.as_posix())


def _word(state: State) -> str:
    return "set aside" if state == "aside" else state
