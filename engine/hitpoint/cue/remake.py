"""A region of a finished take made anew; the rest of its file stays as it is, to the bit.

The network fills the region between the latents that are kept on both sides of it, as it does with missing
accents. The region begins and ends `LEAD_IN` before its bar lines, so that the attacks on them are whole. Its
first and last `JOINT` latents go over from the old to the new; the samples do within `CROSSOVER` outside,
where both come from the same latents.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hitpoint import __version__
from hitpoint.cue import limiter
from hitpoint.cue.decode import MAX_SHIFT_FRAMES, Positions, identity
from hitpoint.cue.excerpt import Excerpt
from hitpoint.cue.generate import JOINT, Composer, Sampling
from hitpoint.cue.hits import half_frame
from hitpoint.cue.loudness import CELL
from hitpoint.cue.make import Cue, last_sound, report, sound_of, with_lead
from hitpoint.cue.master import BLOCK, FULL_SCALE, dissect, fades, to_24_bit
from hitpoint.cue.onsets import Reader
from hitpoint.cue.region import Region, bar_lines, region_of, revised
from hitpoint.cue.sessions import CpuModel
from hitpoint.cue.sketch import Sketch, read_sketch, sketch_parts
from hitpoint.cue.take import finish_take
from hitpoint.cue.tracks import LATENT_RATE, SAMPLES_PER_LATENT
from hitpoint.cue.verify import read_origin
from hitpoint.cue.wav import Levels, Provenance, write_wav
from hitpoint.cue.windows import Span, frames_for
from hitpoint.errors import MediaError, ModelBundleError, OutputError
from hitpoint.parallel import ahead
from hitpoint.progress import Progress
from hitpoint.values import SAMPLE_RATE, Anew, Floats

LEAD_IN = JOINT + 1
"""Latent frames: 140 ms; the last 20 of them for attacks that come early."""
CROSSOVER = SAMPLES_PER_LATENT
"""Samples: 20 ms."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A take as its file has it."""

    path: Path
    sketch: Sketch
    request: str  # digest of what was asked for
    time_reference: int

    def region(self, anew: Anew) -> Region:
        """Where that is. Raises UsageError."""
        return region_of(bar_lines(self.sketch.plan), anew.start, anew.stop)

    def provenance(self, anew: Anew) -> Provenance:
        """Of the take that this one becomes."""
        asked = json.dumps([self.request, asdict(anew)], sort_keys=True)
        return Provenance(
            engine=f"Hitpoint {__version__}",
            bundle=self.sketch.bundle,
            request_sha256=hashlib.sha256(asked.encode()).hexdigest(),
            seed=anew.seed,
            style=self.sketch.plan.style,
            title=self.sketch.title,
        )


def kept_take(path: Path) -> Kept:
    """Read a take. Raises MissingMediaError, and MediaError for what is no take or was changed since."""
    sketch, origin = read_sketch(path), read_origin(path)
    if not origin.intact:
        raise MediaError(f"The sound of {path} was changed since.", "Take the file as it was made.")
    return Kept(path, sketch, origin.request, origin.time_reference or 0)


