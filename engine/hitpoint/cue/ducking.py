"""The music makes room for speech: when, and how far down it goes on the way there and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hitpoint.errors import UsageError
from hitpoint.values import Duck, Ducking, Floats


@dataclass(frozen=True, slots=True)
class Ducked:
    """Where the music is turned down, and how: the `Dip` of a master."""

    ducks: tuple[Duck, ...]
    how: Ducking

    def __call__(self, times: NDArray[np.floating]) -> Floats:
        """(times,) dB, at most 0, at these seconds."""
        return dip_db(self.ducks, self.how, times)


def ducks_of(speech: Sequence[tuple[float, float]], how: Ducking | None, duration: float) -> tuple[Duck, ...]:
    """Where the music is turned down; pauses too short to come back in are bridged."""
    if how is None:
        return ()
    bridged: list[list[float]] = []
    for start, end in sorted(speech):
        if bridged and start - bridged[-1][1] <= how.attack + how.release:
            bridged[-1][1] = max(bridged[-1][1], end)
        else:
            bridged.append([max(0.0, start), end])
    return tuple(Duck(start, min(end, duration), how.level) for start, end in bridged if start < duration)


def dip_db(ducks: Sequence[Duck], how: Ducking, times: NDArray[np.floating]) -> Floats:
    """(times,) dB that the music is turned down at each time: down before a duck, up again after it.

    The slopes are rounded at both ends, so that nobody hears a fader start.
    """
    depth = np.zeros(len(times), np.float32)
    for duck in ducks:
        low, high = np.searchsorted(times, [duck.start - how.attack, duck.end + how.release])
        at = times[low:high]
        falling = _eased((at - duck.start + how.attack) / max(how.attack, 1e-3))
        rising = _eased((duck.end + how.release - at) / max(how.release, 1e-3))
        depth[low:high] = np.minimum(depth[low:high], duck.gain * np.minimum(falling, rising))
    return depth


def fader(ducks: Sequence[Duck], how: Ducking, duration: float) -> tuple[tuple[float, float], ...]:
    """(seconds, dB) of the points of a fader that does the same in straight lines, from 0 to `duration`.

    Four for each duck, as somebody would draw them; `ducks` as `ducks_of` makes them, none near another.
    """
    points: list[tuple[float, float]] = []
    for duck in ducks:
        points += [
            (duck.start - how.attack, 0.0), (duck.start, duck.gain),
            (duck.end, duck.gain), (duck.end + how.release, 0.0),
        ]  # fmt: skip
    found = [(0.0, _on_the_way(points, 0.0)), *(point for point in points if 0 < point[0] < duration)]
    last = _on_the_way(points, duration)
    return (*found, (duration, last)) if last != found[-1][1] else tuple(found)


def _on_the_way(points: Sequence[tuple[float, float]], time: float) -> float:
    before = next((point for point in reversed(points) if point[0] <= time), (time, 0.0))
    after = next((point for point in points if point[0] > time), before)
    share = (time - before[0]) / (after[0] - before[0]) if after[0] > before[0] else 0.0
    return before[1] + share * (after[1] - before[1])


def dips_into(how: Ducking | None, automates: bool, name: str) -> Ducking | None:
    """With it decided whether the dips become volume automation, which `automates` says that the timeline
    `name` can have. Raises UsageError where it is asked for and there is none."""
    if how is None or how.into == "wav":
        return how
    if how.into == "automation" and not automates:
        raise UsageError(
            f"{name} cannot have volume automation that an editor plays.",
            "Let the dips go into the sound (--duck-into wav), or write .mlt, .kdenlive, .fcpxml or .xml.",
        )
    return replace(how, into="automation" if automates else "wav")


def _eased(share: NDArray[np.floating]) -> NDArray[np.floating]:
    """0 to 1 along half a cosine."""
    eased: NDArray[np.floating] = 0.5 - 0.5 * np.cos(np.pi * np.clip(share, 0, 1))
    return eased
