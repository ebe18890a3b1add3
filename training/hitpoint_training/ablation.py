"""A bundle that is not told everything: single streams left out where the engine hands them over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue.bundle import Bundle
from hitpoint.cue.generate import Arrays, Model
from hitpoint.cue.plan import STYLES
from hitpoint.cue.tokens import HIDDEN, SCENE_TOKENS, VISUAL_TOKENS
from hitpoint.cue.tracks import FORM_TRACKS, HARMONY_TRACKS, RHYTHM_TRACKS, TUNE_TRACKS
from hitpoint.errors import UsageError
from hitpoint.values import Floats

_TRACKS = {"rhythm": RHYTHM_TRACKS, "form": FORM_TRACKS, "harmony": HARMONY_TRACKS, "tune": TUNE_TRACKS}
_TOKENS = {"visual": VISUAL_TOKENS, "storyboard": SCENE_TOKENS}
STREAMS = (*_TRACKS, *_TOKENS, "adapter", "genre")
"""What can be left out; the names are those of `hitpoint_training.flow.without`."""

Array = NDArray[Any]


class Deaf:
    """A model that leaves out some streams: tracks are 0, tokens are hidden by the attention mask, the
    aligner's features are 0, the style is the one that means none.

    Raises `UsageError` for a stream that is not one of STREAMS.
    """

    def __init__(self, model: Model, streams: Sequence[str]) -> None:
        unknown = sorted(set(streams) - set(STREAMS))
        if unknown:
            raise UsageError(f"There is no stream {unknown[0]!r}.", f"Use some of: {', '.join(STREAMS)}.")
        self.model = model
        self.streams = frozenset(streams)

    @property
    def threads(self) -> int:
        """As the model has it."""
        return self.model.threads

    def condition(self, told: Arrays) -> Arrays:
        """What the model makes of what it is still told."""
        heard: dict[str, Array] = dict(told)
        heard["tracks"] = self._tracks(heard["tracks"])
        if "genre" in self.streams:
            heard["style"] = np.full_like(heard["style"], len(STYLES))
            heard["globals"] = np.zeros_like(heard["globals"])
        made = dict(self.model.condition(heard))
        if "adapter" in self.streams:
            made["aligned"] = np.zeros_like(made["aligned"])
        return made

    def velocity(self, told: Arrays) -> Floats:
        """The mean flow under what is left."""
        attention = told["attention"].copy()
        for name in self.streams & _TOKENS.keys():
            attention[..., _TOKENS[name]] = HIDDEN
        return self.model.velocity({**told, "tracks": self._tracks(told["tracks"]), "attention": attention})

    def spectrum(self, z: Floats, positions: Floats, first: int) -> Floats:
        """As the model has it."""
        return self.model.spectrum(z, positions, first)

    def _tracks(self, tracks: Array) -> Array:
        left = tracks.copy()
        for name in self.streams & _TRACKS.keys():
            left[:, _TRACKS[name]] = 0
        return left


def untrained(bundle: Bundle, seed: int) -> Bundle:
    """The same bundle with its network's weights redrawn at their own scale: a control that knows nothing."""
    import onnx
    from onnx import numpy_helper

    random = np.random.default_rng(seed)
    network = onnx.load_from_string(bundle.step)
    for tensor in network.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float16:
            drawn = random.normal(0, float(values.astype(np.float32).std()), values.shape)
            tensor.CopyFrom(numpy_helper.from_array(drawn.astype(np.float16), tensor.name))
    others = {
        name: graph for name, graph in bundle.int8.items() if name != "step"
    }  # it still has the weights
    return replace(bundle, step=network.SerializeToString(), int8=others)
