"""Sound before the cue is finished: the same take, in order, into files and pipes, whoever reads."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from toy_bundle import toy_plan, write_bundle

from hitpoint.backends.onnx import OnnxBackend
from hitpoint.cue.bundle import load_bundle
from hitpoint.cue.decode import decode_chunk, identity
from hitpoint.cue.generate import Composer, Sampling
from hitpoint.cue.make import make_cue
from hitpoint.cue.plan import Accent
from hitpoint.cue.sessions import CpuModel
from hitpoint.cue.stream import FIRST_LATENTS, preview, wav_stream
from hitpoint.cue.wav import Provenance
from hitpoint.errors import OutputError
from hitpoint.progress import SILENT
from hitpoint.values import BundleId

DURATION = 13.7
SAMPLES = round(DURATION * 48_000)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> CpuModel:
    return CpuModel(load_bundle(write_bundle(tmp_path_factory.mktemp("bundle"))), threads=1)


def composer(model: CpuModel, *, quick: bool = True) -> Composer:
    plan = toy_plan(DURATION, (Accent(1.0, 1.0), Accent(7.5, 0.8)))
    return Composer(plan, model, model.bundle.manifest, Sampling(3, 4, 1.5, quick=quick), SILENT)


def test_the_preview_is_the_take(model: CpuModel) -> None:
    blocks = list(preview(composer(model), SAMPLES))
    assert blocks[0].shape == (2, FIRST_LATENTS * 960)
    heard = np.concatenate(blocks, axis=1)
    z = composer(model).compose()
    whole = decode_chunk(model, model.bundle.manifest, z, identity(z.shape[1]), 0, z.shape[1])[:, :SAMPLES]
    assert heard.shape == (2, SAMPLES)
    assert np.abs(heard - whole).max() < 1e-4 * np.abs(whole).max()


def test_the_first_block_comes_after_the_first_window(
    model: CpuModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [made for _z, made in composer(model).growing()]
    assert made[0] == model.bundle.manifest.minimum_frames
    assert len(made) > 2
    graphs: list[str] = []
    run = OnnxBackend.run
    monkeypatch.setattr(
        OnnxBackend, "run", lambda self, graph, feeds: graphs.append(graph) or run(self, graph, feeds)
    )
    next(preview(composer(model), SAMPLES))
    assert graphs == ["cond", *["step"] * 4, "decode"]


def test_a_file_gets_its_length_in_the_end(tmp_path: Path) -> None:
    sound = np.random.default_rng(1).uniform(-0.9, 0.9, (2, 5000)).astype(np.float32)
    with wav_stream(tmp_path / "a.wav", 5000) as heard:
        heard(sound[:, :2000])
        heard(sound[:, 2000:])
    back, rate = soundfile.read(tmp_path / "a.wav", always_2d=True)
    assert rate == 48_000
    assert np.abs(back.T - sound).max() < 1 / 30_000


def test_a_pipe_is_read_while_it_grows(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    first = threading.Event()

    def read() -> None:
        with pipe.open("rb") as file:
            got.append(file.read(44 + 4 * 100))
            first.set()
            got.append(file.read())

    reader = threading.Thread(target=read)
    reader.start()
    with wav_stream(pipe, 300) as heard:
        heard(np.zeros((2, 100), np.float32))
        assert first.wait(10)  # before the second block exists
        heard(np.full((2, 200), 0.5, np.float32))
    reader.join(10)
    assert got[0][40:44] == b"\xff" * 4
    assert got[1] == (1 << 14).to_bytes(2, "little") * 400


def test_a_reader_that_leaves_stops_nothing(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: pipe.open("rb").close())
    reader.start()
    with wav_stream(pipe, 1 << 20) as heard:
        for _ in range(64):
            heard(np.zeros((2, 1 << 14), np.float32))
    reader.join(10)


def test_no_such_place(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="stream"), wav_stream(tmp_path / "no" / "a.wav", 1):
        pass


def test_the_cue_is_finished_after_the_stream(tmp_path: Path, model: CpuModel) -> None:
    heard: list[np.ndarray] = []
    origin = Provenance("Hitpoint test", BundleId("toy", "0" * 64), "0" * 64, 1, "pop")
    made = make_cue(
        composer(model).plan, [], model, seed=3, steps=4, guidance=1.5, takes=1, loudness=-40.0,
        frame_rate=25.0, lead_samples=0, out=tmp_path / "a.wav", time_reference=0, provenance=origin,
        progress=SILENT, heard=heard.append,
    )  # fmt: skip
    early = np.concatenate(heard, axis=1)
    late = soundfile.read(made.asset.path, always_2d=True)[0].T
    assert early.shape == late.shape
    inside = slice(48_000, 10 * 48_000)
    assert np.corrcoef(early[0, inside], late[0, inside])[0, 1] > 0.98  # all but the level
