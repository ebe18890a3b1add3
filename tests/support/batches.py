"""`hitpoint batch` as a program, and small films for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "hitpoint", "batch", *map(str, arguments)]


def batch(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False, timeout=240)


def files(folder: Path) -> list[Path]:
    """Everything in the folder of a batch but its queue."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and ".hitpoint-batch" not in p.parts)


def bouncing_box(path: Path, seconds: float) -> Path:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.options = {"preset": "ultrafast"}
        for index in range(round(seconds * 25)):
            picture = np.full((96, 160, 3), 80, np.uint8)
            top = int(72 - 60 * abs(np.sin(np.pi * index / 15)))
            picture[top : top + 20, 70:90] = (230, 200, 40)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        file.mux(stream.encode(None))
    return path
