"""`python export/build_onnx.py RUN -o BUNDLE`: a trained run to ONNX graphs and a manifest."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hitpoint.errors import HitpointError
from hitpoint_export.bundle import build
from hitpoint_training.recipe import recipe_of


def main() -> int:
    """Export, print the parity report, and say what went wrong in one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of the training run")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the bundle")
    parser.add_argument("--version", default="0.1.0", help="of the bundle")
    options = parser.parse_args()
    try:
        parities, smalls = build(recipe_of(options.run), options.output, options.version)
    except HitpointError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for parity in parities:
        print(f"{parity.graph}: ONNX Runtime against PyTorch {parity.full:.1e}, as shipped {parity.half:.1e}")
    for small in smalls:
        found = small.found.spectral_convergence
        verdict = "in the bundle" if small.passed else "too far, left out"
        print(
            f"{small.graph} in int8: spectral convergence {found:.3f}, {small.found.snr_db:.0f} dB: {verdict}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
