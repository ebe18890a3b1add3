"""R9: mutants of timelines by the hundred thousand. No process of the host dies, and nothing hangs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

FUZZER = Path(__file__).parents[1] / "support" / "fuzzer.py"
ROUND = 10_000


@pytest.mark.parametrize("mutants", [500, pytest.param(200_000, marks=pytest.mark.battery)])
def test_mutants_are_read_or_refused(mutants: int, tmp_path: Path) -> None:
    total: Counter[str] = Counter()
    slowest, memory = 0.0, 0
    for first in range(0, mutants, ROUND):
        count = min(ROUND, mutants - first)
        command = [sys.executable, str(FUZZER), str(count), str(first), str(tmp_path)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 0, "the host's process died"
        found = json.loads(done.stdout)
        slowest, memory = max(slowest, found.pop("slowest_s")), max(memory, found.pop("memory_mb"))
        total.update(found)
    print(f"\nR9: {dict(total)}; slowest {slowest:.2f} s of processor time, {memory} MB")
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert total["mutants"] == mutants
    assert total["read"] > mutants // 50, "mutants that nothing reads show nothing"
    assert (total["host faults"], total["hangs"], total["child crashes"]) == (0, 0, 0), kept
    assert memory < 1024
