"""One process or many, CPU or GPU: what the training loop asks of Accelerate.

`torchrun --nproc-per-node 2 -m hitpoint_training train ...` and `accelerate launch -m ...` start several
processes; each draws data of its own, gradients are averaged, the first one writes.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

import numpy as np
import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import DistributedDataParallelKwargs, InitProcessGroupKwargs

from hitpoint.errors import UsageError

_LONGEST_WAIT = timedelta(hours=12)  # for the first process, which encodes the corpus for all


def device_of(name: str) -> str:
    """The device of a recipe: "cpu", "cuda", or "auto" for a GPU where there is one.

    Raises UsageError if a GPU is asked for and there is none.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("The recipe asks for a GPU, and PyTorch finds none here.", 'Set device = "auto".')
    return name


def begin_processes(device: str) -> PartialState:
    """Join the other processes, if there are any; harmless when called again."""
    if PartialState._shared_state:
        return PartialState()
    return PartialState(cpu=device == "cpu", timeout=_LONGEST_WAIT)


def accelerator_of(device: str) -> Accelerator:
    """Accelerate for the device. It casts nothing: each loss says itself what is safe in bf16, see `half`."""
    begin_processes(device)
    options = [
        DistributedDataParallelKwargs(find_unused_parameters=True),  # a condition may be dropped for a step
        InitProcessGroupKwargs(timeout=_LONGEST_WAIT),
    ]
    return Accelerator(cpu=device == "cpu", kwargs_handlers=options)


def has_bf16(device: str) -> bool:
    """Whether the device multiplies in bf16 by itself."""
    if device == "cpu":
        return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def half(device: str) -> torch.autocast:
    """Mixed precision in bf16 where the device has it, else nothing."""
    return torch.autocast(device, torch.bfloat16, enabled=has_bf16(device))


def seed_at(seed: int, step: int, rank: int) -> int:
    """The seed of one step of one process: what it draws does not depend on what was drawn before."""
    return int(np.random.SeedSequence((seed, step, rank)).generate_state(1)[0])


def latest_of_all(accelerator: Accelerator, share: float, stop: bool) -> tuple[float, bool]:
    """The largest share and any wish to stop of all processes, so that all end after the same step."""
    if accelerator.num_processes == 1:
        return share, stop
    told = torch.tensor([share, float(stop)], dtype=torch.float64, device=accelerator.device)
    torch.distributed.all_reduce(told, torch.distributed.ReduceOp.MAX)
    return float(told[0]), bool(told[1])


@contextmanager
def stop_wish() -> Generator[threading.Event]:
    """An event that Ctrl-C or a polite kill sets, so that a step ends and is saved before the end."""
    wish = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return

    def note(number: int, frame: FrameType | None) -> None:
        wish.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
