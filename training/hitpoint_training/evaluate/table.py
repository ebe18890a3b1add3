"""The figures of a row of the table, from all of its pieces, and which stand beside which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from rich.table import Table

from hitpoint.cue.plan import CuePlan
from hitpoint_training.evaluate.compositions import mean_known
from hitpoint_training.evaluate.corpus import Known
from hitpoint_training.evaluate.loris import (
    CDCD,
    PAPER,
    RELEASED,
    Bins,
    Variant,
    cdcd_score,
    loris_score,
)
from hitpoint_training.evaluate.measured import Measured
from hitpoint_training.evaluate.picture import colour_follows, cut_auc, cut_beat_auc
from hitpoint_training.evaluate.sync import Times
from hitpoint_training.evaluate.vem import biou, tbiou

GROUPS: dict[str, tuple[str, ...]] = {
    "On the beat of the picture": (
        "hit AUC", "hit error ms", "in half a frame", "in 40 ms", "in 70 ms", "in 100 ms",
        "beat F", "tempo in 1 %", "tempo error",
    ),
    "What the picture looks like, and the tune": (
        "energy", "colour", "cut", "cut on beat", "tune share", "tune", "motif",
    ),
    "Music, and how it ends": (
        "key clarity", "chords", "chord changes", "pulse", "onsets per s", "LUFS", "clipped", "silence s",
        "decay dB",
    ),
    "Distance to the corpus, style; published metrics": (
        "distance", "mel distance", "style", "LORIS BCS", "LORIS BHS", "LORIS F1",
        "LORIS F1 (paper)", "CDCD BCS", "CDCD BHS", "BIoU", "TBIoU",
    ),
}  # fmt: skip
_MEANS = (
    "hit AUC", "beat F", "tempo error", "energy", "tune share", "tune", "motif", "key clarity", "chords",
    "chord changes", "pulse", "onsets per s", "LUFS", "clipped", "silence s", "decay dB",
)  # fmt: skip
_WITHIN = {"in 40 ms": 0.040, "in 70 ms": 0.070, "in 100 ms": 0.100}
_FAR = 0.100  # seconds: what is further from a hit is no attempt at it
HALF_A_FRAME = 0.020  # seconds, at 25 frames a second

Figures = dict[str, float]


def figures_of(
    found: Sequence[Measured], composed: Sequence[Measured], plans: Sequence[CuePlan], known: Known
) -> Figures:
    """The figures of a row. `composed`: the pieces themselves; `plans`: what was asked."""
    styles = [plan.style for plan in plans]
    cuts = [np.array([scene.start for scene in plan.scenes[1:]]) for plan in plans]
    figures = {name: mean_known([one.figures[name] for one in found]) for name in _MEANS}
    figures["tempo in 1 %"] = mean_known([_within(one.figures["tempo error"], 0.01) for one in found])
    figures |= hit_figures(np.concatenate([one.hits for one in found]), HALF_A_FRAME)
    figures["colour"] = colour_follows([one.shots for one in found])
    figures["cut"] = cut_auc([one.cuts for one in found])
    figures["cut on beat"] = cut_beat_auc([one.cuts for one in found])
    distances = known.distances([one.impression for one in found], styles)
    figures["distance"], figures["mel distance"] = distances.embedded, distances.mel
    guesses = [known.guess(one.impression) for one in found]
    figures["style"] = float(np.mean([mine == asked for mine, asked in zip(guesses, styles, strict=True)]))
    return figures | _published(found, composed, cuts)


def hit_figures(hits: Times, half_a_frame: float) -> Figures:
    """From the seconds between each strong hit and its nearest onset; nan where there is no strong hit."""
    near = hits[hits <= _FAR]
    figures = {"hit error ms": 1000 * float(np.median(near)) if len(near) else float("nan")}
    for name, tolerance in ({"in half a frame": half_a_frame} | _WITHIN).items():
        figures[name] = float(np.mean(hits <= tolerance)) if len(hits) else float("nan")
    return figures


def _published(found: Sequence[Measured], composed: Sequence[Measured], cuts: Sequence[Times]) -> Figures:
    """The metrics of LORIS, CDCD and VeM, against the composed pieces as truth."""

    def bins(variant: Variant) -> tuple[list[Bins], list[Bins]]:
        return [one.bins[variant.name] for one in found], [one.bins[variant.name] for one in composed]

    loris, paper, cdcd = loris_score(*bins(RELEASED)), loris_score(*bins(PAPER)), cdcd_score(*bins(CDCD))
    beats = [one.beats for one in found]
    return {
        "LORIS BCS": loris.bcs, "LORIS BHS": loris.bhs, "LORIS F1": loris.f1, "LORIS F1 (paper)": paper.f1,
        "CDCD BCS": cdcd.bcs, "CDCD BHS": cdcd.bhs, "BIoU": biou([one.beats for one in composed], beats),
        "TBIoU": tbiou(cuts, beats),
    }  # fmt: skip


def _within(value: float, limit: float) -> float:
    return float("nan") if np.isnan(value) else float(value <= limit)


def tables(rows: Mapping[str, Figures]) -> list[Table]:
    """One table for each of GROUPS, the rows in order."""
    made: list[Table] = []
    for title, names in GROUPS.items():
        table = Table(title=title)
        table.add_column("")
        for name in names:
            table.add_column(name, justify="right")
        for label, figures in rows.items():
            table.add_row(label, *(shown(figures.get(name, float("nan"))) for name in names))
        made.append(table)
    return made


def shown(value: float) -> str:
    """Three figures, or a dash for what could not be measured."""
    if np.isnan(value):
        return "-"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.3f}"


def told(figures: Mapping[str, float]) -> dict[str, float | None]:
    """For JSON, which has no nan."""
    return {name: None if np.isnan(value) else round(value, 5) for name, value in figures.items()}
