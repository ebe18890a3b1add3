"""PyTorch with CUDA graphs answers as every backend does; without a GPU, all but the capture is shown.

The checks are those of `tests/engine/test_backends.py`, on the starter bundle, as a toy has no torch modules.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from graph_feeds import feeds
from toy_bundle import write_bundle

from hitpoint.backends.api import Backend
from hitpoint.backends.choose import load
from hitpoint.cue.bundle import GRAPHS, STARTER, Bundle, load_bundle
from hitpoint.errors import Cancelled, EngineError, ModelBundleError
from hitpoint_export.cuda_graphs import KEPT, CudaGraphs
from hitpoint_export.torch_bundle import torch_graphs

pytestmark = pytest.mark.skipif(
    not (STARTER / "manifest.json").exists(), reason="the starter bundle is not there"
)
TOLERANCE = {"fp32": 1e-3, "fp16": 2e-2}
"""Of the largest value, as for the engines of TensorRT (docs/engines.md)."""


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle()


@pytest.fixture(scope="module")
def onnx(bundle: Bundle) -> Backend:
    return load(bundle, "cpu-fp32", threads=1)


@pytest.fixture(scope="module", params=["cpu-fp32", "cpu-fp16", "cuda-fp32", "cuda-fp16"])
def backend(request: pytest.FixtureRequest, bundle: Bundle) -> CudaGraphs:
    device, precision = request.param.split("-")
    try:
        made = CudaGraphs(bundle, device, precision)
    except EngineError as error:
        pytest.skip(f"never run here: {error}")
    made.tolerance = TOLERANCE[precision]
    return made


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("frames", [8, 104, 256])
def test_every_graph_at_every_length(
    backend: CudaGraphs, onnx: Backend, bundle: Bundle, graph: str, frames: int
) -> None:
    asked = feeds(bundle, graph, frames)
    want, have = onnx.run(graph, asked), backend.run(graph, asked)
    assert list(have) == [spec.name for spec in bundle.manifest.graph(graph).outputs]
    for output, values in want.items():
        assert have[output].shape == values.shape
        assert have[output].dtype == np.float32
        error = np.abs(have[output] - values).max() / np.abs(values).max()
        print(f"{graph} {output}, {frames} frames: {error:.1e}")
        assert error <= backend.tolerance


def test_other_values_at_the_same_length_and_the_same_twice(backend: CudaGraphs, bundle: Bundle) -> None:
    asked = feeds(bundle, "decode", 64)
    first = backend.run("decode", asked)["spectrum"]
    other = backend.run("decode", {**asked, "z": -asked["z"]})["spectrum"]
    again = backend.run("decode", asked)["spectrum"]
    assert not np.allclose(first, other)  # so `first` is no view of what was filled again
    assert np.array_equal(first, again)


def test_many_at_a_time_with_more_lengths_than_are_kept(backend: CudaGraphs, bundle: Bundle) -> None:
    lengths = [8 * (1 + n) for n in range(KEPT + 2)]

    def decoded(frames: int) -> np.ndarray:
        return backend.run("decode", feeds(bundle, "decode", frames))["spectrum"]

    alone = [decoded(frames) for frames in lengths]
    with ThreadPoolExecutor(4) as pool:
        beside = list(pool.map(decoded, lengths))
    assert all(np.array_equal(a, b) for a, b in zip(alone, beside, strict=True))
    assert len(backend._captures["decode"]) == KEPT


@pytest.mark.parametrize(
    "wrong",
    [
        {"z": np.zeros((1, 3, 128), np.float32)},
        {"z": np.zeros((1, 64, 127), np.float32)},
        {"z": np.zeros((1, 64, 64), np.float32)},
        {"positions": np.zeros(0, np.float32)},
        {"frame": np.zeros(1, np.int32)},
        {"more": np.zeros(1, np.float32)},
    ],
)
def test_what_is_not_an_input_is_refused(backend: CudaGraphs, bundle: Bundle, wrong: dict) -> None:
    with pytest.raises(ModelBundleError, match=r"decode\.onnx"):
        backend.run("decode", {**feeds(bundle, "decode"), **wrong})


def test_stopped_and_taken_up_again(backend: CudaGraphs, bundle: Bundle) -> None:
    backend.stop()
    with pytest.raises(Cancelled):
        backend.run("cond", feeds(bundle, "cond"))
    backend.resume()
    assert backend.run("cond", feeds(bundle, "cond"))


@pytest.mark.parametrize("graph", GRAPHS)
def test_nothing_on_the_way_needs_the_host(bundle: Bundle, graph: str) -> None:
    """A capture forbids to read a value back and to bring a tensor from the CPU. "meta" has no values."""
    module = torch_graphs(bundle)[graph].module.to("meta")
    inputs = [torch.from_numpy(values).to("meta") for values in feeds(bundle, graph).values()]
    outputs = module(*inputs)
    assert all(output.is_meta for output in (outputs if isinstance(outputs, tuple) else (outputs,)))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_what_to_do(bundle: Bundle) -> None:
    with pytest.raises(EngineError, match="GPU") as told:
        CudaGraphs(bundle)
    assert told.value.exit_code == 1
    assert told.value.todo


def test_networks_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelBundleError, match="other networks"):
        CudaGraphs(load_bundle(write_bundle(tmp_path)), "cpu")
