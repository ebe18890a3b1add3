"""One suite for every backend, and what happens where one does not run.

A backend that this machine cannot run is skipped in its own words; the CPU always runs.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from graph_feeds import feeds
from toy_bundle import write_bundle

from hitpoint.backends.api import NAMES, Backend, Name
from hitpoint.backends.choose import BEST, choose, load
from hitpoint.cue.bundle import GRAPHS, STARTER, Bundle, load_bundle
from hitpoint.cue.sessions import CpuModel
from hitpoint.errors import Cancelled, EngineError, ModelBundleError, UsageError
from hitpoint.progress import Progress

TOLERANCE = 2e-2
"""Of the largest value: engines and tensor cores compute with half the digits (docs/engines.md)."""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(write_bundle(tmp_path_factory.mktemp("bundle")))


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> Name:
    chosen: Name = request.param
    return chosen


@pytest.fixture(scope="module")
def backend(name: Name, toy: Bundle) -> Backend:
    try:
        return load(toy, name)
    except EngineError as error:
        pytest.skip(f"{name} does not run here: {error}")


def decoded(backend: Backend, bundle: Bundle, frames: int) -> np.ndarray:
    return backend.run("decode", feeds(bundle, "decode", frames))["spectrum"]


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("frames", [8, 128, 256])
def test_every_graph_at_every_length(backend: Backend, toy: Bundle, graph: str, frames: int) -> None:
    asked = feeds(toy, graph, frames)
    want = load(toy, "cpu", threads=1).run(graph, asked)
    have = backend.run(graph, asked)
    assert set(have) == set(want) == {spec.name for spec in toy.manifest.graph(graph).outputs}
    for output, values in want.items():
        assert have[output].shape == values.shape
        assert have[output].dtype == np.float32
        assert np.abs(have[output] - values).max() <= TOLERANCE * max(1e-6, np.abs(values).max())


def test_the_same_twice(backend: Backend, toy: Bundle) -> None:
    first, second = (decoded(backend, toy, 128) for _ in range(2))
    assert np.array_equal(first, second)


def test_many_at_a_time(backend: Backend, toy: Bundle) -> None:
    lengths = [8, 64, 16, 128, 256, 8, 32, 24] * 2
    alone = [decoded(backend, toy, frames) for frames in lengths]
    with ThreadPoolExecutor(4) as pool:
        beside = list(pool.map(lambda frames: decoded(backend, toy, frames), lengths))
    assert all(np.array_equal(a, b) for a, b in zip(alone, beside, strict=True))


def test_what_is_not_an_input_is_refused(backend: Backend, toy: Bundle) -> None:
    wrong = {**feeds(toy, "decode"), "z": np.zeros((1, 3, 128), np.float32)}
    with pytest.raises((ModelBundleError, EngineError)):
        backend.run("decode", wrong)


def test_stopped_and_taken_up_again(backend: Backend, toy: Bundle) -> None:
    backend.stop()
    with pytest.raises(Cancelled):
        backend.run("step", feeds(toy, "step"))
    backend.resume()
    assert backend.run("step", feeds(toy, "step"))


def test_names_itself(backend: Backend, name: Name) -> None:
    assert backend.name == name
    assert backend.threads >= 1


def test_auto_takes_one_that_runs_and_says_why(toy: Bundle) -> None:
    choice = choose(toy)
    assert choice.warnings == ()
    if choice.backend.name == "cpu":
        assert all(f"{name}: " in choice.reason for name in BEST)
    else:
        assert "fastest" in choice.reason
    assert choice.backend.run("decode", feeds(toy, "decode"))


@pytest.mark.parametrize("wanted", BEST)
def test_what_does_not_run_is_replaced_with_a_warning(toy: Bundle, wanted: str) -> None:
    choice = choose(toy, wanted)
    if choice.backend.name == wanted:
        pytest.skip(f"{wanted} runs here")
    assert choice.backend.name == "cpu"
    assert wanted in choice.reason
    (warning,) = choice.warnings
    assert warning.startswith("The music was made on the CPU, because")
    assert len(warning) > 80  # with the reason and what to do


def test_an_unknown_backend_is_wrong_use(toy: Bundle) -> None:
    with pytest.raises(UsageError, match="cpu"):
        choose(toy, "npu")


@pytest.mark.skipif(not (STARTER / "manifest.json").exists(), reason="the starter bundle is not there")
def test_cancelled_inside_a_running_step() -> None:
    """A step over a very long window takes seconds; the watcher ends it long before."""
    bundle = load_bundle()
    model = CpuModel(bundle, threads=1)
    asked = feeds(bundle, "step", 1024, 2)
    began = time.perf_counter()
    model._backend.run("step", asked)
    whole = time.perf_counter() - began
    progress = Progress()
    long = feeds(bundle, "step", 8192, 2)
    with model.cancellable(progress):
        threading.Timer(0.5 * whole, progress.cancel).start()
        began = time.perf_counter()
        with pytest.raises(Cancelled):
            model._backend.run("step", long)
        assert time.perf_counter() - began < 4 * whole  # of eight


def test_the_model_keeps_no_second_copy_of_the_graphs(tmp_path: Path) -> None:
    model = CpuModel(load_bundle(write_bundle(tmp_path)))
    assert model.bundle.step == b""
    assert model.backend.startswith("cpu: ")
