"""What makes watching quick gives what the plain way gives."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from films import clip, numbered, whole, write_film
from mediapipe.tasks.metadata import schema_py_generated as schema
from scipy.ndimage import gaussian_filter1d

from hitpoint.errors import UsageError
from hitpoint.media.probe import probe
from hitpoint.motion import flow
from hitpoint.motion.frames import read_frames
from hitpoint.motion.pose_model import ensure_pose_model
from hitpoint.motion.pose_networks import without_output
from hitpoint.motion.track import GRID_RATE, smoothed
from hitpoint.progress import Progress
from hitpoint.score import score
from hitpoint.values import ScoreRequest


def operators(content: bytes) -> tuple[int, list[tuple[int, ...]]]:
    """How many operators a network has, and the shapes of its outputs."""
    graph = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0)).subgraphs[0]
    return len(graph.operators), [tuple(graph.tensors[tensor].shape) for tensor in graph.outputs]


def network(shapes: list[tuple[int, ...]], steps: list[tuple[int, int]], outputs: list[int]) -> bytes:
    """A network of operators (from, to) between tensors of these shapes, of which the first is its input."""
    model, graph, code = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT()
    graph.tensors = [schema.TensorT() for _ in shapes]
    for tensor, shape in zip(graph.tensors, shapes, strict=True):
        tensor.shape = list(shape)
    graph.operators = [schema.OperatorT() for _ in steps]
    for made, (taken, given) in zip(graph.operators, steps, strict=True):
        made.inputs, made.outputs = [taken], [given]
    graph.inputs, graph.outputs = [0], outputs
    model.version, model.subgraphs, model.operatorCodes = 3, [graph], [code]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_what_only_the_unread_output_needs_goes_and_the_rest_stays() -> None:
    shapes = [(1, 8), (1, 4), (1, 1), (1, 16), (1, 32)]
    whole_network = network(shapes, [(0, 1), (1, 2), (1, 3), (3, 4)], outputs=[2, 4])
    assert operators(whole_network) == (4, [(1, 1), (1, 32)])
    assert operators(without_output(whole_network, (1, 32), (1, 1))) == (2, [(1, 1), (1, 1)])


def test_the_pose_model_draws_no_mask() -> None:
    with zipfile.ZipFile(ensure_pose_model()) as bundle:
        content = bundle.read("pose_landmarks_detector.tflite")
    graph = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0)).subgraphs[0]
    made = [tuple(graph.tensors[tensor].shape) for step in graph.operators for tensor in step.outputs]
    assert len(operators(content)[1]) == 5, "as many as the API asks for"
    assert (1, 64, 64, 39) in made, "landmarks are refined on it"
    assert not [shape for shape in made if shape[1:3] == (256, 256)]


def test_watching_brings_in_nothing_that_it_does_not_use() -> None:
    code = (
        "import json, sys; from hitpoint.motion.pose import open_tracker; import hitpoint.score;"
        "from hitpoint.motion.pose_model import ensure_pose_model as model;\n"
        "with open_tracker(model()) as tracker: print(json.dumps([tracker is not None, sorted(sys.modules)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    loaded, modules = json.loads(done.stdout)
    assert loaded
    assert not {"matplotlib", "sounddevice", "scipy", "scenedetect.output"} & set(modules)


def test_pictures_are_made_only_where_somebody_is_looked_for(tmp_path: Path) -> None:
    path = write_film(tmp_path / "even.mp4", numbered(60), [index * 1 / 30 for index in range(60)])
    frames = list(read_frames(whole(path), probe(path), rate=30.0, picture_rate=10.0))
    assert all(frame.analysed for frame in frames)
    assert [index for index, frame in enumerate(frames) if frame.picture is not None] == list(range(0, 60, 3))
    few = list(read_frames(whole(path), probe(path), rate=10.0))
    assert [frame.analysed for frame in few] == [frame.picture is not None for frame in frames]


def test_the_camera_is_the_least_squares_solution() -> None:
    chance = np.random.default_rng(4)
    grid = flow._grid(72, 128)
    moved = chance.normal(0, 0.02, (len(grid), 2)).astype(np.float32)
    weight = chance.uniform(0.01, 1, len(grid)).astype(np.float32)
    x, y, one, _ = grid.T
    system = np.concatenate([np.stack([x, -y, one, 0 * one], 1), np.stack([y, x, 0 * one, one], 1)])
    root = np.sqrt(np.concatenate([weight, weight]))
    zoom, roll, right, down = np.linalg.lstsq(system * root[:, None], moved.T.ravel() * root, rcond=None)[0]
    expected = np.array([[zoom, -roll, right], [roll, zoom, down]])
    assert flow._fit(grid, moved, weight) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("rows", [1, 7, 300])
def test_smoothing_is_scipys(rows: int) -> None:
    values = np.random.default_rng(rows).normal(size=(rows, 3)).astype(np.float32)
    expected = gaussian_filter1d(values, 0.05 * GRID_RATE, axis=0, mode="nearest")
    assert smoothed(values, 0.05) == pytest.approx(expected, abs=1e-6)


def test_a_model_that_cannot_run_ends_the_watching(tmp_path: Path) -> None:
    """It is loaded meanwhile; nobody waits to the end of a clip to hear of it."""
    reports: list[float] = []
    listening = Progress(lambda stage, share: reports.append(share) if "watching" in stage else None)
    with pytest.raises(UsageError, match="backend"):
        score(ScoreRequest(clip("v06"), backend="abacus"), tmp_path / "a.otio", listening)
    assert max(reports, default=0.0) < 0.5
    assert not list(tmp_path.iterdir())
