"""The bundle in the repository is whole, small enough, and still computes what it did when it was built."""

from __future__ import annotations

import json
import re

import pytest

from hitpoint.cue.bundle import STARTER, load_bundle
from hitpoint_export.bundle import LARGEST, self_test


def test_the_starter_bundle_is_accepted_and_small_enough() -> None:
    bundle = load_bundle()
    assert bundle.manifest.window_frames > bundle.manifest.known_frames >= 50
    assert sum(file.stat().st_size for file in STARTER.iterdir()) < LARGEST


def test_the_starter_bundle_repeats_its_self_test() -> None:
    manifest = json.loads((STARTER / "manifest.json").read_text())
    wanted = manifest["self_test"]
    found = self_test(STARTER, manifest["graphs"], wanted["seed"])
    for name in ("keys", "v", "spectrum"):
        assert found[name] == pytest.approx(wanted[name], rel=1e-3, abs=1e-5)


def test_the_starter_bundle_says_nothing_of_the_machine_that_exported_it() -> None:
    for file in STARTER.iterdir():
        named = re.search(rb"[A-Za-z_]{4,}\.py", file.read_bytes())  # weights may spell ".py" by chance
        assert not named, f"{file.name} names a source file: a stack trace was kept"
