"""The one training loop: a time budget, a cosine schedule, moving average, checkpoints that resume."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

WARM_UP = 200
_SAVE_EVERY, _SAY_EVERY = 120.0, 50


@dataclass(slots=True)
class Progressed:
    """How far a run is."""

    step: int = 0
    seconds: float = 0.0


def learning_rate(peak: float, step: int, share: float) -> float:
    """Linear warm-up over the first steps, then a cosine over the share of the time that is used."""
    fall = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
    return peak * min(1.0, (step + 1) / WARM_UP) * fall


@torch.no_grad()
def average(target: nn.Module, source: nn.Module, keep: float) -> None:
    """Move the weights of `target` towards `source`; its buffers are copied."""
    for mean, now in zip(target.parameters(), source.parameters(), strict=True):
        mean.lerp_(now, 1 - keep)


def save(
    path: Path, model: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer, at: Progressed
) -> None:
    """Write everything that a resumed run needs, atomically."""
    moments: dict[str, Tensor] = {}
    for index, state in optimizer.state_dict()["state"].items():
        moments |= {f"{index}.{k}": v for k, v in state.items()}
    write(path, {"model": model.state_dict(), "mean": mean.state_dict(), "optimizer": moments}, at)


def write(path: Path, groups: Mapping[str, Mapping[str, Tensor]], at: Progressed) -> None:
    """Write groups of named tensors and how far the run is, atomically."""
    tensors = {f"{group}.{k}": v for group, named in groups.items() for k, v in named.items()}
    tensors = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    part = path.with_suffix(".part")
    save_file(tensors, part, metadata={"step": str(at.step), "seconds": f"{at.seconds:.1f}"})
    part.replace(path)


def load(path: Path, model: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer) -> Progressed:
    """Undo `save`."""
    with safe_open(path, "pt") as file:
        groups: dict[str, dict[str, Tensor]] = {"model": {}, "mean": {}, "optimizer": {}}
        for key in file.keys():  # noqa: SIM118 (it is no dict)
            group, name = key.split(".", 1)
            groups[group][name] = file.get_tensor(key)
    model.load_state_dict(groups["model"])
    mean.load_state_dict(groups["mean"])
    state = optimizer.state_dict()
    for key, value in groups["optimizer"].items():
        index, name = key.split(".", 1)
        state["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(state)
    return progress_of(path)


def progress_of(checkpoint: Path) -> Progressed:
    """How far a checkpoint is; nothing done if there is none."""
    if not checkpoint.exists():
        return Progressed()
    with safe_open(checkpoint, "pt") as file:
        note = file.metadata()
    return Progressed(int(note["step"]), float(note["seconds"]))


def load_mean(path: Path, model: nn.Module) -> Progressed:
    """Only the averaged weights, for export and evaluation."""
    with safe_open(path, "pt") as file:
        names = [key for key in file.keys() if key.startswith("mean.")]  # noqa: SIM118 (it is no dict)
        model.load_state_dict({key.removeprefix("mean."): file.get_tensor(key) for key in names})
    return progress_of(path)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one stage runs under."""

    checkpoint: Path
    minutes: float
    rate: float
    keep: float
    resume: bool


def run(model: nn.Module, loss_of: Callable[[], Tensor], plan: Plan) -> nn.Module:
    """Train until the minutes are used (earlier runs of the same checkpoint count); returns the average."""
    mean = copy.deepcopy(model).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), plan.rate, betas=(0.9, 0.98), weight_decay=0.01)
    at = Progressed()
    if plan.resume and plan.checkpoint.exists():
        at = load(plan.checkpoint, model, mean, optimizer)
    log = plan.checkpoint.with_suffix(".jsonl").open("a")
    began, saved, share = time.monotonic() - at.seconds, at.seconds, 0.0
    recent: list[float] = []
    while (share := (time.monotonic() - began) / (60 * plan.minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(plan.rate, at.step, share)
        loss = loss_of()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        at.step += 1
        average(mean, model, min(plan.keep, at.step / (at.step + 20)))
        at.seconds = time.monotonic() - began
        recent.append(loss.item())
        if at.step % _SAY_EVERY == 0:
            mean_loss = round(sum(recent) / len(recent), 4)
            line = {"step": at.step, "seconds": round(at.seconds), "loss": mean_loss}
            print(json.dumps(line), file=log, flush=True)
            recent.clear()
        if at.seconds - saved > _SAVE_EVERY:
            save(plan.checkpoint, model, mean, optimizer, at)
            saved = at.seconds
    save(plan.checkpoint, model, mean, optimizer, at)
    return mean
