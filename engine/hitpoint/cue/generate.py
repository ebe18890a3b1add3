"""From a plan to latents: the network, window by window, in constant working memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue import sampler, tokens, tracks
from hitpoint.cue.bundle import Manifest
from hitpoint.cue.plan import CuePlan
from hitpoint.cue.windows import Span, Window, covering, filling, frames_for, windows
from hitpoint.progress import Progress
from hitpoint.values import Floats

JOINT = 6
"""Latent frames, 20 ms each."""
Arrays = Mapping[str, NDArray[Any]]
"""Inputs or outputs of a graph by the names that the manifest gives them."""


class Model(Protocol):
    """What runs the three graphs of a bundle; the manifest says the shapes."""

    @property
    def threads(self) -> int:
        """How many calls of `spectrum` are worth running at a time."""
        ...

    def condition(self, told: Arrays) -> Arrays:
        """What is constant over the steps: keys, values, style vector, aligner's features."""
        ...

    def velocity(self, told: Arrays) -> Floats:
        """The mean flow, (1, Z, T)."""
        ...

    def spectrum(self, z: Floats, positions: Floats, first: int) -> Floats:
        """The sound, as spectra."""
        ...


@dataclass(frozen=True, slots=True)
class Sampling:
    """What chooses one cue among all that fit a plan. `variation` counts takes and second attempts."""

    seed: int
    steps: int
    guidance: float
    variation: int = 0
    quick: bool = False  # begin with a short window, so that something can be heard soon


@dataclass(frozen=True, slots=True)
class Composer:
    """A plan, the network, and how to sample it. All latents are (Z, frames) float32, 50 per second."""

    plan: CuePlan
    model: Model
    manifest: Manifest
    sampling: Sampling
    progress: Progress

    def varied(self, plan: CuePlan, variation: int) -> Composer:
        """The same composer with other noise and perhaps another plan."""
        return replace(self, plan=plan, sampling=replace(self.sampling, variation=variation))

    def compose(self) -> Floats:
        """The latents of the whole cue."""
        *_, (z, _made) = self.growing()
        return z

    def growing(self) -> Iterator[tuple[Floats, int]]:
        """The latents after each window, always the same array, and how many of its frames are made."""
        total = frames_for(self.plan.duration, self.manifest)
        z = np.zeros((self.manifest.latent_channels, total), np.float32)
        for window in windows(total, self.manifest, quick=self.sampling.quick):
            mask = np.zeros((1, window.frames), np.float32)
            mask[:, : window.known] = 1
            self._sample(window, z, mask, total)
            yield z, window.stop

    def repaint(self, z: Floats, spans: Iterable[Span]) -> Floats:
        """A copy of z whose spans are made anew so that they fit what stands around them."""
        z = z.copy()
        for window, inside in covering(spans, z.shape[1], self.manifest):
            mask = np.ones((1, window.frames), np.float32)
            for span in inside:
                mask[:, span.start - window.first : span.stop - window.first] = 0
            self._sample(window, z, mask, z.shape[1])
        return z

    def refill(self, z: Floats, span: Span) -> Floats:
        """A copy of z in which a span of any length is made anew, between what stands on both sides of it.

        What rings across its edges would break off there, so the `JOINT` frames inside go over bit by bit.
        """
        old, z = z, z.copy()
        for window, stop in filling(span, z.shape[1], self.manifest):
            mask = np.ones((1, window.frames), np.float32)
            mask[:, window.known : span.stop - window.first] = 0
            kept = z[:, stop : window.stop].copy()
            self._sample(window, z, mask, z.shape[1])
            z[:, stop : window.stop] = kept  # made later, with more of what follows in sight
        new, share = z[:, span.start : span.stop], _shares(span, z.shape[1])
        z[:, span.start : span.stop] = share * new + (1 - share) * old[:, span.start : span.stop]
        return z

    def _sample(self, window: Window, z: Floats, mask: Floats, total: int) -> None:
        """Fill one window of z; what the mask marks stays exactly as it is."""
        here = slice(window.first, window.stop)
        known = z[:, here] * mask
        seed, steps = self.sampling.seed, self.sampling.steps
        eps = sampler.noise(seed, self.sampling.variation, len(z), window.first, window.frames)
        v = sampler.given(self._flow(window, known, mask), known, mask, eps)
        done = self._countdown(window, total)

        def reported(x: Floats, t: float, r: float) -> Floats:
            self.progress.report("Composing", next(done))
            return v(x, t, r)

        z[:, here] = np.where(mask > 0, known, sampler.integrate(reported, eps, steps))

    def _countdown(self, window: Window, total: int) -> Iterator[float]:
        """How far the cue is before each step of this window, 0 to 1."""
        new = window.frames - window.known
        for step in range(self.sampling.steps):
            yield (window.first + window.known + new * step / self.sampling.steps) / total

    def _flow(self, window: Window, known: Floats, mask: Floats) -> sampler.Velocity:
        """The mean flow in a window, with the guidance that the network learned to answer in one pass."""
        told = told_of(self.plan, window.first, window.frames)
        constant = {
            "known": known[None],
            "mask": mask[None],
            "tracks": told["tracks"],
            "attention": tokens.attention(self.plan, window.first, window.frames)[None],
            **self.model.condition(told),
        }
        strength = self.sampling.guidance / sampler.STRONGEST

        def v(x: Floats, t: float, r: float) -> Floats:
            time = np.array([[t, t - r, strength]], np.float32)
            mean: Floats = self.model.velocity({"x": x[None], "time": time, **constant})[0]
            return mean

        return v


def _shares(span: Span, total: int) -> Floats:
    """(frames,) of a span: how much of what is new there counts, rising and falling at edges within z."""
    at = np.arange(span.start, span.stop)
    since = at - span.start + 1 if span.start else np.full(len(at), JOINT + 1)
    until = span.stop - at if span.stop < total else np.full(len(at), JOINT + 1)
    share: Floats = np.minimum(np.minimum(since, until) / (JOINT + 1), 1).astype(np.float32)
    return share


def told_of(plan: CuePlan, first_frame: int, frames: int) -> Arrays:
    """Everything that the conditioner is told of a window, in a batch of one."""
    told = {
        "globals": tracks.globals_(plan, first_frame),
        "looks": tokens.looks(plan, first_frame, frames),
        "scenes": tokens.scenes(plan, first_frame, frames),
        "tracks": tracks.tracks(plan, first_frame, frames),
        "transitions": tracks.transitions(plan, first_frame, frames),
    }
    style = np.array([tracks.style_index(plan.style)], np.int64)
    return {"style": style, **{name: part[None] for name, part in told.items()}}
