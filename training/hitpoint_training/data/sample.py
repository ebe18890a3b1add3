"""One sample of paired data, and how it lies in a shard: FLAC, npy and JSON, never a pickle.

A shard is a plain tar file. The members of a sample share their name: `KEY.json` says what it is and holds
the CRC of the others, `KEY.flac` is the sound, `KEY.plan.json` the annotation, `KEY.pose.npy`,
`KEY.video.npy` and `KEY.hits.npy` what is known of the picture.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import soundfile

from hitpoint.cue.plan import CuePlan
from hitpoint.errors import MediaError
from hitpoint.values import Floats
from hitpoint_training.corpus.annotations import plan_from_json, plan_to_json

Source = Literal["composed", "video", "loris"]
SCHEMA = 1
JOINTS = 17
"""Of COCO, in its order."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Music, and what is known of it and of its picture. Times in seconds from its start."""

    key: str
    source: Source
    sound: Floats  # (channels, samples)
    rate: int  # Hz
    plan: CuePlan | None = None
    guessed: tuple[str, ...] = ()  # which fields of the plan were estimated from the recording
    pose: Floats | None = None  # (frames, 17, 3): x, y and confidence; confidence 0 where nobody is seen
    pose_rate: float = 16.0  # Hz
    video: Floats | None = None  # (rows, features)
    video_rate: float = 2.0  # Hz
    hits: Floats | None = None  # (hits, 3): time, strength, and 1 for a cut
    genre: int | None = None
    notes: dict[str, str] = field(default_factory=dict)  # where it comes from, for people

    @property
    def duration(self) -> float:
        """Seconds of sound."""
        return float(self.sound.shape[1] / self.rate)


def pack(sample: Sample) -> dict[str, bytes]:
    """The members of the sample in a shard, by their extensions; sounds of up to 24 bits stay exact."""
    members = {"flac": flac(sample.sound, sample.rate)}
    if sample.plan is not None:
        members["plan.json"] = plan_to_json(sample.plan).encode()
    for name, rows in (("pose", sample.pose), ("video", sample.video), ("hits", sample.hits)):
        if rows is not None:
            members[f"{name}.npy"] = _npy(rows)
    meta = {
        "schema": SCHEMA,
        "source": sample.source,
        "guessed": sample.guessed,
        "pose_rate": sample.pose_rate,
        "video_rate": sample.video_rate,
        "genre": sample.genre,
        "notes": sample.notes,
        "crc": {extension: zlib.crc32(data) for extension, data in members.items()},
    }
    return {"json": json.dumps(meta).encode(), **members}


def unpack(key: str, members: Mapping[str, bytes]) -> Sample:
    """Undo `pack`. Raises MediaError for anything damaged or missing."""
    try:
        meta: dict[str, Any] = json.loads(members["json"])
        if meta["schema"] != SCHEMA or meta["source"] not in get_args(Source):
            raise MediaError(f"{key} is of another version.", "Pack it again.")
        for extension, crc in meta["crc"].items():
            if zlib.crc32(members[extension]) != crc:
                raise MediaError(f"{key}.{extension} is damaged.", "Pack it again.")
        sound, rate = soundfile.read(io.BytesIO(members["flac"]), dtype="float32", always_2d=True)
        annotation = members.get("plan.json")
        return Sample(
            key=key,
            source=meta["source"],
            sound=np.ascontiguousarray(sound.T),
            rate=rate,
            plan=None if annotation is None else plan_from_json(annotation.decode()),
            guessed=tuple(meta["guessed"]),
            pose=_array(members.get("pose.npy")),
            pose_rate=float(meta["pose_rate"]),
            video=_array(members.get("video.npy")),
            video_rate=float(meta["video_rate"]),
            hits=_array(members.get("hits.npy")),
            genre=None if meta["genre"] is None else int(meta["genre"]),
            notes={str(name): str(value) for name, value in meta["notes"].items()},
        )
    except (KeyError, TypeError, ValueError, soundfile.SoundFileError) as error:
        raise MediaError(f"{key} cannot be read: {error}.", "Pack it again.") from error


def flac(sound: Floats, rate: int) -> bytes:
    """A FLAC file of (channels, samples); what has at most 24 bits stays exact."""
    steps = np.clip(np.round(sound.T.astype(np.float64) * 2**23), -(2**23), 2**23 - 1)
    file = io.BytesIO()
    soundfile.write(file, steps.astype(np.int32) << 8, rate, format="FLAC", subtype="PCM_24")
    return file.getvalue()


def _npy(rows: Floats) -> bytes:
    file = io.BytesIO()
    np.save(file, rows.astype(np.float32), allow_pickle=False)
    return file.getvalue()


def _array(data: bytes | None) -> Floats | None:
    return None if data is None else np.load(io.BytesIO(data), allow_pickle=False).astype(np.float32)
