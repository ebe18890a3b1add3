"""An endless stream of samples in an order that depends only on the seed, so that a run can be resumed.

Each epoch the shards come in another order, and the samples of each shard too. Of the whole sequence each
process takes every n-th. A faulty sample is skipped and counted; the sequence of the others does not change.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from hitpoint.errors import MediaError
from hitpoint_training.data.check import check
from hitpoint_training.data.sample import Sample, unpack
from hitpoint_training.data.shards import Shard, read_shard


class Stream:
    """`skipped` counts the faults of what this process met, by their message."""

    def __init__(self, shards: tuple[Shard, ...], seed: int, rank: int = 0, processes: int = 1) -> None:
        self.shards, self.seed, self.rank, self.processes = shards, seed, rank, processes
        self.total = sum(shard.count for shard in shards)
        self.skipped: Counter[str] = Counter()

    def samples(self, first: int = 0) -> Iterator[Sample]:
        """Endless, from place `first` on, which counts over all processes.

        Raises MediaError if a whole epoch holds nothing that can be used.
        """
        for epoch in itertools.count(first // self.total):
            usable = 0
            start = max(0, first - epoch * self.total)
            for position, key, members in self._epoch(epoch, start):
                usable += 1
                if (epoch * self.total + position) % self.processes != self.rank:
                    continue
                try:
                    yield check(unpack(key, members))
                except MediaError as error:
                    usable -= 1
                    self.skipped[error.what] += 1
            if not usable and not start:
                raise MediaError(
                    f"No sample in {self.shards[0].path.parent} can be used: {dict(self.skipped)}.",
                    "Pack the data again.",
                )

    def _epoch(self, epoch: int, start: int) -> Iterator[tuple[int, str, Mapping[str, bytes]]]:
        """Position in the epoch, key and members; a damaged shard gives what it still holds."""
        passed = 0
        for index in np.random.default_rng((self.seed, epoch)).permutation(len(self.shards)):
            shard = self.shards[index]
            if passed + shard.count > start:
                order = np.random.default_rng((self.seed, epoch, index)).permutation(shard.count)
                held = self._held(shard)
                for place, which in enumerate(order):
                    if passed + place >= start and which < len(held):
                        yield passed + place, *held[which]
            passed += shard.count

    def _held(self, shard: Shard) -> list[tuple[str, Mapping[str, bytes]]]:
        held: list[tuple[str, Mapping[str, bytes]]] = []
        try:
            for one in read_shard(shard):
                held.append(one)
        except MediaError as error:
            self.skipped[error.what] += 1
        return held
