"""How far is a set of sounds from the corpus? Fréchet distance between Gaussians of what is heard in each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from hitpoint.errors import UsageError

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Of rows of features: how many, their sum, and the sum of their outer products. They add up."""

    count: int
    total: Matrix
    squares: Matrix

    @classmethod
    def of(cls, rows: NDArray[np.floating]) -> Moments:
        """(rows, features)."""
        values = np.asarray(rows, np.float64)
        return cls(len(values), values.sum(axis=0), values.T @ values)

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> Matrix:
        """(features,)."""
        return self.total / self.count

    @property
    def covariance(self) -> Matrix:
        """(features, features)."""
        return self.squares / self.count - np.outer(self.mean, self.mean)


def together(parts: list[Moments]) -> Moments:
    """The moments of all rows."""
    return reduce(add, parts)


def frechet(a: Moments, b: Moments) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) (Dowson and Landau 1982), 0 for the same Gaussian."""
    if min(a.count, b.count) < 2:
        raise UsageError("A distance between sets needs more than one row in each.", "Take more pieces.")
    root = _root(a.covariance)
    both = np.linalg.eigvalsh(root @ b.covariance @ root)
    shared = float(np.sqrt(np.maximum(both, 0)).sum())
    apart = float(np.square(a.mean - b.mean).sum())
    return max(0.0, apart + float(np.trace(a.covariance) + np.trace(b.covariance)) - 2 * shared)


def _root(matrix: Matrix) -> Matrix:
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T, np.float64)
