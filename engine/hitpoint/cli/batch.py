"""`hitpoint batch`: a whole folder of timelines and videos, unattended."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from hitpoint.batch.jobs import Job, Tally
from hitpoint.batch.report import ORDER, Report, report_json
from hitpoint.cli import console, reports
from hitpoint.cue.plan import STYLES
from hitpoint.errors import UsageError
from hitpoint.progress import Progress
from hitpoint.values import ScoreRequest

if TYPE_CHECKING:
    from hitpoint.batch.cluster import Cluster
    from hitpoint.batch.run import Crew


def batch(
    inputs: Annotated[list[Path], typer.Argument(help="Timelines and video files.")],
    folder: Annotated[Path, typer.Option("--output", "-o", help="The folder for the results.")],
    all_clips: Annotated[bool, typer.Option("--all-clips", help="Every clip of each timeline.")] = False,
    select: Annotated[
        str | None, typer.Option("--select", help="These clips of each: 'name:shot* min:2 !track:V2'.")
    ] = None,
    clip: Annotated[str | None, typer.Option("--clip", help="Name or number of the clip in each.")] = None,
    style: Annotated[str, typer.Option(help=f"auto, {', '.join(STYLES)}.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Other seed, other music.")] = 1,
    takes: Annotated[int, typer.Option(min=1, max=32, help="Make so many and keep the best.")] = 1,
    bundle: Annotated[Path | None, typer.Option(help="Another model bundle.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=1024, help="How many at a time; without it, one per core.")
    ] = None,
    executor: Annotated[str, typer.Option(help="local (this machine) or ray (a cluster).")] = "local",
    address: Annotated[str, typer.Option(help="Of the Ray cluster, for example auto or host:6379.")] = "",
    resume: Annotated[bool, typer.Option("--resume/--fresh", help="Go on, or do all of it again.")] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, write nothing.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Write what came of it: .json or .html.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    """Score many clips, several at a time; stopped or killed, the same command goes on."""
    from hitpoint.batch.choose import parse_choice
    from hitpoint.batch.session import Asked, carry_out, preview

    if (clip is not None) + (select is not None) + all_clips > 1:
        console.fail(UsageError("--clip, --select and --all-clips exclude each other.", "Give one of them."))
    choice = None if select is None else console.run(lambda _: parse_choice(select), quiet=True, debug=debug)
    asked = Asked(
        inputs=tuple(inputs),
        folder=folder,
        request=ScoreRequest(Path(), clip=clip, style=style, seed=seed, takes=takes, bundle=bundle),
        all_clips=all_clips,
        choice=choice,
        fresh=not resume,
        report=report,
        crew=_crew(executor, address, jobs, bundle),
    )
    quiet = as_json and not sys.stderr.isatty()
    if dry_run:
        _show_plan(console.run(lambda progress: preview(asked, progress), quiet=quiet, debug=debug), as_json)
        return

    def work(progress: Progress) -> Report:
        with _Display(quiet) as display:
            return carry_out(asked, progress, display.show)

    result = console.run(work, quiet=True, debug=debug)
    if as_json:
        _print([reports.dumps(report_json(result))])
    else:
        console.err.print(_result(result))
        _print([str(output) for output in result.outputs])
    raise SystemExit(0 if result.clean else 1)


def _crew(executor: str, address: str, jobs: int | None, bundle: Path | None) -> Crew | Cluster:
    from hitpoint.batch.cluster import Cluster
    from hitpoint.batch.run import Crew, good_number

    if executor == "ray":
        return Cluster(jobs or 0, address, bundle)
    if executor != "local":
        console.fail(UsageError(f"There is no executor {executor!r}.", "Use local or ray."))
    if address:
        console.fail(UsageError("--address is of a Ray cluster.", "Give --executor ray as well."))
    return Crew(jobs or good_number())


class _Display:
    """What is being worked on, how fast, and how long it will take; lines where there is no terminal."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._live = Live(console=console.err, transient=True, refresh_per_second=4)
        self._terminal = console.err.is_terminal and not quiet
        self._began: tuple[float, int] | None = None
        self._said = -1

    def __enter__(self) -> _Display:
        if self._terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, tally: Tally) -> None:
        """Called several times a second."""
        if self._began is None:
            self._began = time.monotonic(), tally.finished
        if self._terminal:
            self._live.update(_progress_table(tally, self._summary(tally)))
        elif not self._quiet and tally.finished != self._said:
            self._said = tally.finished
            sys.stderr.write(f"{self._summary(tally)}\n")

    def _summary(self, tally: Tally) -> str:
        began, before = self._began or (time.monotonic(), tally.finished)
        spent, made = time.monotonic() - began, tally.finished - before
        text = f"{tally.finished} of {tally.finished + tally.left} finished"
        if tally.counts["failed"] or tally.counts["aside"]:
            text += f" ({tally.counts['failed']} failed, {tally.counts['aside']} set aside)"
        if made and tally.left:
            text += f", {3600 * made / spent:.0f} an hour, {_clock(spent / made * tally.left)} left"
        return text


def _progress_table(tally: Tally, summary: str) -> Table:
    table = Table(title=summary, min_width=60)
    for heading in ("Source", "Clip", "Doing", "%"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "%" else "left")
    for row in tally.running:
        source = escape(row.job.request.timeline.name)
        table.add_row(source, escape(row.job.clip), row.stage or "starting", f"{100 * row.fraction:.0f}")
    return table


def _result(report: Report) -> Table | str:
    """The totals, and a line for each job that needs a look."""
    counts = ", ".join(f"{report.count(state)} {state}" for state in ORDER if report.count(state))
    totals = f"{counts or 'Nothing to do'}; {report.made} made in {_clock(report.wall_s)}"
    if all(row.state == "done" for row in report.rows):
        return totals
    table = Table(title=totals)
    for heading in ("Source", "Clip", "State", "Why"):
        table.add_column(heading, overflow="fold")
    for row in report.rows:
        if row.state != "done" and row.fault is not None:
            why = f"{row.fault.name}: {row.fault.what} {row.fault.todo}"
            table.add_row(escape(row.job.request.timeline.name), escape(row.job.clip), row.state, escape(why))
    return table


def _show_plan(jobs: Sequence[Job], as_json: bool) -> None:
    if as_json:
        _print([reports.dumps([_plan_json(job) for job in jobs])])
        return
    table = Table(title=f"{sum(job.fault is None for job in jobs)} to score; nothing was written")
    for heading in ("Source", "Clip", "Lasts", "Result"):
        table.add_column(heading, overflow="fold")
    for job in jobs:
        result = str(job.output) if job.fault is None else f"{job.fault.name}: {job.fault.what}"
        source = escape(job.request.timeline.name)
        table.add_row(source, escape(job.clip), f"{float(job.seconds):.2f} s", escape(result))
    console.err.print(table)
    _print([str(output) for output in dict.fromkeys(job.output for job in jobs if job.fault is None)])


def _plan_json(job: Job) -> reports.Json:
    return {
        "key": job.key,
        "source": str(job.request.timeline),
        "clip": {"number": job.request.clip, "name": job.clip, "duration": float(job.seconds)},
        "output": str(job.output),
        "problem": None if job.fault is None else f"{job.fault.name}: {job.fault.what}",
    }


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _print(lines: Sequence[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
