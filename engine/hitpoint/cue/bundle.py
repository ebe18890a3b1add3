"""A model bundle: a folder with `manifest.json` and its ONNX graphs, trusted only after every check.

Order of the checks: names and sizes, sha256, structure of the protobuf, and only then a parser. The
manifest (see `docs/sync.md`) states all that the engine must know; nothing is guessed from the graphs.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import platformdirs

from hitpoint.cue.onnx_scan import check_model
from hitpoint.cue.tracks import LATENT_RATE
from hitpoint.errors import ModelBundleError
from hitpoint.values import SAMPLE_RATE, BundleId

SCHEMA = 4
GRAPHS = ("cond", "step", "decode")
OPTIONAL_GRAPHS = ("encode",)
INT8_GRAPHS = ("step", "decode")
"""Those that a bundle may also hold in int8, with the same inputs and outputs."""
MAX_MANIFEST_BYTES = 1 << 20
MAX_GRAPH_BYTES = 1 << 30
STARTER = Path(__file__).resolve().parent.parent / "bundles" / "starter"
AGAIN = "Install the bundle again, or choose another with --bundle."


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output of a graph. A dimension is a number, or a name where it may vary."""

    name: str
    type: str  # as numpy names it: float32, int64
    shape: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class GraphSpec:
    """One graph file as the manifest promises it."""

    file: str
    size: int
    sha256: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the engine must know to run a bundle. Lengths in latent frames (50 per second)."""

    name: str
    latent_channels: int
    window_frames: int  # the longest stretch that the network was trained on
    known_frames: int  # of them, how many may be given
    minimum_frames: int  # the shortest that it was trained on
    halo_frames: int  # on each side of a decoded chunk, so that it equals the whole
    n_fft: int
    hop: int
    licence: str
    graphs: tuple[tuple[str, GraphSpec], ...]
    int8: tuple[tuple[str, GraphSpec], ...] = ()  # of INT8_GRAPHS, in that order

    def graph(self, name: str) -> GraphSpec:
        """The promise for one of `GRAPHS`, or of `OPTIONAL_GRAPHS` where the bundle has it."""
        return dict(self.graphs)[name]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle: the graphs are the very bytes that were hashed and scanned."""

    id: BundleId
    manifest: Manifest
    cond: bytes
    step: bytes
    decode: bytes
    encode: bytes | None = None
    int8: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


@dataclass(frozen=True, slots=True)
class InstalledBundle:
    """A bundle as `hitpoint models` lists it. `problem` says why it cannot be used, empty if it can."""

    path: Path
    name: str
    sha256: str
    licence: str
    problem: str = ""


def load_bundle(path: Path | None = None) -> Bundle:
    """Read and check a bundle folder; None is the one that came with the program.

    Raises ModelBundleError: missing, changed, truncated, newer, or holding what no bundle may hold.
    """
    folder = STARTER if path is None else path
    raw = _read(folder, "manifest.json", MAX_MANIFEST_BYTES)
    manifest = _parse_manifest(raw)
    with ThreadPoolExecutor() as pool:  # reading and hashing leave the interpreter to others
        graphs, int8 = (
            {name: pool.submit(_read_graph, folder, spec) for name, spec in specs}
            for specs in (manifest.graphs, manifest.int8)
        )
    return Bundle(
        BundleId(manifest.name, hashlib.sha256(raw).hexdigest()),
        manifest,
        **{name: read.result() for name, read in graphs.items()},
        int8={name: read.result() for name, read in int8.items()},
    )


def installed_bundles() -> tuple[InstalledBundle, ...]:
    """The bundles of the program and of the user's data folder, checked one by one."""
    user = Path(platformdirs.user_data_dir("hitpoint", appauthor=False)) / "bundles"
    folders = sorted(m.parent for root in (STARTER.parent, user) for m in root.glob("*/manifest.json"))
    return tuple(_describe(folder) for folder in folders)


def _describe(folder: Path) -> InstalledBundle:
    try:
        bundle = load_bundle(folder)
    except ModelBundleError as error:
        return InstalledBundle(folder, folder.name, "", "", error.what)
    return InstalledBundle(folder, bundle.id.name, bundle.id.sha256, bundle.manifest.licence)


def _read(folder: Path, name: str, limit: int) -> bytes:
    """The bytes of a regular file right inside `folder`: opened once, never through a link."""
    path = folder / name
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise ModelBundleError(f"Cannot open {path}: {error.strerror}.", AGAIN) from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise ModelBundleError(f"{path} is not a regular file.", AGAIN)
    with os.fdopen(handle, "rb") as file:
        if status.st_size > limit:
            raise ModelBundleError(f"{path} is larger than a bundle may be.", AGAIN)
        return file.read(limit + 1)


