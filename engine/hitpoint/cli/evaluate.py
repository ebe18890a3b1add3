"""`hitpoint evaluate`: the figures of a bundle, measured by the training package where that is installed."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec

import typer

from hitpoint import children
from hitpoint.errors import UsageError

FORWARD = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""All options go on to `python -m hitpoint_training.evaluate all`, `--help` too."""
_NEEDED = ("hitpoint_training", "torch", "librosa", "mir_eval")


def evaluate(context: typer.Context) -> None:
    """Measure a bundle on pieces that it did not learn from, beside controls (needs the training extra)."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"Evaluation needs what training needs; {missing[0]} is not installed.",
            "Install it: pip install 'hitpoint[cpu,training]'.",
        )
    command = children.module("hitpoint_training.evaluate", "all", *context.args)
    raise SystemExit(subprocess.run(command, check=False).returncode)
