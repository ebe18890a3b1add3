"""Engines for all graphs of a bundle: from the cache where it holds them, else built and sealed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from hitpoint.backends.engine_cache import Recipe, Sealed, Summary, load, save
from hitpoint.backends.gpu import Gpu, find_gpus, identity
from hitpoint.backends.install_key import install_key, read_key
from hitpoint.backends.runtimes import Runtime, check_gpus, find_runtime, system_version
from hitpoint.cue.bundle import GRAPHS, Bundle, load_bundle
from hitpoint.progress import Progress
from hitpoint.values import BundleId
from hitpoint_export.trt.profiles import Profile, profiles

PRECISIONS = ("fp16", "bf16", "fp32")


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line."""

    bundle: Path
    folder: Path
    runtime: str = "rtx"
    precision: str = "fp16"
    profiles: tuple[str, ...] = ("short", "default", "long")
    force: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One engine: where it belongs, and why it has to be built (empty if the cache holds it)."""

    recipe: Recipe
    path: Path
    reason: str
    summary: Summary | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A request after all checks, before anything is written."""

    bundle: Bundle
    runtime: Runtime
    gpus: tuple[Gpu, ...]
    profiles: tuple[Profile, ...]
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """The engines of a bundle, in the order of its graphs."""

    id: BundleId
    runtime: Runtime
    gpu: str
    jobs: tuple[Job, ...]


def plan_engines(request: Request) -> Plan:
    """Check everything and look into the cache; writes nothing.

    Raises ModelBundleError, UsageError, or EngineError where a runtime or GPU is missing.
    """
    bundle = load_bundle(request.bundle)
    wanted = profiles(request.profiles, bundle.manifest)
    runtime = find_runtime(request.runtime)
    gpus = find_gpus()
    check_gpus(runtime, gpus)
    key = read_key()
    jobs = tuple(_job(recipe, request, key) for recipe in _recipes(bundle, runtime, gpus, wanted, request))
    return Plan(bundle, runtime, gpus, wanted, jobs)


def make_engines(request: Request, progress: Progress) -> Result:
    """Build what the cache does not hold. Raises as `plan_engines`, and OutputError or Cancelled."""
    progress.report("Checking the bundle", 0.0)
    plan = plan_engines(request)
    progress.report("Checking the bundle", 1.0)
    jobs = tuple(_made(job, plan, request, progress) if job.reason else job for job in plan.jobs)
    return Result(plan.bundle.id, plan.runtime, identity(plan.gpus), jobs)


def _recipes(
    bundle: Bundle, runtime: Runtime, gpus: tuple[Gpu, ...], wanted: tuple[Profile, ...], request: Request
) -> Iterator[Recipe]:
    for name in GRAPHS:
        yield Recipe(
            graph=name,
            onnx_sha256=bundle.manifest.graph(name).sha256,
            runtime=runtime.name,
            runtime_version=system_version(runtime),
            gpu=identity(gpus),
            precision=request.precision,
            profiles=repr(wanted),
            rules_sha256=_rules(),
        )


def _rules() -> str:
    """Of the sources that decide what an engine becomes, so that a change in them rebuilds it."""
    here = Path(__file__).parent
    sources = [(here / name).read_bytes() for name in ("half.py", "builder.py", "profiles.py")]
    return hashlib.sha256(b"".join(sources)).hexdigest()


def _job(recipe: Recipe, request: Request, key: bytes | None) -> Job:
    path = recipe.path(request.folder)
    if request.force:
        return Job(recipe, path, "asked for with --force")
    found = load(request.folder, key, recipe)
    return Job(recipe, path, found) if isinstance(found, str) else Job(recipe, path, "", found.summary)


def _made(job: Job, plan: Plan, request: Request, progress: Progress) -> Job:
    name = job.recipe.graph
    engine = _engine(name, getattr(plan.bundle, name), plan, request.precision, progress)
    save(request.folder, install_key(), job.recipe, engine)
    return replace(job, summary=engine.summary)


def _engine(name: str, data: bytes, plan: Plan, precision: str, progress: Progress) -> Sealed:
    # Not above: these import onnx and ONNX Runtime, which a cached answer does not need.
    from hitpoint_export.trt.builder import build, inspect
    from hitpoint_export.trt.half import typed_graph
    from hitpoint_export.trt.parity import check_half

    spec = plan.bundle.manifest.graph(name)
    progress.report(f"{name}: precision {precision}", 0.0)
    graph, error = typed_graph(data, precision), None
    if precision != "fp32":
        error = check_half(typed_graph(data, "fp32"), graph, spec.inputs, spec.file)
    progress.report(f"{name}: precision {precision}", 1.0)
    trt: ModuleType = plan.runtime.load()
    stage, here = f"{name}: compiling", bool(plan.gpus) and plan.runtime.name == "rtx"
    engine = build(trt, graph, spec, plan.profiles, stage, progress, only_this_gpu=here)
    engine = replace(engine, summary=replace(engine.summary, half_error=error))
    return inspect(trt, engine) if plan.gpus else engine
