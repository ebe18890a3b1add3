"""R3: every call to the disk fails once, the first, the second and so on, in every kind of writing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from faulty import ERRORS, WORKS, sweep

OFTEN = ["scoring in place", "writing sound", "a night of the queue"]
CASES = [
    *(pytest.param(work, ["full at half"], id=work) for work in OFTEN),
    *(
        pytest.param(work, list(ERRORS), id=f"{work}, every error", marks=pytest.mark.battery)
        for work in WORKS
    ),
]


@pytest.mark.parametrize(("work", "errors"), CASES)
def test_no_failing_call_costs_anything(work: str, errors: list[str], tmp_path: Path) -> None:
    """What was there is there, whole, or what is new is, whole; and who asked is told in words."""
    rows = sweep(work, tmp_path, errors)
    faults = [row for row in rows if row["call"]]
    wrong = [row for row in rows if complaint(row)]
    calls = Counter(row["call"] for row in faults)
    print(f"\nR3: {work}: {len(faults)} faults, {len(wrong)} wrong; {dict(calls)}")
    assert not wrong, "\n".join(f"{complaint(row)}: {row}" for row in wrong)
    ends_well = [row for row in rows if not row["call"] and row["ended"] == "well"]
    assert len(ends_well) == len(errors), "without a fault it goes well"
    assert calls["open"]
    assert calls["write"] + calls["pwrite"]


def complaint(row: dict[str, str]) -> str:
    """What is wrong with how it ended."""
    if row["state"] not in ("old", "new"):
        return "neither the old content nor the new"
    if row["ended"].startswith("unexpected"):
        return "no named error"
    if row["ended"] == "well" and row["state"] != "new":
        return "false success"
    if row["ended"].endswith("Nothing was changed.") and row["state"] != "old":
        return "something was changed"
    if row["left"] and row["call"] != "unlink":
        return "left something behind"
    return ""
