"""PyTorch with CUDA graphs, to compare with the backends of the engine, and by their protocol.

Each network is captured once per length and then replayed: one launch in the place of some hundreds. On the
device "cpu" everything is the same but the capture; the tests run there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from hitpoint.backends.api import Feeds
from hitpoint.cue.bundle import GRAPHS, Bundle, GraphSpec
from hitpoint.errors import Cancelled, EngineError, ModelBundleError
from hitpoint.values import Floats
from hitpoint_export.torch_bundle import torch_graphs
from hitpoint_training.decoder import Decoder

Precision = Literal["fp16", "fp32"]
Tensors: TypeAlias = tuple[Tensor, ...]
CHUNKS = 2  # one is decoded while the sound of the other is put together
WARM_UPS = 3  # cuDNN and cuBLAS choose and allocate in the first runs; PyTorch's manual asks for three
KEPT = 16
"""Captures of one network that are held at a time. Each owns the memory of its length."""


class CudaGraphs:
    """`hitpoint.backends.api.Backend` but for its name, which no `--backend` takes. One call at a time.

    "fp16" is PyTorch's autocast for `step` and `decode`: products and convolutions in half, with weights that
    are half already; norms, softmax, exponentials and what the decoder squares in float32. `cond` stays in
    float32. "fp32" is float32 without TF32.
    """

    name = "torch-cuda-graphs"
    threads = CHUNKS

    def __init__(self, bundle: Bundle, device: str = "cuda", precision: Precision = "fp16") -> None:
        """Raises EngineError where PyTorch has no GPU, ModelBundleError for networks of another version."""
        self._device = found(device)
        self._specs = {name: bundle.manifest.graph(name) for name in GRAPHS}
        graphs = torch_graphs(bundle)
        try:
            modules = {name: graph.module.to(self._device) for name, graph in graphs.items()}
        except RuntimeError as error:
            raise EngineError(f"PyTorch cannot use the GPU: {error}.", "Look at nvidia-smi.") from error
        self._halved = ("step", "decode") if precision == "fp16" else ()
        for name in self._halved:
            halve(modules[name])
        self._modules = modules
        self._captures: dict[str, dict[tuple[tuple[int, ...], ...], _Capture]] = {n: {} for n in GRAPHS}
        self._lock, self._stopped = threading.Lock(), False

    def run(self, graph: str, feeds: Feeds) -> dict[str, Floats]:
        """See `Backend`. A network takes milliseconds on a GPU, so `stop` only looks between two of them.

        Raises Cancelled, ModelBundleError for other inputs than promised, EngineError where PyTorch fails.
        """
        spec = self._specs[graph]
        check(spec, feeds)
        with self._lock:
            if self._stopped:
                raise Cancelled("Cancelled.", "Nothing was written.")
            try:
                made = self._captured(graph, feeds).run(feeds)
            except RuntimeError as error:  # PyTorch's only kind, out of memory included
                raise EngineError(f"PyTorch failed in {graph}: {error}.", "Use another backend.") from error
        return {tensor.name: values for tensor, values in zip(spec.outputs, made, strict=True)}

    def stop(self) -> None:
        """See `Backend`."""
        self._stopped = True

    def resume(self) -> None:
        """See `Backend`."""
        self._stopped = False

    def _captured(self, graph: str, feeds: Feeds) -> _Capture:
        """The capture for these shapes; the one that was used longest ago makes room."""
        names = [tensor.name for tensor in self._specs[graph].inputs]
        shapes = tuple(feeds[name].shape for name in names)
        kept = self._captures[graph]
        capture = kept.pop(shapes, None)
        if capture is None:
            if len(kept) >= KEPT:
                del kept[next(iter(kept))]
            forward = partial(self._forward, graph)
            capture = _Capture(forward, {name: feeds[name] for name in names}, self._device)
        kept[shapes] = capture
        return capture

    def _forward(self, graph: str, *inputs: Tensor) -> Tensors:
        half = graph in self._halved
        # A cache of casts would hold on to memory of the capture.
        with _exact(), torch.autocast(self._device.type, torch.float16, enabled=half, cache_enabled=False):
            outputs = self._modules[graph](*inputs)
        return outputs if isinstance(outputs, tuple) else (outputs,)


class _Capture:
    """One network at one length: inputs at fixed places, and what runs from there."""

    @torch.no_grad()
    def __init__(self, forward: Callable[..., Tensors], feeds: Feeds, device: torch.device) -> None:
        self._inputs = {name: torch.tensor(values, device=device) for name, values in feeds.items()}
        run = partial(forward, *self._inputs.values())
        self._replay = _captured(run) if device.type == "cuda" else run

    @torch.no_grad()
    def run(self, feeds: Feeds) -> list[Floats]:
        """The outputs, copied out of the places that the next replay fills."""
        for name, place in self._inputs.items():
            place.copy_(torch.from_numpy(np.require(feeds[name], requirements=("C", "W"))))
        return [output.float().cpu().numpy() for output in self._replay()]


def _captured(run: Callable[[], Tensors]) -> Callable[[], Tensors]:
    """`run` as one CUDA graph, with memory of its own; what it returns are always the same tensors."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    graph = torch.cuda.CUDAGraph()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UPS):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    with torch.cuda.graph(graph, stream=stream):
        outputs = run()

    def replay() -> Tensors:
        graph.replay()
        return outputs

    return replay