def remake(kept: Kept, anew: Anew, model: CpuModel, out: Path, progress: Progress) -> Cue:
    """Make a region of a take anew and write the whole to `out`, another file.

    Raises UsageError, MediaError, ModelBundleError, OutputError, Cancelled; then nothing is written.
    """
    old, region = kept.sketch, kept.region(anew)
    plan = revised(old.plan, region, anew)
    samples = _check(kept, model, out)
    heard, positions = _heard(region, old), _positions(old)
    free = _free(heard, positions)
    hits = old.hits if anew.hits is None else anew.hits
    sampling = Sampling(anew.seed, old.steps, old.guidance)
    played = plan if anew.style is None else replace(plan, style=anew.style)
    composer = Composer(played, model, model.bundle.manifest, sampling, progress)
    with (
        model.cancellable(progress),
        sound_of(kept.path, old.lead_samples) as (before, _samples),
        Excerpt(model, model.bundle.manifest, samples, out.parent, heard, positions) as draft,
    ):
        z = composer.refill(old.latents, free)
        inside = [hit for hit in hits if heard.start <= hit.time * LATENT_RATE < heard.stop]
        finish_take(
            draft, composer, z, _inner(free, z.shape[1]), inside, half_frame(old.frame_rate), draft.pinned
        )
        progress.report("Mastering", 0.0)
        made = replace(
            old, plan=plan, hits=hits, latents=draft.latents,
            shifts=(draft.positions - identity(len(draft.positions) // 2)).astype(np.float32),
        )  # fmt: skip
        splice = _Splice(before, _mastered(draft, made, samples), samples, heard)
        anatomy = dissect(splice.read, samples)
        levels = Levels(anatomy.loudness(0.0), float(20 * np.log10(max(float(anatomy.peaks.max()), 1e-10))))
        with closing(ahead(with_lead(splice.blocks(anew.seed), old.lead_samples), depth=2)) as blocks:
            asset = write_wav(
                out, blocks, samples + old.lead_samples, kept.provenance(anew), levels, kept.time_reference,
                sketch_parts(made),
            )  # fmt: skip
    return report(asset, made, levels.loudness, model)


def _check(kept: Kept, model: CpuModel, out: Path) -> int:
    """Everything that would fail later; returns the samples of the cue."""
    sketch, bundle = kept.sketch, model.bundle
    if bundle.id.sha256 != sketch.bundle.sha256:
        raise ModelBundleError(
            f"The take was made with another model, {sketch.bundle.name} {sketch.bundle.sha256[:12]}.",
            "Choose that one with --bundle, or make a new take.",
        )
    if not out.parent.is_dir():
        raise OutputError(f"The folder {out.parent} does not exist.", "Create it or choose another.")
    if out.exists() and out.samefile(kept.path):
        raise OutputError(f"{out} is the take itself.", "Choose another name.")
    fits = (bundle.manifest.latent_channels, frames_for(sketch.plan.duration, bundle.manifest))
    off = np.abs(_positions(sketch) - identity(sketch.latents.shape[1]))
    if sketch.latents.shape != fits or off.max() > MAX_SHIFT_FRAMES:
        raise MediaError(f"What {kept.path} was made from does not fit its sound.", "Make it again.")
    return round(sketch.plan.duration * SAMPLE_RATE)


def _positions(sketch: Sketch) -> Positions:
    return identity(sketch.latents.shape[1]) + sketch.shifts


def _heard(region: Region, sketch: Sketch) -> Span:
    """The latent frames of the output that are new."""
    total = sketch.latents.shape[1]
    start, stop = (math.floor(time * LATENT_RATE) - LEAD_IN for time in (region.start, region.stop))
    return Span(max(0, start), total if region.stop >= sketch.plan.duration else stop)


def _free(heard: Span, positions: Positions) -> Span:
    """The latent frames that only the new output shows."""
    total = len(positions) // 2
    start = math.ceil(positions[2 * heard.start] / 2) if heard.start else 0
    return Span(start, total if heard.stop == total else math.floor(positions[2 * heard.stop] / 2))


def _inner(free: Span, total: int) -> Span:
    """Without what goes over from the old to the new."""
    start = free.start + JOINT if free.start else 0
    return Span(start, free.stop if free.stop == total else max(start, free.stop - JOINT))


def _mastered(draft: Excerpt, made: Sketch, samples: int) -> Reader:
    """The new sound under the gain of the old one, with a limiter of its own."""
    faded = fades(draft.read_whole, samples, last_sound(made.plan, made.hits))
    peaks = dissect(lambda start, stop: faded(start + draft.offset, stop + draft.offset), draft.samples).peaks
    gain = made.level + limiter.gain_db(peaks * np.float32(10 ** (made.level / 20)))
    if made.dip is not None:
        gain = gain + made.dip((np.arange(len(gain)) + 0.5) * CELL / SAMPLE_RATE + draft.offset / SAMPLE_RATE)

    def read(start: int, stop: int) -> Floats:
        return faded(start, stop) * limiter.factors(gain, start - draft.offset, stop - draft.offset)

    return read


class _Splice:
    """The old sound, and within `heard` the new one."""

    def __init__(self, old: Reader, new: Reader, samples: int, heard: Span) -> None:
        self._old, self._new, self._samples = old, new, samples
        start, stop = heard.start * SAMPLES_PER_LATENT, heard.stop * SAMPLES_PER_LATENT
        self._rise, self._fall = start - CROSSOVER if start else -CROSSOVER, stop
        self._first, self._last = max(0, self._rise), min(samples, stop + CROSSOVER)

    def read(self, start: int, stop: int) -> Floats:
        """(2, stop - start) samples. A `Reader`."""
        sound = self._old(start, stop)
        low, high = max(start, self._first), min(stop, self._last)
        if low < high:
            part = sound[:, low - start : high - start]
            part += self._share(low, high) * (self._new(low, high) - part)
        return sound

    def blocks(self, seed: int) -> Iterator[NDArray[np.int32]]:
        """(n, 2) integers of 24 bits; those of the old sound are the old ones."""
        starts = range(0, self._samples, BLOCK)
        sounds = (self.read(start, min(start + BLOCK, self._samples)) for start in starts)
        for start, values in zip(starts, to_24_bit(sounds, seed), strict=True):
            at = np.arange(start, start + len(values))
            kept = (at < self._first) | (at >= self._last)
            if kept.any():
                old = self._old(start, start + len(values)).T[kept] * np.float32(FULL_SCALE)
                values[kept] = old.astype(np.int32)  # exact: float32 holds 24 bits
            yield values

    def _share(self, start: int, stop: int) -> Floats:
        """How much of the new sound is heard, 0 to 1."""
        at = np.arange(start, stop) + 0.5
        rise = np.clip((at - self._rise) / CROSSOVER, 0, 1)
        fall = np.clip((self._fall + CROSSOVER - at) / CROSSOVER, 0, 1)
        share: Floats = (np.sin(np.pi / 2 * rise) * np.sin(np.pi / 2 * fall)).astype(np.float32) ** 2
        return share
