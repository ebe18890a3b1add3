"""What came of a batch, and as JSON for programs; `page.py` has it for people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from hitpoint import __version__
from hitpoint.batch.jobs import Json, Row, State
from hitpoint.errors import UsageError
from hitpoint.files import write_atomic

ORDER: tuple[State, ...] = ("aside", "failed", "waiting", "running", "skipped", "done")


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
    from hitpoint.batch.page import report_html

    html = path.suffix.lower() == ".html"
    text = (
        report_html(report, path.resolve().parent)
        if html
        else json.dumps(report_json(report), indent=2, ensure_ascii=False)
    )
    return write_atomic(path, (text + "\n").encode(errors="surrogateescape"))


def report_json(report: Report) -> dict[str, Json]:
    """The documented form; times in seconds."""
    return {
        "engine": f"Hitpoint {__version__}",
        "counts": {state: report.count(state) for state in ORDER},
        "made_in_this_run": report.made,
        "wall_s": round(report.wall_s, 3),
        "per_hour": round(per_hour(report), 2),
        "workers": report.workers,
        "jobs": [_row_json(row) for row in report.rows],
    }


def per_hour(report: Report) -> float:
    """Jobs done in an hour at the speed of this run."""
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
