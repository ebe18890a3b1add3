"""Data in LORIS's published lay-out, a few seconds long."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE, SECONDS = 22_050, 5


def loris_folder(root: Path, lines: int = 3, genres: bool = True) -> Path:
    """Lists, sounds, I3D features and poses of split dance, 5 s, train; pose names lack the `_seg0`."""
    rng = np.random.default_rng(0)
    lists: dict[str, list[str]] = {"audio": [], "i3d": [], "pose2d": []}
    for kind in lists:
        (root / "dance" / f"{kind}_s{SECONDS}").mkdir(parents=True, exist_ok=True)
    for line in range(lines):
        names = {"audio": f"gBR_{line}_seg0.wav", "i3d": f"gBR_{line}_seg0.npy", "pose2d": f"gBR_{line}.npy"}
        sound = rng.normal(0, 0.1, RATE * SECONDS)
        soundfile.write(root / "dance" / f"audio_s{SECONDS}" / names["audio"], sound, RATE, subtype="PCM_16")
        np.save(root / "dance" / f"i3d_s{SECONDS}" / names["i3d"], rng.normal(size=(2 * SECONDS, 1024)))
        pose = rng.uniform(size=(16 * SECONDS, 17, 3)).astype(np.float32)
        np.save(root / "dance" / f"pose2d_s{SECONDS}" / names["pose2d"], pose)
        for kind, name in names.items():
            lists[kind].append(f"yourpath/dataset/LORIS/dance/{kind}_s{SECONDS}/{name}")
    folder = root / "data" / "dance"
    folder.mkdir(parents=True)
    for kind, listed in lists.items():
        (folder / f"dance_{kind}_s{SECONDS}_train_segment.txt").write_text("\n".join(listed) + "\n")
    if genres:
        (root / "data" / "genre").mkdir()
        labels = np.eye(10, dtype=np.float32)[np.arange(lines) % 10]
        np.save(root / "data" / "genre" / f"dance_s{SECONDS}_train.npy", labels)
    return root
