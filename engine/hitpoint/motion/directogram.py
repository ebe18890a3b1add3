"""Directogram and onset envelope: how much moves in which direction, and when that rises.

LORIS (Yu et al., ICML 2023), Eq. 4 to 6, with true angular sectors as the paper states them. The released
code takes the angle in degrees modulo 10 instead; `loris_code_sectors` reproduces that for comparison.
"""

from __future__ import annotations

import numpy as np

from hitpoint.values import Floats

SECTORS = 10  # K of LORIS, section 5.1
_CENTRES = np.angle(np.exp(2j * np.pi * np.arange(SECTORS) / SECTORS)).astype(np.float32)[:, None, None]


def sector_sums(motion: Floats, weight: Floats) -> Floats:
    """Directogram rows: lengths of `motion` (n, m, 2) times `weight` (n, m), summed by direction: (n, 10).

    LORIS Eq. 4 and 5. A vector counts in every sector whose centre is at most 2 pi / K away, as the paper's
    indicator says; sectors therefore overlap, and a slowly turning movement makes no jump between them.
    """
    angle = np.arctan2(motion[..., 1], motion[..., 0])
    length = np.hypot(motion[..., 0], motion[..., 1]) * weight
    away = np.abs(angle - _CENTRES)
    near = np.minimum(away, 2 * np.pi - away) <= 2 * np.pi / SECTORS
    sums: Floats = np.where(near, length, 0).sum(2).T
    return sums


def loris_code_sectors(motion: Floats, weight: Floats) -> Floats:
    """What LORIS's released `RhythmEncoder` computes: whole degrees modulo 180, then modulo 10."""
    degrees = np.rad2deg(np.arctan2(motion[..., 1], motion[..., 0])) % 180
    bins = np.floor(degrees).astype(np.int64) % SECTORS
    length = np.hypot(motion[..., 0], motion[..., 1]) * weight
    return np.stack([np.where(bins == k, length, 0).sum(1) for k in range(SECTORS)], 1).astype(np.float32)


def rise(directogram: Floats) -> Floats:
    """Sum of what each sector gains per row (LORIS Eq. 6 before normalising): (n, K) to (n,).

    The paper takes the step from the row before; ours spans the row before and the row after, so that the
    value lies at its own row and not half a row later.
    """
    gains: Floats = np.maximum(0, _steps(directogram)).sum(1)
    return gains


def fall(directogram: Floats) -> Floats:
    """Sum of what each sector loses per row: movement that stops or changes its direction."""
    losses: Floats = np.maximum(0, -_steps(directogram)).sum(1)
    return losses


def _steps(directogram: Floats) -> Floats:
    if len(directogram) < 2:
        return np.zeros_like(directogram)
    return np.gradient(directogram, axis=0).astype(np.float32)
