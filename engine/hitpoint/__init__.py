"""Hitpoint: watch the movement in a clip, make music that lands on it, lay it on the timeline."""

import os

__version__ = "0.1.0"

# Before anybody imports numpy: its own threads would only wait in the way of ours, and cost memory.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
