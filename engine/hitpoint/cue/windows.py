"""Cuts a cue of any length into the windows that the network was trained on.

Mask-conditioned outpainting: each window but the first is given the last seconds of what was already made
and continues them, so no two stretches are ever blended and there is no seam to hear.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hitpoint.cue.bundle import Manifest
from hitpoint.cue.tracks import LATENT_RATE

MULTIPLE = 8
"""The network halves its rate three times, so it takes only such lengths."""
TAIL_FRAMES = 8
"""Latent frames beyond the last sample, so that the decoder's windows overlap to the end."""
CONTEXT_FRAMES = 50
"""At least so much is given on each side of what is painted anew: a second."""


@dataclass(frozen=True, slots=True)
class Span:
    """Latent frames `start` to `stop`."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Window:
    """Latent frames `first` to `first + frames`, of which the first `known` are already made."""

    first: int
    frames: int
    known: int

    @property
    def stop(self) -> int:
        """One past the last frame."""
        return self.first + self.frames


def frames_for(duration: float, manifest: Manifest) -> int:
    """Latent frames to generate for `duration` seconds; a short cue is made longer and cut."""
    needed = math.ceil(duration * LATENT_RATE) + TAIL_FRAMES
    return max(manifest.minimum_frames, -(-needed // MULTIPLE) * MULTIPLE)


def windows(total: int, manifest: Manifest, *, quick: bool = False) -> Iterator[Window]:
    """Windows that make the frames 0 to `total` in order. `total` as `frames_for` gives it.

    `quick` begins with the shortest window there is, so that something can be heard soon.
    """
    frames = min(total, manifest.minimum_frames if quick else manifest.window_frames)
    yield Window(0, frames, 0)
    made = frames
    while made < total:
        wanted = min(manifest.window_frames, manifest.known_frames + total - made)
        # A last window shorter than the network ever saw reaches further back instead.
        frames = max(wanted, manifest.minimum_frames)
        stop = min(total, made - manifest.known_frames + wanted)
        yield Window(stop - frames, frames, made - (stop - frames))
        made = stop


def covering(spans: Iterable[Span], total: int, manifest: Manifest) -> Iterator[tuple[Window, list[Span]]]:
    """Short windows with context on both sides that together hold all spans, each with those it holds.

    `spans` are ascending and short; overlapping ones may come. Nothing in these windows counts as known.
    """
    frames = min(total, manifest.minimum_frames)
    room = frames - 2 * CONTEXT_FRAMES
    group: list[Span] = []
    for span in spans:
        if group and span.stop - group[0].start > room:
            yield _around(group, frames, total), group
            group = []
        group.append(span)
    if group:
        yield _around(group, frames, total), group


def filling(span: Span, total: int, manifest: Manifest) -> Iterator[tuple[Window, int]]:
    """Windows that make a span of any length anew, in order, each with the frame up to which it counts.

    What lies before the window's `known` frames and after the span is given. The last one sees at least a
    sixth of a window of what follows, so the span ends as it should.
    """
    longest, made = min(total, manifest.window_frames), span.start
    while made < span.stop:
        left, stop = span.stop - made, span.stop
        # As much as was ever missing in training; a cue of one window cannot be parted.
        if left <= longest * 2 // 3 or longest == total:
            wanted = -(-(left + 2 * manifest.known_frames) // MULTIPLE) * MULTIPLE
            frames = min(longest, max(manifest.minimum_frames, wanted))
            before = (frames - left) // 2
        else:
            frames, before = longest, manifest.known_frames
            stop = made + min(longest - before, left - longest // 3)
        first = max(0, min(made - before, total - frames))
        yield Window(first, frames, made - first), stop
        made = stop


def _around(group: list[Span], frames: int, total: int) -> Window:
    middle = (group[0].start + group[-1].stop) // 2
    return Window(max(0, min(middle - frames // 2, total - frames)), frames, 0)