def _read_graph(folder: Path, spec: GraphSpec) -> bytes:
    data = _read(folder, spec.file, MAX_GRAPH_BYTES)
    if len(data) != spec.size:
        raise ModelBundleError(f"{spec.file} has {len(data)} bytes where {spec.size} were promised.", AGAIN)
    if hashlib.sha256(data).hexdigest() != spec.sha256:
        raise ModelBundleError(f"{spec.file} was changed since the bundle was made.", AGAIN)
    check_model(data, spec.file)
    return data


def _parse_manifest(raw: bytes) -> Manifest:
    try:
        content = json.loads(raw.decode("utf-8"))
        if content["schema"] != SCHEMA:
            older = content["schema"] in range(SCHEMA)
            raise ModelBundleError(
                f"The bundle has format {content['schema']!r}; this program reads {SCHEMA}.",
                "Choose a newer bundle." if older else "Update Hitpoint or choose another bundle.",
            )
        return _manifest(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelBundleError(f"The bundle's manifest.json is damaged ({error!r}).", AGAIN) from error


def _manifest(content: dict[str, Any]) -> Manifest:
    window, codec = content["window"], content["codec"]
    if (content["sample_rate"], content["latent_rate"]) != (SAMPLE_RATE, LATENT_RATE):
        raise ValueError("sample or latent rate")
    names = [name for name in (*GRAPHS, *OPTIONAL_GRAPHS) if name in content["graphs"]]
    if tuple(names[:3]) != GRAPHS or len(names) != len(content["graphs"]):
        raise ValueError("graphs")
    graphs = {name: _graph(content["graphs"][name]) for name in names}
    int8 = content.get("int8", {})
    if not set(int8) <= set(INT8_GRAPHS):
        raise ValueError("int8 graphs")
    manifest = Manifest(
        name=_name(content["name"]),
        latent_channels=_number(content["latent_channels"], 1, 4096),
        window_frames=_number(window["frames"], 16, 1 << 16),
        known_frames=_number(window["known"], 8, 1 << 16),
        minimum_frames=_number(window["minimum"], 8, 1 << 16),
        halo_frames=_number(codec["halo"], 0, 1024),
        n_fft=_number(codec["n_fft"], 256, 1 << 14),
        hop=_number(codec["hop"], 1, 1 << 14),
        licence=str(content["licence"]),
        graphs=tuple(graphs.items()),
        int8=tuple((name, _in_int8(graphs[name], int8[name])) for name in INT8_GRAPHS if name in int8),
    )
    sizes = (manifest.window_frames, manifest.known_frames, manifest.minimum_frames)
    if any(size % 8 for size in sizes) or not max(sizes[1:]) < manifest.window_frames:
        raise ValueError("window sizes")
    if manifest.hop * 2 * LATENT_RATE != SAMPLE_RATE:
        raise ValueError("hop")
    return manifest


def _name(value: object) -> str:
    """A plain name: letters, digits, dot, dash and underscore, so that it can be no path."""
    if not isinstance(value, str) or not 0 < len(value) <= 80 or value.startswith("."):
        raise ValueError("name")
    if not all(c.isascii() and (c.isalnum() or c in "._-") for c in value):
        raise ValueError(f"name {value!r}")
    return value


def _number(value: object, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"number {value!r}")
    return value


def _graph(entry: dict[str, Any]) -> GraphSpec:
    return GraphSpec(
        file=_name(entry["file"]),
        size=_number(entry["bytes"], 1, MAX_GRAPH_BYTES),
        sha256=str(entry["sha256"]),
        inputs=tuple(_tensor(tensor) for tensor in entry["inputs"]),
        outputs=tuple(_tensor(tensor) for tensor in entry["outputs"]),
    )


def _in_int8(graph: GraphSpec, entry: dict[str, Any]) -> GraphSpec:
    """Another file with the inputs and outputs of a graph."""
    size = _number(entry["bytes"], 1, MAX_GRAPH_BYTES)
    return replace(graph, file=_name(entry["file"]), size=size, sha256=str(entry["sha256"]))


def _tensor(entry: dict[str, Any]) -> TensorSpec:
    shape = tuple(size if isinstance(size, int) else str(size) for size in entry["shape"])
    return TensorSpec(str(entry["name"]), str(entry["type"]), shape)
