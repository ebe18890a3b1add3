"""The one place where values become JSON and come back: between the panel, its worker and its session file.

Frozen dataclasses go as objects, exact fractions as "n/d", arrays as base64 of little-endian float32. What
comes back is built from the type that is asked for, never from a name found in the data.
"""

from __future__ import annotations

import base64
import dataclasses
import types
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | int | bool | None"
T = TypeVar("T")


class CodecError(ValueError):
    """The data does not have the shape of the type that was asked for."""


def to_json(value: object) -> Json:
    """Any value of the engine or the panel as JSON. Raises CodecError for what has no form there."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.ndarray):
        data = np.ascontiguousarray(value, "<f4")
        return {"shape": list(data.shape), "f32": base64.b64encode(data.tobytes()).decode("ascii")}
    if isinstance(value, tuple | list):
        return [to_json(each) for each in value]
    if dataclasses.is_dataclass(value):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
    raise CodecError(f"{type(value).__name__} cannot be sent")


def from_json(kind: type[T], data: Json) -> T:
    """The value of type `kind` that `to_json` made `data` of. Raises CodecError."""
    try:
        return cast("T", _read(kind, data))
    except (TypeError, ValueError, KeyError, ArithmeticError) as error:
        raise CodecError(f"not a {kind.__name__}: {error}") from error


def _read(kind: Any, data: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _read_union(get_args(kind), data)
    if origin is Literal:
        if data not in get_args(kind):
            raise CodecError(f"{data!r} is not one of {get_args(kind)}")
        return data
    if origin is tuple:
        return _read_tuple(get_args(kind), data)
    if kind is np.ndarray or origin is np.ndarray:
        return np.frombuffer(base64.b64decode(data["f32"]), "<f4").reshape(data["shape"]).astype(np.float32)
    if dataclasses.is_dataclass(kind):
        return _read_object(kind, data)
    return _read_plain(kind, data)


def _read_plain(kind: Any, data: Any) -> Any:
    if kind is Fraction or kind is Path:
        if not isinstance(data, str):
            raise CodecError(f"{data!r} is not a {kind.__name__}")
        return kind(data)
    if kind is float and isinstance(data, int | float) and not isinstance(data, bool):
        return float(data)
    if kind in (int, str, bool) and type(data) is kind:
        return data
    raise CodecError(f"{data!r} is not a {kind}")


def _read_union(kinds: tuple[Any, ...], data: Any) -> Any:
    if data is None and type(None) in kinds:
        return None
    (kind,) = (each for each in kinds if each is not type(None))
    return _read(kind, data)


def _read_tuple(kinds: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise CodecError(f"{data!r} is not a list")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_read(kinds[0], each) for each in data)
    return tuple(_read(kind, each) for kind, each in zip(kinds, data, strict=True))


def _read_object(kind: Any, data: Any) -> Any:
    """Unknown keys are errors, missing ones take the default of the dataclass, if there is one."""
    hints = _hints(kind)
    if not isinstance(data, dict) or set(data) - set(hints):
        raise CodecError(f"{data!r:.80} does not fit {kind.__name__}")
    return kind(**{name: _read(hints[name], each) for name, each in data.items()})


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}
