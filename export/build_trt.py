"""`python export/build_trt.py BUNDLE -o DIR`: the graphs of a bundle to TensorRT engines for this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from hitpoint.backends.engine_cache import engines_folder
from hitpoint.backends.runtimes import RUNTIMES
from hitpoint.cli import console
from hitpoint.errors import HitpointError
from hitpoint_export.trt.make import PRECISIONS, Request, make_engines, plan_engines
from hitpoint_export.trt.profiles import NAMES
from hitpoint_export.trt.report import plan_json, plan_table, result_json, result_table


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path, help="folder of the bundle")
    parser.add_argument(
        "-o", "--output", type=Path, help="folder of the engines; by default the one that Hitpoint looks in"
    )
    parser.add_argument("--runtime", choices=RUNTIMES, default="rtx", help="rtx (TensorRT-RTX) or tensorrt")
    parser.add_argument(
        "--precision", choices=PRECISIONS, default="fp16", help="of convolutions and products"
    )
    parser.add_argument(
        "--profile", default=",".join(NAMES), help="lengths to compile for, with commas between"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be built; write nothing")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    parser.add_argument("--force", action="store_true", help="build even what is in the cache")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """0 done, 1 not possible here, 2 wrong use, 130 cancelled."""
    options = _parser().parse_args(arguments)
    names = tuple(options.profile.split(","))
    request = Request(
        options.bundle,
        options.output or engines_folder(),
        options.runtime,
        options.precision,
        names,
        options.force,
    )
    try:
        if options.dry_run:
            plan = plan_engines(request)
            print(plan_json(plan)) if options.json else plan_table(plan, console.out)
            return 0
    except HitpointError as error:
        console.fail(error)
    result = console.run(lambda progress: make_engines(request, progress))
    print(result_json(result)) if options.json else result_table(result, console.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
