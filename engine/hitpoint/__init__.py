"""Hitpoint: watch the movement in a clip, make music that lands on it, lay it on the timeline."""

import os

__version__ = "0.1.0"

# Before anybody imports numpy: its own threads would only wait in the way of ours, and cost memory.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Before anybody imports ONNX Runtime: from 1.29 on it reports its use to its makers, and keeps an identity in
# the user's cache to do so. Nothing leaves the machine.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
