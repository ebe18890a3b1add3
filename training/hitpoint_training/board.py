"""What a training run shows: progress with the time left on stderr, curves and sounds for TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from hitpoint_training.checkpoint import Progressed

_SAY_EVERY = 50  # steps
FOLDER = "tensorboard"


@dataclass(frozen=True, slots=True)
class Moment:
    """One step: its loss, the length of its gradient before clipping, its learning rate, the share done."""

    loss: float
    norm: float
    rate: float
    share: float


def clock(seconds: float) -> str:
    """As hours, minutes and seconds."""
    whole = max(0, round(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


class Board:
    """Shows a stage; a context that closes its files."""

    def __init__(self, checkpoint: Path, at: Progressed) -> None:
        self.stage, self._at = checkpoint.stem, at
        self._log = checkpoint.with_suffix(".jsonl").open("a")
        self._curves = SummaryWriter(str(checkpoint.parent / FOLDER / self.stage), purge_step=at.step + 1)
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[figures]}"),
            console=self._console,
        )
        self._bar = self._progress.add_task(self.stage, total=1.0, figures="")
        self._recent: list[Moment] = []
        self._began: tuple[float, float] | None = None  # share and seconds when this process began

    def __enter__(self) -> Board:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        self._curves.close()
        self._log.close()

    def see(self, moment: Moment) -> None:
        """Take note of a step; every fiftieth is written down."""
        self._recent.append(moment)
        self._began = self._began or (moment.share, self._at.seconds)
        left = f"{clock(self._left(moment.share))} left"
        self._progress.update(
            self._bar,
            completed=min(1.0, moment.share),
            figures=f"step {self._at.step}, loss {moment.loss:.4f}, {left}",
        )
        if self._at.step % _SAY_EVERY == 0:
            self.write_down(left)

    def write_down(self, left: str = "") -> None:
        """The mean of the steps since the last time, as a line and as points of the curves."""
        if not self._recent:
            return
        count = len(self._recent)
        loss = sum(one.loss for one in self._recent) / count
        line = {"step": self._at.step, "seconds": round(self._at.seconds), "loss": round(loss, 4)}
        print(json.dumps(line), file=self._log, flush=True)
        if not self._console.is_terminal:
            self._console.print(
                f"{self.stage}: step {self._at.step}, loss {loss:.4f} {left}", highlight=False
            )
        figures = {
            "loss": loss,
            "gradient": sum(one.norm for one in self._recent) / count,
            "rate": self._recent[-1].rate,
        }
        for name, figure in figures.items():
            self._curves.add_scalar(name, figure, self._at.step)
        self._recent.clear()

    def _left(self, share: float) -> float:
        """Seconds until the share is 1, at the pace of this process."""
        first, seconds = self._began or (share, self._at.seconds)
        pace = (self._at.seconds - seconds) / (share - first) if share > first else 0.0
        return (1 - share) * pace

    def hear(self, sounds: Mapping[str, Tensor], rate: int) -> None:
        """Sounds (channels, samples) or (samples,) for TensorBoard, which knows only one channel."""
        for name, sound in sounds.items():
            mono = sound.detach().float().cpu()
            mono = mono.mean(0) if mono.ndim == 2 else mono
            self._curves.add_audio(name, mono.clamp(-1, 1)[None], self._at.step, rate)

    def flush(self) -> None:
        """Push what was written to the disk."""
        self._curves.flush()
