"""The durable queue: one SQLite file beside the outputs, which survives the death of anybody who uses it.

A job is acknowledged late, after its files are written, and only by the worker that holds it. The lease on
it is a counter that the worker raises; nobody compares clocks, so neither a changed time of day nor a
restart of the machine can end a lease early or keep it forever.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import get_args

from hitpoint.batch.jobs import (
    Fault,
    Job,
    Outcome,
    Row,
    State,
    Tally,
    outcome_of,
    outcome_text,
    request_of,
    request_text,
)
from hitpoint.errors import OutputError

MOST_DEATHS = 3
_BUSY_S = 30.0
_TABLE = """
CREATE TABLE IF NOT EXISTS job (
    key TEXT PRIMARY KEY, number INTEGER NOT NULL, wanted INTEGER NOT NULL DEFAULT 1,
    source TEXT NOT NULL, request TEXT NOT NULL, output TEXT NOT NULL, clip TEXT NOT NULL,
    seconds TEXT NOT NULL, state TEXT NOT NULL, owner TEXT NOT NULL DEFAULT '',
    beat INTEGER NOT NULL DEFAULT 0, deaths INTEGER NOT NULL DEFAULT 0,
    stage TEXT NOT NULL DEFAULT '', fraction REAL NOT NULL DEFAULT 0, outcome TEXT,
    fault TEXT NOT NULL DEFAULT '', what TEXT NOT NULL DEFAULT '', todo TEXT NOT NULL DEFAULT ''
) STRICT
"""


class Queue:
    """A connection to the queue in the file `path`; each thread and each process opens its own.

    Every method raises OutputError where the file cannot be used, on a full disk for example; a change is
    then made wholly or not at all.
    """

    def __init__(self, path: Path) -> None:
        """Open or create."""
        self._path = path
        with self._usable():
            self._db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(_TABLE)

    def close(self) -> None:
        """Let go of the file; the last one to do so folds the log into it."""
        with self._usable():
            self._db.close()

    def forget(self, jobs: Iterable[Job]) -> None:
        """As if these had never been asked for; files that were made stay."""
        with self._usable(), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("DELETE FROM job WHERE key = ?", [(job.key,) for job in jobs])

    def ask(self, jobs: Iterable[Job]) -> None:
        """Make `jobs`, in this order, what is wanted now.

        What is done or set aside stays so; what failed is tried again, as the cause may be gone; what an
        earlier run left running is given back.
        """
        with self._usable(), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("UPDATE job SET wanted = 0")
            for number, job in enumerate(jobs):
                self._ask(number, job)

    def _ask(self, number: int, job: Job) -> None:
        fault = job.fault or Fault("", "")
        state: State = "skipped" if job.skipped else "failed" if job.fault else "waiting"
        values = (
            job.key, number, str(job.request.timeline), request_text(job.request), str(job.output), job.clip,
            str(job.seconds), state, fault.name, fault.what, fault.todo,
        )  # fmt: skip
        self._db.execute(
            "INSERT INTO job (key, number, source, request, output, clip, seconds, state, fault, what, todo)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (key) DO UPDATE SET"
            " number = excluded.number, wanted = 1, owner = '',"
            " fault = iif(state IN ('done', 'aside'), fault, excluded.fault),"
            " what = iif(state IN ('done', 'aside'), what, excluded.what),"
            " todo = iif(state IN ('done', 'aside'), todo, excluded.todo),"
            " state = iif(state IN ('done', 'aside'), state, excluded.state)",
            values,
        )

    def outputs(self) -> Mapping[Path, Path]:
        """Where the result of each source goes that was ever asked for: it keeps that name."""
        rows, _ = self._do("SELECT source, output FROM job ORDER BY number")
        return {Path(row["source"]): Path(row["output"]) for row in rows}

    def take(self, owner: str) -> Job | None:
        """Lease the next job to `owner`; None if nothing waits. What has killed a worker comes last."""
        rows, _ = self._do(
            "UPDATE job SET state = 'running', owner = ?, beat = beat + 1, stage = '', fraction = 0"
            " WHERE key = (SELECT key FROM job WHERE state = 'waiting' AND wanted"
            " ORDER BY deaths, number LIMIT 1) RETURNING *",
            owner,
        )
        return _job(rows[0]) if rows else None

    def beat(self, key: str, owner: str, stage: str, fraction: float) -> bool:
        """Keep the lease and say how far it is; False if the job is no longer `owner`'s."""
        return self._held(
            "UPDATE job SET beat = beat + 1, stage = ?, fraction = ?", key, owner, stage, fraction
        )

    def done(self, key: str, owner: str, outcome: Outcome) -> bool:
        """Acknowledge; to be called when the files are written. False if the job is not `owner`'s."""
        change = "UPDATE job SET state = 'done', outcome = ?, fault = '', what = '', todo = ''"
        return self._held(change, key, owner, outcome_text(outcome))

    def failed(self, key: str, owner: str, fault: Fault) -> bool:
        """End a job that Hitpoint itself refused; it is not tried again in this run."""
        change = "UPDATE job SET state = 'failed', fault = ?, what = ?, todo = ?"
        return self._held(change, key, owner, fault.name, fault.what, fault.todo)

    def release(self, owner: str) -> None:
        """Give back what `owner` holds: it was told to stop, and the job is not to blame."""
        self._do("UPDATE job SET state = 'waiting', owner = '' WHERE owner = ? AND state = 'running'", owner)

    def died(self, owner: str, how: str) -> bool:
        """The worker `owner` is dead: its job waits again, or is set aside. False if it had none."""
        _, changed = self._do(
            "UPDATE job SET deaths = deaths + 1, owner = '', fault = 'WorkerDied', what = ?,"
            " todo = 'Look at this clip by itself; --fresh tries it again.',"
            " state = iif(deaths + 1 >= ?, 'aside', 'waiting') WHERE owner = ? AND state = 'running'",
            how,
            MOST_DEATHS,
            owner,
        )
        return changed > 0

    def again(self, key: str) -> None:
        """Do a finished job once more, because its files are gone."""
        self._do("UPDATE job SET state = 'waiting', outcome = NULL WHERE key = ?", key)

    def rows(self) -> tuple[Row, ...]:
        """Everything that is wanted now, in order."""
        found, _ = self._do("SELECT * FROM job WHERE wanted ORDER BY number")
        return tuple(_row(row) for row in found)

    def tally(self) -> Tally:
        """How many are in which state, and what is being worked on."""
        counts = dict.fromkeys(get_args(State), 0)
        found, _ = self._do("SELECT state, count(*) AS many FROM job WHERE wanted GROUP BY state")
        counts |= {row["state"]: row["many"] for row in found}
        running, _ = self._do("SELECT * FROM job WHERE wanted AND state = 'running' ORDER BY number")
        return Tally(counts, tuple(_row(row) for row in running))

    def _held(self, change: str, key: str, owner: str, *values: str | float) -> bool:
        where = " WHERE key = ? AND owner = ? AND state = 'running'"
        return self._do(change + where, *values, key, owner)[1] > 0

    def _do(self, statement: str, *values: str | float) -> tuple[list[sqlite3.Row], int]:
        """Carry it out to its end: the rows it gives, and how many it changed."""
        with self._usable():
            cursor = self._db.execute(statement, values)
            return cursor.fetchall(), cursor.rowcount

    @contextmanager
    def _usable(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise OutputError(
                f"The queue {self._path} cannot be used: {error}.",
                "Choose another folder, or remove that file.",
            ) from error


def _job(row: sqlite3.Row) -> Job:
    return Job(
        key=row["key"],
        request=request_of(row["request"]),
        output=Path(row["output"]),
        clip=row["clip"],
        seconds=Fraction(row["seconds"]),
    )


def _row(row: sqlite3.Row) -> Row:
    state = next(state for state in get_args(State) if state == row["state"])
    return Row(
        job=_job(row),
        state=state,
        deaths=row["deaths"],
        owner=row["owner"],
        beat=row["beat"],
        stage=row["stage"],
        fraction=row["fraction"],
        outcome=None if row["outcome"] is None else outcome_of(row["outcome"]),
        fault=Fault(row["fault"], row["what"], row["todo"]) if row["fault"] else None,
    )
