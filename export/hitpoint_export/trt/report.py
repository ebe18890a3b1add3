"""What the command prints: tables on a terminal, or one JSON object."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from hitpoint.backends.gpu import identity
from hitpoint_export.trt.make import Plan, Result
from hitpoint_export.trt.profiles import shapes

_MB = 1e6


def plan_table(plan: Plan, console: Console) -> None:
    """What would be built, with which shapes, and where."""
    table = Table("graph", "inputs", "precision", "state")
    for job in plan.jobs:
        inputs = plan.bundle.manifest.graph(job.recipe.graph).inputs
        listed = ", ".join(f"{spec.name} {'x'.join(map(str, spec.shape))}" for spec in inputs)
        state = f"would be built: {job.reason}" if job.reason else "in the cache"
        table.add_row(job.recipe.graph, listed, job.recipe.precision, state)
    console.print(_heading(plan.runtime.name, plan.runtime.version, identity(plan.gpus)))
    console.print(table)
    for profile in plan.profiles:
        console.print(f"{profile.name}: T {_range(profile.frames)}; B {_range(profile.batch)}")
    for job in plan.jobs:
        console.print(str(job.path), soft_wrap=True)


def result_table(result: Result, console: Console) -> None:
    """Layers and memory of each engine, and where it is."""
    table = Table("graph", "state", "plan MB", "layers", "fused", "half", "error", "work MB", "s")
    for job in result.jobs:
        if job.summary is None:
            continue
        s = job.summary
        table.add_row(
            job.recipe.graph,
            "built" if job.reason else "cached",
            f"{s.plan_bytes / _MB:.1f}",
            str(s.network_layers),
            str(sum(count for _, count in s.engine_kinds) or "-"),
            f"{s.half_tensors / s.tensors:.0%}",
            "-" if s.half_error is None else f"{s.half_error:.2%}",
            "-" if s.device_memory is None else f"{s.device_memory / _MB:.1f}",
            f"{s.build_seconds:.1f}",
        )
    console.print(_heading(result.runtime.name, result.runtime.version, result.gpu))
    console.print(table)
    for job in result.jobs:
        if job.summary is not None:
            kinds = job.summary.engine_kinds or job.summary.kinds
            most = ", ".join(f"{count} {kind}" for kind, count in kinds[:6])
            console.print(f"{job.recipe.graph}: {most}\n  {job.path}", soft_wrap=True)
    if result.gpu == "none":
        console.print(
            "Built without a GPU: fused layers and working memory are known only where there is one."
        )


def plan_json(plan: Plan) -> str:
    """As `plan_table`."""
    engines = [
        {
            "graph": job.recipe.graph,
            "file": str(job.path),
            "state": "would build" if job.reason else "cached",
            "reason": job.reason,
            "profiles": {
                profile.name: [
                    asdict(s) for s in shapes(plan.bundle.manifest.graph(job.recipe.graph).inputs, profile)
                ]
                for profile in plan.profiles
            },
        }
        for job in plan.jobs
    ]
    head = _head(plan.bundle.id.name, plan.bundle.id.sha256, plan.runtime.name, plan.runtime.version)
    return json.dumps({**head, "gpu": identity(plan.gpus), "engines": engines}, indent=2)


def result_json(result: Result) -> str:
    """As `result_table`."""
    engines = [
        {
            "graph": job.recipe.graph,
            "file": str(job.path),
            "state": "built" if job.reason else "cached",
            "reason": job.reason,
            "summary": None if job.summary is None else asdict(job.summary),
        }
        for job in result.jobs
    ]
    head = _head(result.id.name, result.id.sha256, result.runtime.name, result.runtime.version)
    return json.dumps({**head, "gpu": result.gpu, "engines": engines}, indent=2)


def _head(name: str, sha256: str, runtime: str, version: str) -> dict[str, str]:
    return {"bundle": name, "bundle_sha256": sha256, "runtime": runtime, "runtime_version": version}


def _heading(runtime: str, version: str, gpu: str) -> str:
    return f"{'TensorRT-RTX' if runtime == 'rtx' else 'TensorRT'} {version}, GPU: {gpu}"


def _range(sizes: tuple[int, int, int]) -> str:
    least, best, greatest = sizes
    return f"{least} to {greatest}, best at {best}"
