"""Everything about a bundle in one run: pieces as composed, generated, with streams left out; controls."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hitpoint.cue.bundle import load_bundle
from hitpoint.cue.plan import CuePlan
from hitpoint.errors import UsageError
from hitpoint.files import write_atomic
from hitpoint.progress import Progress
from hitpoint_training.ablation import STREAMS
from hitpoint_training.dataset import Piece
from hitpoint_training.evaluate.compositions import annotated
from hitpoint_training.evaluate.corpus import know
from hitpoint_training.evaluate.listener import EMBEDDING
from hitpoint_training.evaluate.measured import Measured
from hitpoint_training.evaluate.table import Figures, figures_of, told
from hitpoint_training.evaluate.work import Task, measure_all
from hitpoint_training.evaluate_bundle import (
    HEADROOM,
    Renderer,
    Row,
    folder_of,
    projection_of,
    render_codec,
    render_rows,
    rows_of,
)

STEPS = (1, 2, 4, 8, 32)
COMPOSED, CODEC, SHUFFLED, YARDSTICK = "composed", "codec", "shuffled", "corpus itself"
METRONOME: Literal["metronome"] = "metronome"
SILENCE: Literal["silence"] = "silence"

Pieces = Sequence[tuple[Path, CuePlan]]


@dataclass(frozen=True, slots=True)
class Question:
    """What is evaluated. `steps` is the default number; `rows` names the rows, None for all of them."""

    bundle: Path
    heldout: Path
    corpus: Path
    cache: Path
    rows: tuple[str, ...] | None
    limit: int | None
    corpus_pieces: int
    steps: int
    guidance: float
    seed: int
    jobs: int


def row_names(steps: int) -> tuple[str, ...]:
    """All rows, in order."""
    made = tuple(row.name for row in _rendered(steps))
    return (COMPOSED, CODEC, *made, SHUFFLED, METRONOME, SILENCE)


def _rendered(steps: int) -> tuple[Row, ...]:
    return rows_of(sorted({*STEPS, steps}), steps, STREAMS, controls=True)


def evaluate(question: Question, progress: Progress) -> dict[str, Figures]:
    """Render what is not there yet, measure it, and return the rows in order.

    Raises `UsageError` for an unknown row, and what loading the bundle and the pieces raises.
    """
    names = row_names(question.steps)
    unknown = [name for name in question.rows or () if name not in names]
    if unknown:
        raise UsageError(f"There is no row {unknown[0]!r}.", f"Use some of: {', '.join(names)}.")
    wanted = [name for name in names if name in (question.rows or names)]
    pieces = annotated(question.heldout)[: question.limit]
    plans = [plan for _, plan in pieces]
    styles = [plan.style for plan in plans]
    store = question.cache / "measured"
    progress.report(f"Listening to {question.corpus_pieces} pieces of {question.corpus}", 0.0)
    known = know(question.corpus, question.corpus_pieces, styles, store, question.jobs)
    sounds = _render(question, wanted, pieces, progress)
    needed = [COMPOSED, *(name for name in wanted if name != COMPOSED)]
    tasks = [task for name in needed for task in _tasks(name, sounds, pieces, question)]
    found: list[Measured] = []
    for one in measure_all(tasks, question.jobs):
        found.append(one)
        progress.report("Measuring", len(found) / len(tasks))
    of = {name: found[i * len(pieces) : (i + 1) * len(pieces)] for i, name in enumerate(needed)}
    yardstick = known.among_themselves(styles)
    rows = {YARDSTICK: {"distance": yardstick.embedded, "mel distance": yardstick.mel}}
    return rows | {name: figures_of(of[name], of[COMPOSED], plans, known) for name in wanted}


def _render(question: Question, wanted: Sequence[str], pieces: Pieces, progress: Progress) -> Path:
    """Render the rows that are asked for; the folder of their sounds."""
    bundle = load_bundle(question.bundle)
    named = (
        f"{bundle.id.name}-{bundle.id.sha256[:12]}-guidance-{question.guidance}-seed-{question.seed}"
        f"-pieces-{_digest(pieces)}"
    )
    renderer = Renderer(bundle, question.guidance, question.seed)
    needed = {*wanted, *((f"{question.steps} steps",) if SHUFFLED in wanted else ())}
    rows = [row for row in _rendered(question.steps) if row.name in needed]
    plans = [(path.stem, plan) for path, plan in pieces]
    render_rows(renderer, rows, plans, question.cache / named, progress)
    if CODEC in wanted:
        held = [Piece(path, plan) for path, plan in pieces]
        render_codec(renderer, projection_of(question.bundle), held, question.cache / named, progress)
    return question.cache / named


def _digest(pieces: Pieces) -> str:
    """Of which pieces they are: the names of two folders are alike."""
    digest = hashlib.sha256()
    for path, _ in pieces:
        digest.update(path.stem.encode() + path.with_suffix(".json").read_bytes())
    return digest.hexdigest()[:12]


def _tasks(name: str, sounds: Path, pieces: Pieces, question: Question) -> list[Task]:
    """What is to be measured for a row, piece by piece."""
    paths = [path for path, _ in pieces]
    files: list[Path | Literal["metronome", "silence"]]
    if name == COMPOSED:
        files, level = list(paths), 1.0
    elif name in (METRONOME, SILENCE):
        files, level = [METRONOME if name == METRONOME else SILENCE] * len(paths), 1.0
    else:
        if name == SHUFFLED:  # half the folder further on: another style, as long as there are several
            name, away = f"{question.steps} steps", max(1, len(paths) // 2)
            paths = paths[away:] + paths[:away]
        files, level = [sounds / folder_of(name) / f"{path.stem}.flac" for path in paths], HEADROOM
    store = question.cache / "measured"
    return [
        Task(file, plan, index, store, level)
        for index, (file, (_, plan)) in enumerate(zip(files, pieces, strict=True))
    ]


def write_report(path: Path, question: Question, rows: dict[str, Figures]) -> None:
    """The figures as JSON, with what was asked."""
    asked = {
        "bundle": load_bundle(question.bundle).id.sha256,
        "heldout": str(question.heldout),
        "pieces": len(annotated(question.heldout)[: question.limit]),
        "corpus_pieces": question.corpus_pieces,
        "embedding": EMBEDDING,
        "steps": question.steps,
        "guidance": question.guidance,
        "seed": question.seed,
    }
    figures = {name: told(row) for name, row in rows.items()}
    write_atomic(path, (json.dumps({"question": asked, "rows": figures}, indent=1) + "\n").encode())
