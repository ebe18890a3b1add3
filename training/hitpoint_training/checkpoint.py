"""Checkpoints: one safetensors file with weights, their average, the optimizer's moments and how far it is.

Never a pickle, never half a file: a write goes to a temporary file beside it and is then renamed.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from hitpoint.errors import ModelBundleError, UsageError
from hitpoint.files import replacing

_OS_ERROR = re.compile(r"os error (\d+)")


@dataclass(slots=True)
class Progressed:
    """How far a run is."""

    step: int = 0
    seconds: float = 0.0


def write(path: Path, groups: Mapping[str, Mapping[str, Tensor]], at: Progressed) -> None:
    """Write groups of named tensors and how far the run is.

    Raises OutputError, for a full disk too; the file that was there before is then untouched.
    """
    tensors = {f"{group}.{k}": v for group, named in groups.items() for k, v in named.items()}
    tensors = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    with replacing(path) as temp:
        try:
            save_file(tensors, temp, metadata={"step": str(at.step), "seconds": f"{at.seconds:.1f}"})
        except SafetensorError as error:  # its only way to say that the disk is full
            number = _OS_ERROR.search(str(error))
            raise OSError(int(number[1]) if number else errno.EIO, str(error)) from error


def save(
    path: Path, model: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer, at: Progressed
) -> None:
    """Write everything that a resumed run needs, atomically."""
    moments: dict[str, Tensor] = {}
    for index, state in optimizer.state_dict()["state"].items():
        moments |= {f"{index}.{k}": v for k, v in state.items()}
    write(path, {"model": model.state_dict(), "mean": mean.state_dict(), "optimizer": moments}, at)


def read(path: Path, wanted: tuple[str, ...]) -> dict[str, dict[str, Tensor]]:
    """The groups of a checkpoint. Raises ModelBundleError if the file is damaged."""
    groups: dict[str, dict[str, Tensor]] = {name: {} for name in wanted}
    try:
        with safe_open(path, "pt") as file:
            for key in file.keys():  # noqa: SIM118 (it is no dict)
                group, name = key.split(".", 1)
                if group in groups:
                    groups[group][name] = file.get_tensor(key)
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, error) from error
    return groups


def load(path: Path, model: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer) -> Progressed:
    """Undo `save`; a checkpoint without moments (of a bundle) begins with fresh ones.

    Raises ModelBundleError for a damaged file, UsageError for one of another size.
    """
    groups = read(path, ("model", "mean", "optimizer"))
    fill(path, model, groups["model"])
    fill(path, mean, groups["mean"])
    state = optimizer.state_dict()
    for key, value in groups["optimizer"].items():
        index, name = key.split(".", 1)
        state["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(state)
    return progress_of(path)


def fill(path: Path, module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load weights. Raises UsageError if they are of another module or size than asked for."""
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise UsageError(
            f"{path} does not fit the recipe: {str(error).splitlines()[-1].strip()}",
            "Use the recipe that it was made with, or another folder.",
        ) from error


def progress_of(checkpoint: Path) -> Progressed:
    """How far a checkpoint is; nothing done if there is none."""
    if not checkpoint.exists():
        return Progressed()
    try:
        with safe_open(checkpoint, "pt") as file:
            note = file.metadata()
        return Progressed(int(note["step"]), float(note["seconds"]))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise _damaged(checkpoint, error) from error


def load_mean(path: Path, model: nn.Module) -> Progressed:
    """Only the averaged weights, for export and evaluation."""
    fill(path, model, read(path, ("mean",))["mean"])
    return progress_of(path)


def _damaged(path: Path, error: Exception) -> ModelBundleError:
    return ModelBundleError(
        f"{path} is no checkpoint of ours, or a damaged one: {error}.",
        "Take a copy of it, or train again without --resume.",
    )
