"""What a worker does with a job: score the clip. Run as `python -m hitpoint.batch.scorer`."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from hitpoint.batch.jobs import Job, Outcome
from hitpoint.batch.worker import serve, start
from hitpoint.cue.bundle import load_bundle
from hitpoint.cue.sessions import CpuModel
from hitpoint.errors import OutputError
from hitpoint.progress import Progress
from hitpoint.score import score_seen
from hitpoint.see import see
from hitpoint.steps import check_target

THREADS = 1
"""Of the network. A batch has its speed from many jobs, and their number must not change the sound: other
numbers of threads add up in another order."""


@dataclass(slots=True)
class Scorer:
    """Callable without any queue. Loads the model once: it keeps that of the last bundle."""

    model: CpuModel | None = None
    bundle: Path | None = None

    def __call__(self, job: Job, progress: Progress) -> Outcome:
        """Score the clip and place it; doing it again replaces the same files. Raises HitpointError."""
        started = time.perf_counter()
        try:
            job.output.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder {job.output.parent} cannot be made: {error.strerror}.", "Choose another folder."
            ) from error
        check_target(job.output)
        model = self.load(job.request.bundle)
        result = score_seen(see(job.request, progress), job.request, model, job.output, progress)
        return Outcome(
            asset=result.asset.path,
            sha256=result.asset.sha256,
            style=result.style,
            hit_rate=result.hit_rate,
            chance_rate=result.chance_rate,
            wall_s=time.perf_counter() - started,
            warnings=(*result.warnings, *result.losses),
            hits=tuple((hit.time, hit.hit) for hit in result.hit_points),
        )

    def load(self, bundle: Path | None) -> CpuModel:
        """The model of `bundle`, kept for the jobs to come. Raises ModelBundleError."""
        if self.model is None or self.bundle != bundle:
            self.model, self.bundle = CpuModel(load_bundle(bundle), THREADS), bundle
        return self.model


if __name__ == "__main__":
    queue, owner = start(sys.argv[1:])
    serve(queue, owner, Scorer())
