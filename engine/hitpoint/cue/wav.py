"""The finished file: 24-bit 48 kHz stereo Broadcast Wave with its place on the timeline and its origin in it.

`bext` after EBU Tech 3285 (version 2), `LIST/INFO` because most tools keep it, `iXML` for editors that
read that instead. Same request, same bytes: nothing in the file comes from the clock.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from hitpoint.errors import OutputError
from hitpoint.files import replacing
from hitpoint.values import SAMPLE_RATE, Asset, BundleId

CHANNELS = 2
BYTES_PER_FRAME = CHANNELS * 3
MAX_SAMPLES = (1 << 32) // BYTES_PER_FRAME - (1 << 16)
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's term for media made by a trained model."""
PCM_KEY = "pcm-sha256"
SKETCH = b"hitp"
"""The chunk after the sound that holds what it was made from."""
_UNKNOWN = 0x7FFF  # of a bext loudness field
_SHA_MARK = f"{PCM_KEY}=".encode()


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a cue comes from, as it is written into the file. `created` is empty or ISO 8601 (no clock)."""

    engine: str  # "Hitpoint 0.1.0"
    bundle: BundleId
    request_sha256: str
    seed: int
    style: str
    title: str = ""
    created: str = ""


@dataclass(frozen=True, slots=True)
class Levels:
    """What was measured on the finished sound."""

    loudness: float  # LUFS
    true_peak: float  # dBTP


def write_wav(
    path: Path,
    blocks: Iterator[NDArray[np.int32]],
    samples: int,
    provenance: Provenance,
    levels: Levels,
    time_reference: int,
    sketch: Sequence[bytes | memoryview] = (),
) -> Asset:
    """Write (n, 2) blocks of 24-bit integers, `samples` in all; `path` appears whole or not at all.

    `time_reference` is the record position of the first sample, counted from the timeline's midnight.
    `sketch`, in parts, is what the sound was made from, if that is kept. Raises OutputError.
    """
    if samples * BYTES_PER_FRAME + sum(map(len, sketch)) > MAX_SAMPLES * BYTES_PER_FRAME:
        raise OutputError(f"{path} would be larger than a WAV can be.", "Score a shorter range.")
    with replacing(path) as temp:
        with temp.open("w+b") as file:
            written = _write(file, blocks, samples, provenance, levels, time_reference, sketch)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if written != samples:
            raise ValueError(f"{written} samples came where {samples} were promised")
    return Asset(path, digest, SAMPLE_RATE, CHANNELS, samples)


def _write(
    file: BinaryIO,
    blocks: Iterator[NDArray[np.int32]],
    samples: int,
    provenance: Provenance,
    levels: Levels,
    time_reference: int,
    sketch: Sequence[bytes | memoryview],
) -> int:
    """All chunks; the digest of the sound is filled in last. Returns the samples that came."""
    comment = _comment(provenance)
    head = b"".join(
        (
            _chunk(b"bext", _bext(provenance, levels, time_reference)),
            _chunk(b"iXML", _ixml(provenance, time_reference)),
            _chunk(b"LIST", _info(provenance, comment)),
            _chunk(b"fmt ", _format()),
        )
    )
    size, kept = samples * BYTES_PER_FRAME, sum(map(len, sketch))  # the first is always even
    tail = (SKETCH, struct.pack("<I", kept), *sketch, b"\0" * (kept % 2)) if sketch else ()
    file.write(b"RIFF" + struct.pack("<I", 4 + len(head) + 8 + size + sum(map(len, tail))) + b"WAVE" + head)
    file.write(b"data" + struct.pack("<I", size))
    digest, written = hashlib.sha256(), 0
    for block in blocks:
        raw = _packed(block)
        digest.update(raw)
        file.write(raw)
        written += len(block)
    for part in tail:
        file.write(part)
    place = head.rindex(_SHA_MARK) + len(_SHA_MARK)
    file.seek(12 + place)
    file.write(digest.hexdigest().encode("ascii"))
    return written


def _packed(block: NDArray[np.int32]) -> bytes:
    """Little-endian, three bytes each. Byte by byte: much faster than slicing the rows."""
    whole = np.ascontiguousarray(block, "<i4").view(np.uint8).reshape(-1, 4)
    packed = np.empty((len(whole), 3), np.uint8)
    for byte in range(3):
        packed[:, byte] = whole[:, byte]
    return packed.tobytes()


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _format() -> bytes:
    rate = SAMPLE_RATE * BYTES_PER_FRAME
    return struct.pack("<HHIIHH", 1, CHANNELS, SAMPLE_RATE, rate, BYTES_PER_FRAME, 24)


def _comment(provenance: Provenance) -> str:
    """The machine-readable origin; the place of the sound's digest is filled in by `_write`."""
    parts = {
        "digitalSourceType": SOURCE_TYPE,
        "engine": provenance.engine,
        "bundle": f"{provenance.bundle.name} sha256:{provenance.bundle.sha256}",
        "request": f"sha256:{provenance.request_sha256}",
        "seed": str(provenance.seed),
        "style": provenance.style,
        PCM_KEY: "0" * 64,
    }
    return "AI-generated; " + "; ".join(f"{key}={_plain(value)}" for key, value in parts.items())


