"""Where a run gets its first weights from: from nothing, from the shipped bundle, or from another run."""

from __future__ import annotations

import shutil
from pathlib import Path

from hitpoint.cue.bundle import STARTER
from hitpoint.errors import UsageError
from hitpoint_training.checkpoint import begin_again
from hitpoint_training.from_bundle import recover
from hitpoint_training.recipe import Recipe

BUNDLE = "bundle"
_STAGES = ("codec", "aligner", "flow")


def first_weights(recipe: Recipe) -> bool:
    """Fill the folder of a run that has no checkpoint yet from the recipe's `start`; whether it did.

    What is learned begins at step 0: minutes and steps of before do not count. Raises UsageError if the start
    is no run.
    """
    if not recipe.start or (recipe.run / "projection.safetensors").exists():
        return False
    source = recipe.run if recipe.start == BUNDLE else Path(recipe.start)
    if recipe.start == BUNDLE:
        recover(STARTER, recipe)
    if not (source / "projection.safetensors").is_file():
        raise UsageError(f"{source} is no training run.", 'Give the folder of one, or start = "bundle".')
    if source != recipe.run:
        shutil.copyfile(source / "projection.safetensors", recipe.run / "projection.safetensors")
    for stage in _STAGES:
        if (source / f"{stage}.safetensors").is_file():
            begin_again(source / f"{stage}.safetensors", recipe.run / f"{stage}.safetensors")
    return True
