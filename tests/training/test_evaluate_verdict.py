"""What is asked of a bundle, on tables made by hand."""

from __future__ import annotations

import pytest

pytest.importorskip("librosa", reason="the training extra is not installed")

from hitpoint_training.ablation import STREAMS
from hitpoint_training.evaluate.table import GROUPS
from hitpoint_training.evaluate.verdict import PURPOSE, purpose_table, verdicts

NAMES = tuple(name for names in GROUPS.values() for name in names)


def a_row(**changed: float) -> dict[str, float]:
    return dict.fromkeys(NAMES, 1.0) | {name.replace("_", " "): value for name, value in changed.items()}


def met(rows: dict[str, dict[str, float]]) -> dict[str, bool]:
    return {one.demand: one.met for one in verdicts(rows, 4)}


def test_a_perfect_bundle_meets_everything_and_a_weak_one_does_not() -> None:
    chance = {"hit AUC": 0.51}
    rows = {
        "corpus itself": {"distance": 1.0}, "composed": a_row(), "4 steps": a_row(),
        "32 steps": a_row(), "random weights": chance, "shuffled": chance, "silence": chance,
    }  # fmt: skip
    found = met(rows)
    assert len(found) > 20
    assert all(found.values())
    rows["4 steps"] = a_row(hit_AUC=0.98, key_clarity=1.1, distance=2.1, energy=0.96)
    rows["shuffled"] = {"hit AUC": 0.6}
    assert [demand for demand, good in met(rows).items() if not good] == [
        "hit AUC within 0.01 of the pieces'",
        "hit AUC at chance: shuffled",
        "distance at most twice the corpus's own",
        "key clarity within 5 % of the pieces'",
        "energy: lost against 32 steps",
        "distance: lost against 32 steps",
    ]


def test_what_was_not_measured_is_not_judged() -> None:
    assert verdicts({}, 4) == []
    assert set(met({"4 steps": a_row()})) == {
        "hits within 40 ms", "tempo right to 1 %", "the style that was asked",
    }  # fmt: skip


def test_every_stream_has_a_purpose_among_the_figures() -> None:
    assert set(PURPOSE) == set(STREAMS)
    assert {name for names in PURPOSE.values() for name in names} <= set(NAMES)
    rows = {"4 steps": a_row(), "without tune": a_row(tune=0.5)}
    assert purpose_table(rows, 4).row_count == len(PURPOSE["tune"])