def _plain(text: str) -> str:
    """Printable ASCII without the signs that part the fields."""
    return "".join(c if " " <= c <= "~" and c not in ";=" else "_" for c in text)


def _info(provenance: Provenance, comment: str) -> bytes:
    # The comment comes last, so that no other text can pass for the place of the digest.
    entries = {b"INAM": provenance.title, b"ISFT": provenance.engine, b"ICRD": provenance.created}
    entries[b"ICMT"] = comment
    chunks = (_chunk(k, v.encode("utf-8", "replace") + b"\0") for k, v in entries.items() if v)
    return b"INFO" + b"".join(chunks)


def _bext(provenance: Provenance, levels: Levels, time_reference: int) -> bytes:
    """EBU Tech 3285 version 2; loudness in hundredths."""
    description = f"AI-generated (trainedAlgorithmicMedia) by {provenance.engine}, seed {provenance.seed}"
    date, _, time = provenance.created.partition("T")
    tool = f"{_plain(provenance.engine)}; {provenance.bundle.name}"
    history = f"A=PCM,F={SAMPLE_RATE},W=24,M=stereo,T={tool}\r\n"
    return (
        struct.pack("<256s32s32s", _ascii(description), b"Hitpoint", _ascii(provenance.request_sha256[:32]))
        + struct.pack("<10s8sQH64x", _ascii(date[:10]), _ascii(time[:8]), time_reference, 2)
        + struct.pack("<5h180x", _hundredths(levels.loudness), _UNKNOWN, _hundredths(levels.true_peak),
                      _UNKNOWN, _UNKNOWN)
        + _ascii(history)
    )  # fmt: skip


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace")


def _hundredths(value: float) -> int:
    return max(-32767, min(32766, round(value * 100)))


def _ixml(provenance: Provenance, time_reference: int) -> bytes:
    note = f"AI-generated by {provenance.engine}, model {provenance.bundle.name}. {SOURCE_TYPE}"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<BWFXML><IXML_VERSION>2.10</IXML_VERSION>'
        f"<PROJECT>{escape(provenance.title)}</PROJECT><NOTE>{escape(note)}</NOTE>"
        f"<SPEED><FILE_SAMPLE_RATE>{SAMPLE_RATE}</FILE_SAMPLE_RATE><AUDIO_BIT_DEPTH>24</AUDIO_BIT_DEPTH>"
        f"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>{time_reference >> 32}</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>"
        f"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>{time_reference & 0xFFFFFFFF}"
        "</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO></SPEED></BWFXML>\n"
    ).encode()
