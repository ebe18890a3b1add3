"""Shards as a folder of pieces, which the codec and the flow draw random crops from."""

from __future__ import annotations

import sys
from pathlib import Path

from hitpoint.errors import MediaError, UsageError
from hitpoint.files import write_atomic
from hitpoint.values import SAMPLE_RATE
from hitpoint_training.corpus.annotations import plan_to_json
from hitpoint_training.data.check import check
from hitpoint_training.data.sample import Sample, flac, unpack
from hitpoint_training.data.shards import INDEX, find_shards, read_shard

_DONE = "unpacked"


def pieces_folder(corpus: Path, run: Path) -> Path:
    """`corpus` itself, or where its shards were unpacked in the run, without what cannot be used.

    Raises UsageError if nothing can be used.
    """
    if not (corpus / INDEX).is_file():
        return corpus
    folder = run / "pieces"
    folder.mkdir(parents=True, exist_ok=True)
    note = f"{(corpus / INDEX).stat().st_mtime_ns}"
    if (folder / _DONE).is_file() and (folder / _DONE).read_text() == note:
        return folder
    left_out: list[str] = []
    for shard in find_shards(corpus):
        try:
            for key, members in read_shard(shard):
                try:
                    _write(check(unpack(key, members)), folder)
                except MediaError as error:
                    left_out.append(error.what)
        except MediaError as error:
            left_out.append(error.what)
    for why in left_out:
        print(f"Left out: {why}", file=sys.stderr)
    if not any(folder.glob("*.flac")):
        raise UsageError(f"Nothing in {corpus} can be used.", "Pack the data again.")
    write_atomic(folder / _DONE, note.encode())
    return folder


def _write(sample: Sample, folder: Path) -> None:
    if sample.plan is None or sample.rate != SAMPLE_RATE:
        raise MediaError(f"{sample.key}: no plan at {SAMPLE_RATE} Hz.", "This stage cannot use it.")
    write_atomic(folder / f"{sample.key}.flac", flac(sample.sound, sample.rate))
    write_atomic(folder / f"{sample.key}.json", plan_to_json(sample.plan).encode())
