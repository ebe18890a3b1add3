"""The file: read back by other programs' readers, exact in its chunks, whole or not there at all."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from hitpoint.cue.verify import read_origin
from hitpoint.cue.wav import Levels, Provenance, write_wav
from hitpoint.errors import MediaError, MissingMediaError, OutputError
from hitpoint.values import BundleId

LEVELS = Levels(-14.02, -1.1)
ORIGIN = Provenance("Hitpoint 0.1.0", BundleId("toy", "ab" * 32), "cd" * 32, 7, "pop", title="Clip & <co>")


def ramp(samples: int) -> np.ndarray:
    values = np.linspace(-(1 << 23), (1 << 23) - 1, 2 * samples).astype(np.int32)
    return values.reshape(samples, 2)


def write(
    path: Path, samples: int = 1000, origin: Provenance = ORIGIN, reference: int = 172_800_000_123
) -> np.ndarray:
    values = ramp(samples)
    write_wav(path, iter(np.array_split(values, 3)), samples, origin, LEVELS, reference)
    return values


def chunks(data: bytes) -> dict[bytes, bytes]:
    at, found = 12, {}
    while at < len(data):
        size = struct.unpack("<I", data[at + 4 : at + 8])[0]
        found[data[at : at + 4]] = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    assert at == len(data) == struct.unpack("<I", data[4:8])[0] + 8
    return found


def test_samples_come_back_exactly(tmp_path: Path) -> None:
    values = write(tmp_path / "a.wav")
    sound, rate = soundfile.read(tmp_path / "a.wav", dtype="int32")
    assert (rate, soundfile.info(tmp_path / "a.wav").subtype) == (48_000, "PCM_24")
    assert np.array_equal(sound >> 8, values)


def test_ffmpeg_reads_the_time_reference(tmp_path: Path) -> None:
    write(tmp_path / "a.wav")
    with av.open(tmp_path / "a.wav") as container:
        assert container.metadata["time_reference"] == "172800000123"
        assert container.metadata["encoded_by"] == "Hitpoint"
        assert "AI-generated" in container.metadata["comment"]
        assert container.streams.audio[0].duration == 1000


def test_bext_fields(tmp_path: Path) -> None:
    write(tmp_path / "a.wav")
    found = chunks((tmp_path / "a.wav").read_bytes())
    bext = found[b"bext"]
    assert struct.unpack("<QH", bext[338:348]) == (172_800_000_123, 2)
    assert struct.unpack("<5h", bext[412:422]) == (-1402, 0x7FFF, -110, 0x7FFF, 0x7FFF)
    assert bext[602:].startswith(b"A=PCM,F=48000,W=24,M=stereo,T=Hitpoint 0.1.0")
    assert b"Clip &amp; &lt;co&gt;" in found[b"iXML"]
    assert len(found[b"data"]) == 6000


def test_origin_reads_back_and_damage_shows(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write(path)
    origin = read_origin(path)
    assert (origin.ai_generated, origin.intact, origin.seed, origin.style) == (True, True, "7", "pop")
    assert origin.bundle == f"toy sha256:{'ab' * 32}"
    assert origin.time_reference == 172_800_000_123
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(bytes(data))
    assert read_origin(path).intact is False


def test_same_content_same_bytes(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        write(tmp_path / name)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_texts_cannot_forge_fields(tmp_path: Path) -> None:
    write(
        tmp_path / "a.wav",
        origin=Provenance("E; seed=9", BundleId("b=x;", "0" * 64), "1" * 64, 3, "p;style=q"),
    )
    origin = read_origin(tmp_path / "a.wav")
    assert origin.seed == "3"
    assert origin.style == "p_style_q"
    assert origin.intact


def test_a_foreign_wav_has_no_origin(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", np.zeros((100, 2)), 48_000)
    origin = read_origin(tmp_path / "x.wav")
    assert not origin.ai_generated
    assert origin.intact is None


@pytest.mark.parametrize("size", [0, 8, 11, 12, 15, 40, 300, 900])
def test_cut_off_files_are_read_as_far_as_they_go(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.wav"
    write(path)
    path.write_bytes(path.read_bytes()[:size])
    if size < 12:
        with pytest.raises(MediaError):
            read_origin(path)
    else:
        assert read_origin(path).intact is not True


def test_missing_and_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(MissingMediaError):
        read_origin(tmp_path / "none.wav")
    with pytest.raises(MediaError):
        read_origin(tmp_path)


def test_failure_on_the_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")

    def failing() -> object:
        yield ramp(10)
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="full"):
        write_wav(path, failing(), 20, ORIGIN, LEVELS, 0)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_too_long_for_a_wav(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_wav(tmp_path / "a.wav", iter(()), 1 << 30, ORIGIN, LEVELS, 0)
