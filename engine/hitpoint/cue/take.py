"""One take: composed, measured, mended where an accent is missing, and bent until the others are on time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hitpoint.cue.align import MAX_SHIFT_S, Alignment, Knot
from hitpoint.cue.draft import Draft
from hitpoint.cue.generate import Composer
from hitpoint.cue.hits import hit_rate, nearest, strong
from hitpoint.cue.onsets import Onsets
from hitpoint.cue.plan import Accent, CuePlan
from hitpoint.cue.stream import Heard, Preview
from hitpoint.cue.tracks import LATENT_RATE
from hitpoint.cue.windows import Span, frames_for
from hitpoint.progress import Progress
from hitpoint.values import Floats, HitPoint

REPAINTS = 2
ALIGNMENTS = 3
REPAINT_S = 0.36
"""On each side of a missing accent so much is made anew."""
CLEAR_S = 0.2
"""So near to a missing accent the other accents of the plan are taken away."""


@dataclass(frozen=True, slots=True)
class Merit:
    """What takes are compared by, in this order: share of strong hit points hit, then how even they sound."""

    hit_rate: float
    evenness: float


def make_take(
    draft: Draft,
    composer: Composer,
    hits: Sequence[HitPoint],
    tolerance: float,
    heard: Heard | None = None,
) -> Merit:
    """Fill `draft` with a take of the composer's plan whose accents are on `hits` as far as they will go.

    `tolerance` in seconds. `heard` gets the sound as it is composed. Second attempts use the variations
    after the composer's own.
    """
    everything = Span(0, frames_for(composer.plan.duration, composer.manifest))
    # The latents have no name here, so that they are gone once a repainted copy takes their place.
    finish_take(
        draft,
        composer,
        composer.compose() if heard is None else _heard_compose(composer, draft.samples, heard),
        everything,
        hits,
        tolerance,
    )
    return Merit(hit_rate(draft.onsets, hits, tolerance), _evenness(draft, hits))


def finish_take(
    draft: Draft,
    composer: Composer,
    z: Floats,
    free: Span,
    hits: Sequence[HitPoint],
    tolerance: float,
    pinned: Sequence[Knot] = (),
) -> None:
    """Render z, paint missing accents in and move the others on time; only its `free` frames are painted.

    `pinned`: see `Alignment`.
    """
    draft.sound(z, (), composer.progress)
    for attempt in range(1, REPAINTS + 1):
        missing = [hit for hit in strong(hits) if not _within_reach(draft.onsets, hit.time)]
        if not missing:
            break
        again = composer.varied(stressed(composer.plan, missing), composer.sampling.variation + attempt)
        z = again.repaint(z, _spans(missing, free))
        draft.sound(z, (), composer.progress)
    _align(draft, Alignment(hits, tolerance, pinned), composer.progress)


def _heard_compose(composer: Composer, samples: int, heard: Heard) -> Floats:
    """As `compose`, with somebody listening."""
    preview, z = Preview(composer, samples), np.zeros((0, 0), np.float32)
    for z, made in composer.growing():
        for block in preview.blocks(z, made):
            heard(block)
    return z


def stressed(plan: CuePlan, missing: Sequence[HitPoint]) -> CuePlan:
    """The plan with accents of full strength where they are missing, and none close by."""
    kept = (a for a in plan.accents if all(abs(a.time - hit.time) > CLEAR_S for hit in missing))
    added = (Accent(hit.time, 1.0) for hit in missing)
    return replace(plan, accents=tuple(sorted((*kept, *added), key=lambda accent: accent.time)))


def _within_reach(onsets: Onsets, time: float) -> bool:
    """Whether there is an accent that the time map can bring to `time`."""
    index = nearest(onsets, time)
    return index is not None and abs(onsets.times[index] - time) <= MAX_SHIFT_S


def _spans(missing: Sequence[HitPoint], free: Span) -> list[Span]:
    times = sorted(hit.time for hit in missing)
    return [
        Span(
            max(free.start, math.floor((time - REPAINT_S) * LATENT_RATE)),
            min(free.stop, math.ceil((time + REPAINT_S) * LATENT_RATE)),
        )
        for time in times
    ]


def _align(draft: Draft, alignment: Alignment, progress: Progress) -> None:
    """Measure and correct a few times; what is on time already stays and costs nothing."""
    for _ in range(ALIGNMENTS):
        alignment.observe(draft.onsets, draft.positions)
        draft.sound(draft.latents, alignment.propose(), progress)
    alignment.observe(draft.onsets, draft.positions)
    draft.sound(draft.latents, alignment.best(), progress)


def _evenness(draft: Draft, hits: Sequence[HitPoint]) -> float:
    """0 to 1: how alike in strength the accents on strong hit points are (1 - coefficient of variation)."""
    onsets = draft.onsets
    found = [nearest(onsets, hit.time) for hit in strong(hits)]
    strengths = onsets.strengths[[index for index in found if index is not None]]
    if len(strengths) < 2:
        return 0.0
    return max(0.0, 1.0 - float(np.std(strengths) / np.mean(strengths)))
