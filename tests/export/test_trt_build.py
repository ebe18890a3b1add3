"""Real engines by TensorRT-RTX, without a GPU, and what becomes of them when something changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toy_bundle import write_bundle

from hitpoint.backends.gpu import Gpu, find_gpus
from hitpoint.backends.install_key import key_path
from hitpoint.backends.runtimes import Runtime, check_gpus
from hitpoint.cue.bundle import GRAPHS, STARTER, load_bundle
from hitpoint.errors import Cancelled, EngineError, ModelBundleError, UsageError
from hitpoint.progress import SILENT, Progress
from hitpoint_export.trt.builder import Phases, layer_kinds
from hitpoint_export.trt.make import Request, make_engines, plan_engines
from hitpoint_export.trt.profiles import profiles, shape_of, shapes

pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed (extra tensorrt-rtx)")
pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed (extra tensorrt-rtx)")

SCRIPT = Path(__file__).parents[2] / "export" / "build_trt.py"


@pytest.fixture(autouse=True)
def _own_installation(tmp_path, monkeypatch):
    """Each test is an installation of its own: its key is in its own folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def run_script(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)


def run_script_timed(what: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    began, before = time.monotonic(), os.times()
    done = run_script(*arguments)
    after = os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    print(f"{what} in {time.monotonic() - began:.2f} s, {busy:.2f} s of processor time")
    return done


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def recorded(stages: list[str]) -> Progress:
    def listen(stage: str, fraction: float) -> None:
        assert 0 <= fraction <= 1
        if stage not in stages:
            stages.append(stage)

    return Progress(listen)


def test_the_starter_bundle_is_built_and_then_cached(tmp_path):
    out = tmp_path / "engines"
    first = run_script_timed("built", STARTER, "-o", out, "--profile", "default", "--json")
    assert first.returncode == 0, first.stderr
    engines = json.loads(first.stdout)["engines"]
    assert [(e["graph"], e["state"]) for e in engines] == [(name, "built") for name in GRAPHS]
    bundle = load_bundle()
    for engine in engines:
        summary, plan = engine["summary"], Path(engine["file"]).read_bytes()
        assert summary["network_layers"] == sum(count for _, count in summary["kinds"])
        assert 0 < summary["half_tensors"] < summary["tensors"]
        assert summary["half_error"] < 2e-3
        weights = bundle.manifest.graph(engine["graph"]).size
        assert 0.9 * weights < summary["plan_bytes"] < len(plan)
        print(engine["graph"], summary)
    assert "step: compiling" in first.stderr
    second = run_script_timed("found again", STARTER, "-o", out, "--profile", "default", "--json")
    assert second.returncode == 0, second.stderr
    again = json.loads(second.stdout)["engines"]
    assert [e["state"] for e in again] == ["cached"] * 3
    assert [e["summary"] for e in again] == [e["summary"] for e in engines]
    assert "compiling" not in second.stderr


@pytest.fixture
def toy(tmp_path):
    return Request(
        write_bundle(tmp_path / "toy"), tmp_path / "engines", precision="fp32", profiles=("short",)
    )


def test_second_call_builds_nothing(toy):
    made = make_engines(toy, SILENT)
    before = {job.path: job.path.stat().st_mtime_ns for job in made.jobs}
    stages: list[str] = []
    again = make_engines(toy, recorded(stages))
    assert stages == ["Checking the bundle"]
    assert [job.reason for job in again.jobs] == ["", "", ""]
    assert {job.path: job.path.stat().st_mtime_ns for job in again.jobs} == before


def test_a_changed_engine_is_built_again(toy):
    paths = {job.recipe.graph: job.path for job in make_engines(toy, SILENT).jobs}
    flip(paths["cond"], paths["cond"].stat().st_size // 2)
    stages: list[str] = []
    jobs = make_engines(toy, recorded(stages)).jobs
    assert [job.recipe.graph for job in jobs if job.reason] == ["cond"]
    assert "cond: compiling" in stages
    assert "step: compiling" not in stages
    assert not any(job.reason for job in plan_engines(toy).jobs)


def test_a_changed_bundle_is_refused(toy):
    make_engines(toy, SILENT)
    graph = toy.bundle / "step.onnx"
    flip(graph, graph.stat().st_size // 2)
    with pytest.raises(ModelBundleError, match="changed"):
        make_engines(toy, SILENT)
    answer = run_script(toy.bundle, "-o", toy.folder, "--json")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "was changed since the bundle was made" in answer.stderr


def test_engines_of_another_installation_are_built_again(toy, tmp_path, monkeypatch):
    make_engines(toy, SILENT)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "elsewhere"))
    reasons = {job.reason for job in plan_engines(toy).jobs}
    assert reasons == {"this installation has no key yet"}
    stages: list[str] = []
    jobs = make_engines(toy, recorded(stages)).jobs
    assert [f"{job.recipe.graph}: compiling" in stages for job in jobs] == [True] * 3
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert all("another installation" in job.reason for job in plan_engines(toy).jobs)


def test_other_flags_are_other_engines(toy):
    make_engines(toy, SILENT)
    other = Request(toy.bundle, toy.folder, precision="fp32", profiles=("long",))
    assert all(job.reason == "not built yet" for job in plan_engines(other).jobs)
    forced = Request(toy.bundle, toy.folder, precision="fp32", profiles=("short",), force=True)
    assert all("--force" in job.reason for job in plan_engines(forced).jobs)


def test_cancelling_stops_the_compiler_and_leaves_nothing(toy):
    def stop(stage: str, _fraction: float) -> None:
        if stage.endswith("compiling"):
            progress.cancel()

    progress = Progress(stop)
    with pytest.raises(Cancelled):
        make_engines(toy, progress)
    assert not toy.folder.exists()


def test_dry_run_says_all_and_writes_nothing(tmp_path):
    out = tmp_path / "engines"
    told = run_script(STARTER, "-o", out, "--dry-run", "--profile", "short,long")
    assert told.returncode == 0, told.stderr
    for word in ("1x64xT", "T 8 to 256", "T 8 to 2048", "not built", "step-"):
        assert word in told.stdout
    answer = json.loads(run_script(STARTER, "-o", out, "--dry-run", "--json").stdout)
    step = next(engine for engine in answer["engines"] if engine["graph"] == "step")
    x = next(shape for shape in step["profiles"]["default"] if shape["name"] == "x")
    assert x == {"name": "x", "least": [1, 64, 8], "best": [1, 64, 1024], "greatest": [1, 64, 1024]}
    assert not out.exists()
    assert not key_path().exists()


def test_wrong_use_is_told_apart(tmp_path):
    assert run_script(STARTER, "-o", tmp_path, "--profile", "huge").returncode == 2
    assert run_script(STARTER, "-o", tmp_path, "--precision", "int3").returncode == 2
    assert run_script(tmp_path / "none", "-o", tmp_path).returncode == 1


@pytest.mark.skipif(bool(find_gpus()), reason="there is a GPU, so TensorRT may well work")
def test_without_gpu_tensorrt_says_what_is_missing(tmp_path):
    answer = run_script(STARTER, "-o", tmp_path / "engines", "--runtime", "tensorrt")
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert "--runtime rtx" in answer.stderr


def test_gpus_that_a_runtime_cannot_use():
    ada = Gpu("GeForce RTX 4090", "GPU-1", (8, 9), "580.1", 24 << 30)
    hopper = Gpu("H200", "GPU-2", (9, 0), "580.1", 141 << 30)
    rtx, full = Runtime("rtx", "tensorrt_rtx", "1.7"), Runtime("tensorrt", "tensorrt", "11.4")
    for runtime, gpus in ((rtx, ()), (rtx, (ada,)), (rtx, (hopper, ada)), (full, (hopper,))):
        check_gpus(runtime, gpus)
    with pytest.raises(EngineError, match="H200"):
        check_gpus(rtx, (hopper,))
    with pytest.raises(EngineError, match="no NVIDIA GPU"):
        check_gpus(full, ())


def test_layers_as_the_inspector_tells_them():
    layer = {"Name": "a", "LayerType": "gemm", "Inputs": []}
    told = json.dumps({"Layers": [layer, {**layer, "LayerType": "kgen"}, layer], "I/O Tensors": []})
    assert layer_kinds(told) == (("gemm", 2), ("kgen", 1))
    assert layer_kinds('{"Layers": ["a", "b"]}') == (("unnamed", 2),)


def test_nested_phases_are_one_fraction():
    phases = Phases()
    phases.start("whole", None, 4)
    assert phases.step("whole", 0) == 0.25
    phases.start("part", "whole", 2)
    assert phases.step("part", 0) == 0.375
    phases.finish("part")
    assert phases.step("other", 0) == 0.375  # never back
    assert phases.step("whole", 3) == 1.0


def test_profiles_follow_the_window():
    manifest = load_bundle().manifest
    short, default, long = profiles(("short", "default", "long"), manifest)
    assert short.frames == (8, manifest.minimum_frames, manifest.minimum_frames)
    assert default.frames[2] == manifest.window_frames
    assert long.frames[2] == 2 * manifest.window_frames
    z, positions, frame = shapes(manifest.graph("decode").inputs, short)
    assert (z.greatest, positions.greatest, frame.greatest) == ((1, 64, 256), (512,), (1,))
    with pytest.raises(UsageError):
        profiles(("",), manifest)
    unknown = type(manifest.graph("step").inputs[0])("x", "float32", ("N",))
    with pytest.raises(ModelBundleError, match="axis"):
        shape_of(unknown, 8)
