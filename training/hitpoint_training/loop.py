"""The one training loop, on Accelerate: a budget, a schedule, a moving average, checkpoints that resume.

What a step draws depends only on the seed, the number of the step and the process, so a run that was killed
and resumed draws what it would have drawn; with a budget of steps it ends at the very same weights.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from hitpoint.errors import Cancelled, HitpointError
from hitpoint.values import SAMPLE_RATE
from hitpoint_training.board import Board, Moment
from hitpoint_training.checkpoint import Progressed, load, load_mean, progress_of, save, write
from hitpoint_training.processes import accelerator_of, latest_of_all, seed_at, stop_wish

__all__ = ["Budget", "Plan", "Progressed", "load_mean", "progress_of", "run", "save", "write"]

WARM_UP = 200
_BROKEN = 20  # steps in a row without a finite gradient after which a run gives up

Schedule = Callable[[float, int, float], float]
"""From the peak rate, the step and the share of the budget that is used to the rate."""


def learning_rate(peak: float, step: int, share: float) -> float:
    """Linear warm-up over the first steps, then a cosine over the share of the time that is used."""
    fall = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
    return peak * min(1.0, (step + 1) / WARM_UP) * fall


@torch.no_grad()
def average(target: nn.Module, source: nn.Module, keep: float) -> None:
    """Move the weights of `target` towards `source`; its buffers are copied."""
    for mean, now in zip(target.parameters(), source.parameters(), strict=True):
        mean.lerp_(now, 1 - keep)


def _only(peak: float) -> Callable[[str], float]:
    return lambda name: peak


def _nothing_heard(mean: nn.Module) -> Mapping[str, Tensor]:
    return {}


@dataclass(frozen=True, slots=True)
class Budget:
    """When a stage ends: when the minutes are used, or after so many steps if those are given.

    With `resume` it goes on from its checkpoint, whose minutes and steps count.
    """

    minutes: float
    resume: bool = False
    steps: int | None = None

    def share(self, at: Progressed) -> float:
        """How much of it is used."""
        return at.step / self.steps if self.steps else at.seconds / (60 * self.minutes)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one stage runs under."""

    checkpoint: Path
    budget: Budget
    rate: float
    keep: float  # of the moving average
    device: str = "cpu"
    seed: int = 0
    clip: float = 1.0  # greatest length of the gradient
    betas: tuple[float, float] = (0.9, 0.98)
    decay: float = 0.01
    schedule: Schedule = learning_rate
    rate_of: Callable[[str], float] | None = None  # peak rate of a parameter by its name; else `rate`
    reseed: Callable[[int], object] = torch.manual_seed  # of everything that a loss draws from
    hear: Callable[[nn.Module], Mapping[str, Tensor]] = _nothing_heard  # examples of the average
    sound_rate: int = SAMPLE_RATE
    save_every: float = 120.0  # seconds
    hear_every: float = 900.0


class _Objective(nn.Module):
    """The loss as a module around the model, so that the gradients of all processes are averaged."""

    def __init__(self, model: nn.Module, loss_of: Callable[[], Tensor]) -> None:
        super().__init__()
        self.model, self.loss_of = model, loss_of

    def forward(self) -> Tensor:
        return self.loss_of()


def _optimizer(model: nn.Module, plan: Plan) -> torch.optim.AdamW:
    """AdamW with one group of parameters per peak rate."""
    rate_of = plan.rate_of or _only(plan.rate)
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        groups.setdefault(rate_of(name), []).append(parameter)
    told = [{"params": some, "lr": peak, "peak": peak} for peak, some in groups.items()]
    return torch.optim.AdamW(told, plan.rate, betas=plan.betas, weight_decay=plan.decay)


def run(model: nn.Module, loss_of: Callable[[], Tensor], plan: Plan) -> nn.Module:
    """Train until the budget is used (earlier runs of the same checkpoint count); returns the average.

    Raises Cancelled, with a checkpoint written, after Ctrl-C or SIGTERM; OutputError if a checkpoint cannot
    be written; HitpointError if the loss stops being a number.
    """
    stage = _Stage(model, loss_of, plan)
    with stage.board or nullcontext(), stop_wish() as wish:
        while stage.goes_on(wish.is_set()):
            stage.step()
            stage.save_now_and_then()
        stage.save(hear=not stage.stopped)
    if stage.stopped:
        what = f"{plan.checkpoint.stem}: stopped after step {stage.at.step}."
        raise Cancelled(what, "Go on with --resume.")
    return stage.mean


class _Stage:
    """A run in progress."""

    def __init__(self, model: nn.Module, loss_of: Callable[[], Tensor], plan: Plan) -> None:
        self.model, self.plan, self.at = model, plan, Progressed()
        self.mean = copy.deepcopy(model).eval().requires_grad_(False)
        self.plain = _optimizer(model, plan)
        if plan.budget.resume and plan.checkpoint.exists():
            self.at = load(plan.checkpoint, model, self.mean, self.plain)
        self.accelerator = accelerator_of(plan.device)
        self.objective, self.optimizer = self.accelerator.prepare(_Objective(model, loss_of), self.plain)
        self.board = Board(plan.checkpoint, self.at) if self.accelerator.is_main_process else None
        self.began = time.monotonic() - self.at.seconds
        self.saved = self.heard = self.at.seconds
        self.share, self.stopped, self.broken = 0.0, False, 0

    def goes_on(self, stop: bool) -> bool:
        """Whether there is another step, agreed with the other processes."""
        self.share, self.stopped = latest_of_all(self.accelerator, self.plan.budget.share(self.at), stop)
        return self.share < 1 and not self.stopped

    def step(self) -> None:
        """One update of the weights and of their average; none if the gradient is no number."""
        plan, at = self.plan, self.at
        for group in self.plain.param_groups:
            group["lr"] = plan.schedule(group["peak"], at.step, self.share)
        plan.reseed(seed_at(plan.seed, at.step, self.accelerator.process_index))
        loss = self.objective()
        self.optimizer.zero_grad()
        self.accelerator.backward(loss)
        norm = float(self.accelerator.clip_grad_norm_(self.model.parameters(), plan.clip))
        at.step += 1
        self.broken = 0 if math.isfinite(norm) else self.broken + 1
        if not self.broken:
            self.optimizer.step()
            average(self.mean, self.model, min(plan.keep, at.step / (at.step + 20)))
        elif self.broken == _BROKEN:
            raise HitpointError(
                f"{plan.checkpoint.stem}: the loss has been no number for {_BROKEN} steps.",
                "Lower the rate; the last checkpoint is from before.",
            )
        at.seconds = time.monotonic() - self.began
        if self.board:
            self.board.see(Moment(loss.item(), norm, self.plain.param_groups[0]["lr"], self.share))

    def save_now_and_then(self) -> None:
        """A checkpoint every few minutes, examples to hear less often."""
        if self.at.seconds - self.saved > self.plan.save_every and not self.broken:
            hear = self.at.seconds - self.heard > self.plan.hear_every
            self.save(hear)
            self.saved = self.at.seconds
            self.heard = self.at.seconds if hear else self.heard

    def save(self, hear: bool) -> None:
        """Write the checkpoint, and what the average sounds like."""
        if self.board:
            save(self.plan.checkpoint, self.model, self.mean, self.plain, self.at)
            self.board.write_down()
            if hear:
                with torch.no_grad():
                    self.board.hear(self.plan.hear(self.mean), self.plan.sound_rate)
            self.board.flush()
