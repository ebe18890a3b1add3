"""The one thing that every backend can do: run a graph of the bundle by its name on arrays by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeAlias, get_args

from numpy.typing import NDArray

from hitpoint.values import Floats

Feeds: TypeAlias = Mapping[str, NDArray[Any]]
"""The inputs of a graph by name; shapes and types as the bundle's manifest states them."""
Name = Literal["cpu", "cpu-fp32", "cuda", "ort-tensorrt", "rtx", "tensorrt"]
NAMES: tuple[Name, ...] = get_args(Name)


class Backend(Protocol):
    """All graphs of one bundle, loaded. `run` may be called from several threads."""

    @property
    def name(self) -> Name:
        """As `--backend` calls it."""
        ...

    @property
    def threads(self) -> int:
        """How many runs are worth having at a time."""
        ...

    def run(self, graph: str, feeds: Feeds) -> dict[str, Floats]:
        """The outputs by name of a graph of `hitpoint.cue.bundle.GRAPHS`.

        Raises Cancelled after `stop`, and ModelBundleError or EngineError in the library's own words.
        """
        ...

    def stop(self) -> None:
        """End what is running, within a tenth of a second, and refuse more. Callable from any thread."""
        ...

    def resume(self) -> None:
        """Take up work again."""
        ...
