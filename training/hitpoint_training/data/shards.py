"""Shards on disk: tar files of samples, and an index that says how many are in each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import webdataset

from hitpoint.errors import MediaError, OutputError, UsageError
from hitpoint.files import replacing, write_atomic
from hitpoint_training.data.sample import Sample, pack

INDEX = "index.json"
PER_SHARD = 64


@dataclass(frozen=True, slots=True)
class Shard:
    """A tar file and how many samples were written into it."""

    path: Path
    count: int


def write_shards(samples: Iterable[Sample], folder: Path, per_shard: int = PER_SHARD) -> tuple[Shard, ...]:
    """Write the samples; each shard appears whole or not at all, and the index last."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror}.", "Choose another folder.") from error
    shards: list[Shard] = []
    batch: list[Sample] = []
    for sample in samples:
        batch.append(sample)
        if len(batch) == per_shard:
            shards.append(_write(batch, folder / f"{len(shards):06d}.tar"))
            batch = []
    if batch:
        shards.append(_write(batch, folder / f"{len(shards):06d}.tar"))
    if not shards:
        raise UsageError("There is nothing to pack.", "Look at what was skipped.")
    counts = {shard.path.name: shard.count for shard in shards}
    write_atomic(folder / INDEX, (json.dumps(counts, indent=1) + "\n").encode())
    return tuple(shards)


def _write(samples: list[Sample], path: Path) -> Shard:
    with replacing(path) as temp, webdataset.TarWriter(str(temp), encoder=False, mtime=0) as tar:
        for sample in samples:
            tar.write({"__key__": sample.key, **pack(sample)})
    return Shard(path, len(samples))


def find_shards(folder: Path) -> tuple[Shard, ...]:
    """The shards that the index names. Raises UsageError if there is no index."""
    try:
        counts: dict[str, int] = json.loads((folder / INDEX).read_text())
        return tuple(Shard(folder / name, int(count)) for name, count in sorted(counts.items()))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise UsageError(f"{folder} is no folder of shards: {error}.", "Pack the data first.") from error


def read_shard(shard: Shard) -> Iterator[tuple[str, Mapping[str, bytes]]]:
    """Key and members of each sample, not yet decoded.

    Raises MediaError where the shard is missing, damaged or cut off; what came before it is good.
    """
    found = 0
    try:
        for sample in webdataset.WebDataset(str(shard.path.resolve()), shardshuffle=False, empty_check=False):
            found += 1
            yield sample["__key__"], {name: data for name, data in sample.items() if isinstance(data, bytes)}
    except GeneratorExit:
        raise
    except Exception as error:  # whatever the tar reader stumbles over
        raise _damaged(shard, found) from error
    if found < shard.count:
        raise _damaged(shard, found)


def _damaged(shard: Shard, found: int) -> MediaError:
    return MediaError(
        f"The shard {shard.path} is damaged after {found} of {shard.count} samples.", "Pack it again."
    )
