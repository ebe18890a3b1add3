"""From a plan to latents: the network, window by window, in constant working memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hitpoint.cue import sampler, tracks
from hitpoint.cue.bundle import Manifest
from hitpoint.cue.plan import STYLES, CuePlan
from hitpoint.cue.windows import Span, Window, covering, frames_for, windows
from hitpoint.progress import Progress
from hitpoint.values import Floats

NULL_STYLE = len(STYLES)
"""The style token of "no condition", for guidance."""


UNGUIDED = 0.3
"""From this t on the conditioned flow alone is followed."""


class Model(Protocol):
    """What runs the three graphs of a bundle; `sessions.CpuModel` says the shapes."""

    @property
    def threads(self) -> int:
        """How many calls of `spectrum` are worth running at a time."""
        ...

    def condition(self, style: NDArray[np.int64], globals_: Floats, events: Floats) -> Floats:
        """Keys and values."""
        ...

    def velocity(
        self, x: Floats, t: Floats, known: Floats, mask: Floats, tracks: Floats, kv: Floats
    ) -> Floats:
        """The flow."""
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

    def _sample(self, window: Window, z: Floats, mask: Floats, total: int) -> None:
        """Fill one window of z; what the mask marks stays exactly as it is."""
        here = slice(window.first, window.stop)
        known = z[:, here] * mask
        seed, steps = self.sampling.seed, self.sampling.steps
        eps = sampler.noise(seed, self.sampling.variation, len(z), window.first, window.frames)
        v = sampler.given(self._guided(window, known, mask), known, mask, eps)
        done = self._countdown(window, total)

        def reported(x: Floats, t: float) -> Floats:
            self.progress.report("Composing", next(done))
            return v(x, t)

        z[:, here] = np.where(mask > 0, known, sampler.euler(reported, eps, steps))

    def _countdown(self, window: Window, total: int) -> Iterator[float]:
        """How far the cue is before each step of this window, 0 to 1."""
        new = window.frames - window.known
        for step in range(self.sampling.steps):
            yield (window.first + window.known + new * step / self.sampling.steps) / total

    def _guided(self, window: Window, known: Floats, mask: Floats) -> sampler.Velocity:
        """v = v_null + w (v_cond - v_null), in a batch of two (Ho and Salimans 2022, classifier-free),
        except at the end, where guidance only costs time (Kynkäänniemi et al. 2024)."""
        w, plan = np.float32(self.sampling.guidance), self.plan
        batch = 1 if w == 1 else 2
        style = np.array([tracks.style_index(plan.style), NULL_STYLE], np.int64)[:batch]
        globals_ = _or_nothing(tracks.globals_(plan, window.first), batch)
        events = _or_nothing(tracks.events(plan, window.first, window.frames), batch)
        rows = _or_nothing(tracks.tracks(plan, window.first, window.frames), batch)
        kv = self.model.condition(style, globals_, events)
        given, marks = np.stack([known] * batch), np.stack([mask] * batch)

        def v(x: Floats, t: float) -> Floats:
            many = batch if t > UNGUIDED else 1
            times, xs = np.full(many, t, np.float32), np.stack([x] * many)
            out = self.model.velocity(xs, times, given[:many], marks[:many], rows[:many], kv[:many])
            guided: Floats = out[0] if many == 1 else out[1] + w * (out[0] - out[1])
            return guided

        return v


def _or_nothing(condition: Floats, batch: int) -> Floats:
    """The condition and, for the second of a batch of two, its absence."""
    return np.stack([condition, np.zeros_like(condition)][:batch])
