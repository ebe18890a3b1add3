"""The supervisor of workers on a Ray cluster. The queue stays here: workers get a job and give an answer.

Ray starts processes and carries messages. Which job is done when, how often, and whether it counts as done
is decided by the queue, as it is for workers on this machine.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from hitpoint import __version__
from hitpoint.batch.jobs import Job, Outcome, Tally
from hitpoint.batch.queue import Queue
from hitpoint.batch.worker import BEAT_S, ONE_THREAD, STALL_S
from hitpoint.cue.bundle import load_bundle
from hitpoint.errors import Cancelled, MissingExtraError, WorkerError
from hitpoint.files import sweep_stale_temps

_POLL_S = 0.05
_STOP_S = 0.3
_KNOCK_S = 10.0
_MOST_FALSE_STARTS = 3
_GONE = "The worker that did this is gone"


@dataclass(frozen=True, slots=True)
class Cluster:
    """`jobs` workers of one core each; 0 for as many as the cluster has cores.

    `address` is what `ray.init` takes; empty for $RAY_ADDRESS or, without it, a cluster on this machine that
    ends with the batch. A worker whose lease has not moved for `lease_s` seconds is taken for stuck.
    """

    jobs: int = 0
    address: str = ""
    bundle: Path | None = None
    lease_s: float = 60.0


@dataclass(slots=True)
class _Worker:
    owner: str
    actor: Any
    preparing: Any  # until it is ready
    working: Any = None  # while it has a job
    pulse: Any = None  # asked for and not yet answered
    key: str = ""
    moved: float = field(default_factory=time.monotonic)
    asked: float = 0.0


def run_on_cluster(
    path: Path, cluster: Cluster, listen: Callable[[Tally], None], cancelled: threading.Event
) -> int:
    """Work until nothing in the queue at `path` is left, telling `listen` how it stands; how many workers.

    Raises MissingExtraError without Ray, WorkerError if there is no cluster or its workers cannot work, and
    Cancelled, with everything unfinished given back.
    """
    ray = _ray()
    _join(ray, cluster)
    # Ray reports on stdout what happens to workers, which is no result of ours.
    with path.with_name("workers.log").open("a", encoding="utf-8") as log, redirect_stdout(log):
        try:
            supervisor = _Supervisor(ray, path, cluster, log)
            try:
                while (tally := supervisor.look_after()).left:
                    listen(tally)
                    if cancelled.wait(_POLL_S):
                        raise Cancelled("Stopped.", "The same command goes on where it was.")
                listen(tally)
                return supervisor.most
            finally:
                supervisor.stop()
        finally:
            ray.shutdown()


class _Supervisor:
    def __init__(self, ray: Any, path: Path, cluster: Cluster, log: TextIO) -> None:
        self._ray, self._path, self._cluster, self._log = ray, path, cluster, log
        self._queue = Queue(path)
        self._bundle = load_bundle(cluster.bundle).id.sha256
        self.most = cluster.jobs or max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._workers: list[_Worker] = []
        self._started = self._false_starts = 0

    def look_after(self) -> Tally:
        """One round: hear every worker, give work to the idle, start what is missing."""
        for worker in list(self._workers):
            self._hear(worker)
        tally = self._queue.tally()
        while len(self._workers) < min(self.most, tally.left):
            self._workers.append(self._start())
        for worker in self._workers:
            if worker.preparing is None and worker.working is None:
                job = self._queue.take(worker.owner)
                if job is not None:
                    self._give(worker, job)
        return self._queue.tally()

    def stop(self) -> None:
        """End every worker now, give back what they hold, and remove what they left."""
        working = [worker.working for worker in self._workers if worker.working is not None]
        with suppress(self._ray.exceptions.RayError):
            for worker in self._workers:
                worker.actor.stop.remote()
            if working:
                self._ray.wait(working, num_returns=len(working), timeout=_STOP_S)
        for worker in self._workers:
            with suppress(self._ray.exceptions.RayError):
                self._ray.kill(worker.actor)
            self._queue.release(worker.owner)
        for output in set(self._queue.outputs().values()):
            sweep_stale_temps(output.parent)
        self._queue.close()

    def _start(self) -> _Worker:
        from hitpoint.batch.remote import Remote

        self._started += 1
        owner = f"ray-{time.time_ns():x}-{self._started}"
        actor = (
            self._ray.remote(Remote)
            .options(
                num_cpus=1, max_concurrency=2, max_restarts=0, max_task_retries=0,
                runtime_env={"env_vars": ONE_THREAD},
            )
            .remote()
        )  # fmt: skip
        return _Worker(owner, actor, actor.prepare.remote(self._cluster.bundle, self._path))

    def _give(self, worker: _Worker, job: Job) -> None:
        worker.key, worker.moved, worker.asked = job.key, time.monotonic(), time.monotonic()
        worker.working = worker.actor.work.remote(job)

    def _hear(self, worker: _Worker) -> None:
        try:
            if worker.preparing is not None:
                self._is_ready(worker)
            elif worker.working is not None:
                self._has_worked(worker)
        except self._ray.exceptions.RayError as error:
            self._bury(worker, f"{_GONE} ({type(error).__name__}).")

    def _is_ready(self, worker: _Worker) -> None:
        if not self._came(worker.preparing):
            return
        place = self._ray.get(worker.preparing)
        worker.preparing, self._false_starts = None, 0
        self._log.write(f"{worker.owner}: process {place.pid} on {place.host}\n")
        self._log.flush()
        if (place.version, place.bundle) != (__version__, self._bundle):
            raise WorkerError(
                f"{place.host} has Hitpoint {place.version} or another model.",
                f"Install Hitpoint {__version__} and the same bundle on every machine of the cluster.",
            )
        if not place.sees:
            raise WorkerError(
                f"{place.host} does not see {self._path.parents[1]}.",
                "Choose a folder that all machines of the cluster share, under the same path.",
            )

    def _has_worked(self, worker: _Worker) -> None:
        if self._came(worker.working):
            came, worker.working, worker.pulse = self._ray.get(worker.working), None, None
            if isinstance(came, Outcome):
                self._queue.done(worker.key, worker.owner, came)
            elif came is None:
                self._queue.release(worker.owner)
            else:
                self._queue.failed(worker.key, worker.owner, came)
            return
        now = time.monotonic()
        if worker.pulse is not None and self._came(worker.pulse):
            pulse, worker.pulse = self._ray.get(worker.pulse), None
            if pulse.still_s <= STALL_S:
                worker.moved = now
                self._queue.beat(worker.key, worker.owner, pulse.stage, pulse.fraction)
        if worker.pulse is None and now - worker.asked >= BEAT_S:
            worker.pulse, worker.asked = worker.actor.pulse.remote(), now
        if now - worker.moved > self._cluster.lease_s:
            self._bury(worker, f"The worker that did this did not move for {self._cluster.lease_s:g} s.")

    def _came(self, answer: Any) -> bool:
        return bool(self._ray.wait([answer], timeout=0)[0])

    def _bury(self, worker: _Worker, how: str) -> None:
        """Its job waits again, or is set aside; a worker that never became ready is a false start."""
        with suppress(self._ray.exceptions.RayError):
            self._ray.kill(worker.actor)
        self._workers.remove(worker)
        self._queue.died(worker.owner, how)
        self._false_starts += worker.preparing is not None
        if self._false_starts >= _MOST_FALSE_STARTS:
            raise WorkerError(f"The workers do not start: {how}", "Look into Ray's logs on that machine.")


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError(
            "Ray is not installed, and --executor ray needs it.", "pip install 'hitpoint[ray]'"
        ) from error
    return ray


def _join(ray: Any, cluster: Cluster) -> None:
    address = cluster.address or os.environ.get("RAY_ADDRESS", "local")
    ours: dict[str, Any] = {}
    if address == "local":  # a cluster of our own, whose workers are no nicer to others than local ones
        nice = {"worker_niceness": 0}
        ours = {"num_cpus": cluster.jobs or None, "include_dashboard": False, "_system_config": nice}
    try:
        _knock(address)
        ray.init(address, log_to_driver=False, logging_level="ERROR", **ours)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise WorkerError(
            f"The Ray cluster at {address} cannot be joined: {error}.", "Check the address, and `ray status`."
        ) from error


def _knock(address: str) -> None:
    """Ray itself tries for minutes to reach a cluster that is not there. Raises OSError."""
    host, _, port = address.rpartition(":")
    if port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), _KNOCK_S).close()
