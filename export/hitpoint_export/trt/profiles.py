"""The lengths that an engine is compiled for, from the window that the bundle was trained on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hitpoint.cue.bundle import Manifest, TensorSpec
from hitpoint.cue.windows import MULTIPLE
from hitpoint.errors import ModelBundleError, UsageError

NAMES = ("short", "default", "long")


@dataclass(frozen=True, slots=True)
class Profile:
    """An optimisation profile: least, best and greatest latent frames."""

    name: str
    frames: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Shapes:
    """Least, best and greatest shape of one input."""

    name: str
    least: tuple[int, ...]
    best: tuple[int, ...]
    greatest: tuple[int, ...]


def profiles(names: Iterable[str], manifest: Manifest) -> tuple[Profile, ...]:
    """`short`: the first block of a cue, for quick first sound. `default`: the trained window.
    `long`: twice that, for decoding in large pieces. Raises UsageError for any other name.
    """
    longest = {
        "short": manifest.minimum_frames,
        "default": manifest.window_frames,
        "long": 2 * manifest.window_frames,
    }
    wanted = tuple(dict.fromkeys(names))
    if not wanted or any(name not in longest for name in wanted):
        raise UsageError(f"There is no profile {', '.join(wanted)!r}.", f"Choose from {', '.join(NAMES)}.")
    return tuple(Profile(name, (MULTIPLE, longest[name], longest[name])) for name in wanted)


def shapes(inputs: Iterable[TensorSpec], profile: Profile) -> tuple[Shapes, ...]:
    """The shapes of all inputs under one profile."""
    return tuple(Shapes(spec.name, *(shape_of(spec, count) for count in profile.frames)) for spec in inputs)


def shape_of(spec: TensorSpec, frames: int) -> tuple[int, ...]:
    """The shape of an input at so many latent frames. Raises ModelBundleError for an unknown free axis."""
    sizes = {"T": frames, "2T": 2 * frames}
    try:
        return tuple(size if isinstance(size, int) else sizes[size] for size in spec.shape)
    except KeyError as error:
        raise ModelBundleError(
            f"{spec.name} has the unknown axis {error}.", "Export the bundle again."
        ) from error