@contextmanager
def _exact() -> Iterator[None]:
    """The same answer twice, and float32 as float32: cuDNN would take TF32. Products do not by default."""
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        yield


def halve(module: nn.Module) -> None:
    """Weights as autocast wants them, which would else cast them in every replay."""
    for part in module.modules():
        if isinstance(part, (nn.Linear, nn.Conv1d, nn.ConvTranspose1d)):
            part.half()
    if isinstance(module, Decoder):  # its `spectrum` squares what the heads say
        for part in (module.tones, module.hiss, module.rest):
            part.register_forward_hook(lambda _module, _inputs, output: output.float())


def found(name: str) -> torch.device:
    """The device of that name. Raises EngineError: "cuda" where PyTorch has no GPU."""
    if name == "cuda" and torch.version.cuda is None:
        raise EngineError(
            f"The installed PyTorch {torch.__version__} knows no CUDA.",
            "On a machine with an NVIDIA GPU, install the build for CUDA in its place, the default one on "
            "PyPI for Linux: pip install --force-reinstall torch==2.13.0.",
        )
    if name == "cuda" and not torch.cuda.is_available():
        raise EngineError(
            "PyTorch finds no NVIDIA GPU.", "Run this where nvidia-smi shows one, with a driver for CUDA 13."
        )
    return torch.device(name)


def check(spec: GraphSpec, feeds: Feeds) -> None:
    """Raises ModelBundleError unless the arrays are the inputs that the manifest promises."""
    promised = {tensor.name: tensor for tensor in spec.inputs}
    if set(feeds) != set(promised):
        raise ModelBundleError(f"{spec.file} takes {', '.join(promised)}.", "Give it these inputs.")
    lengths = set()
    for name, tensor in promised.items():
        values = feeds[name]
        fits = values.dtype == tensor.type and values.ndim == len(tensor.shape)
        for want, size in zip(tensor.shape, values.shape, strict=False):
            lengths |= {size / int(want[:-1] or 1)} if isinstance(want, str) else set()
            fits = fits and (isinstance(want, str) or want == size)
        if not fits or len(lengths) > 1 or not all(length >= 1 and length % 8 == 0 for length in lengths):
            raise ModelBundleError(
                f"{spec.file}: {name} is {values.dtype} {values.shape} in the place of {tensor.shape}.",
                "All lengths of one call belong to the same T, a multiple of 8.",
            )
