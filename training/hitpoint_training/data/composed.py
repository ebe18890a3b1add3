"""Reader of the composed corpus: FLAC with the JSON plan that it was composed from. Nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import soundfile

from hitpoint.errors import MediaError
from hitpoint_training.corpus.annotations import plan_from_json
from hitpoint_training.data.entry import Entry, key_of
from hitpoint_training.data.sample import Sample


def is_composed(folder: Path) -> bool:
    """Whether the folder holds pieces of the composer."""
    return any(file.with_suffix(".json").is_file() for file in folder.glob("*.flac"))


def composed(folder: Path) -> Iterator[Entry]:
    """The pieces in order of name."""
    for file in sorted(folder.glob("*.flac")):
        yield Entry(file.name, partial(_load, file))


def _load(file: Path) -> Sample:
    try:
        sound, rate = soundfile.read(file, dtype="float32", always_2d=True)
        plan = plan_from_json(file.with_suffix(".json").read_text())
    except (OSError, ValueError, soundfile.SoundFileError) as error:
        raise MediaError(f"{file} cannot be read: {error}.", "Render the corpus again.") from error
    return Sample(key_of(file.stem), "composed", sound.T, rate, plan)
