"""What came of a batch: JSON for programs, one HTML file without any other for people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

from hitpoint import __version__
from hitpoint.batch.jobs import Json, Row, State
from hitpoint.errors import UsageError
from hitpoint.files import write_atomic

ORDER: tuple[State, ...] = ("aside", "failed", "waiting", "running", "skipped", "done")
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem; color: #1d1f23 }
table { border-collapse: collapse; width: 100% } th, td { padding: .35rem .7rem; text-align: left }
th { border-bottom: 2px solid #999 } td { border-bottom: 1px solid #ddd; vertical-align: top }
.done { color: #1a7f37 } .failed, .aside { color: #b3261e } .skipped, .waiting, .running { color: #6b6b6b }
.note { color: #6b6b6b; font-size: 13px } td.figure { text-align: right; white-space: nowrap }
"""


@dataclass(frozen=True, slots=True)
class Report:
    """A batch as it ended. `wall_s` counts this run only, as does `made`, the jobs done in it."""

    rows: tuple[Row, ...]
    wall_s: float
    made: int
    workers: int

    @property
    def clean(self) -> bool:
        """Whether all that was to be done is done."""
        return all(row.state in ("done", "skipped") for row in self.rows)

    def count(self, state: State) -> int:
        """How many jobs ended so."""
        return sum(row.state == state for row in self.rows)

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The timelines that were made, each once."""
        return tuple(dict.fromkeys(row.job.output for row in self.rows if row.state == "done"))


def report_target(path: Path | None) -> None:
    """Raise UsageError for a name that is no report's, before any work is done."""
    if path is not None and path.suffix.lower() not in (".json", ".html"):
        raise UsageError(f"{path.name} is no name for a report.", "Let it end in .json or .html.")


def write_report(report: Report, path: Path) -> Path:
    """Write it in the form that its name asks for. Raises OutputError."""
    html = path.suffix.lower() == ".html"
    text = report_html(report) if html else json.dumps(report_json(report), indent=2, ensure_ascii=False)
    return write_atomic(path, (text + "\n").encode(errors="surrogateescape"))


def report_json(report: Report) -> dict[str, Json]:
    """The documented form; times in seconds."""
    return {
        "engine": f"Hitpoint {__version__}",
        "counts": {state: report.count(state) for state in ORDER},
        "made_in_this_run": report.made,
        "wall_s": round(report.wall_s, 3),
        "per_hour": round(_per_hour(report), 2),
        "workers": report.workers,
        "jobs": [_row_json(row) for row in report.rows],
    }


def report_html(report: Report) -> str:
    """A page that needs nothing else; what needs a look comes first."""
    rows = sorted(report.rows, key=lambda row: ORDER.index(row.state))
    counts = ", ".join(f"{report.count(state)} {_word(state)}" for state in ORDER if report.count(state))
    heads = "".join(f"<th>{head}" for head in ("State", "Source", "Clip", "Length", "Hits", "Music", "What"))
    body = "\n".join(_row_html(row) for row in rows)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Hitpoint batch</title>'
        f"<style>{_STYLE}</style><h1>Hitpoint batch</h1><p>{counts or 'nothing to do'}. "
        f"{report.made} made in this run of {report.wall_s:.0f} s with {report.workers} workers "
        f"({_per_hour(report):.0f} an hour).</p><table><tr>{heads}</tr>\n{body}\n</table></html>"
    )


def _per_hour(report: Report) -> float:
    return 3600 * report.made / report.wall_s if report.wall_s else 0.0


def _row_json(row: Row) -> Json:
    outcome, fault = row.outcome, row.fault
    return {
        "key": row.job.key,
        "state": row.state,
        "source": str(row.job.request.timeline),
        "clip": {
            "number": row.job.request.clip,
            "name": row.job.clip,
            "duration": float(row.job.seconds),
        },
        "output": str(row.job.output),
        "deaths": row.deaths,
        "result": None if outcome is None else {
            "asset": str(outcome.asset),
            "sha256": outcome.sha256,
            "style": outcome.style,
            "hit_rate": outcome.hit_rate,
            "chance_rate": outcome.chance_rate,
            "wall_s": round(outcome.wall_s, 3),
            "warnings": list(outcome.warnings),
        },
        "error": None if fault is None or row.state == "done" else {
            "name": fault.name, "what": fault.what, "todo": fault.todo
        },
    }  # fmt: skip


def _row_html(row: Row) -> str:
    outcome, notes = row.outcome, []
    if row.fault is not None and row.state != "done":
        notes = [f"<b>{escape(row.fault.name)}</b>: {escape(f'{row.fault.what} {row.fault.todo}')}"]
    elif outcome is not None:
        notes = [f'<span class="note">{escape(warning)}</span>' for warning in outcome.warnings]
    hits = "" if outcome is None else f"{outcome.hit_rate:.0%}"
    music = (
        "" if outcome is None else f"{outcome.style}<br><span class=note>{escape(outcome.asset.name)}</span>"
    )
    return (
        f'<tr><td class="{row.state}">{_word(row.state)}<td>{escape(row.job.request.timeline.name)}'
        f'<td>{escape(row.job.clip)}<td class="figure">{float(row.job.seconds):.2f} s'
        f'<td class="figure">{hits}<td>{music}<td>{"<br>".join(notes)}</tr>'
    )


def _word(state: State) -> str:
    return "set aside" if state == "aside" else state
