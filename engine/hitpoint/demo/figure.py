"""The drawn dancer's body: joints from a pose, and how they are painted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

TORSO, UPPER_ARM, FOREARM, THIGH, SHIN, NECK = 1.0, 0.62, 0.56, 0.86, 0.84, 0.24  # lengths in torsos
HIP_HEIGHT = THIGH + SHIN
_HEEL = np.array([0.0, 0.02])
_SUBPIXEL = 4  # bits, or slow movement would tremble


@dataclass(frozen=True, slots=True)
class Outfit:
    """Colours, RGB."""

    skin: Colour = (214, 164, 132)
    shirt: Colour = (196, 52, 62)
    trousers: Colour = (38, 42, 66)
    shoes: Colour = (236, 236, 232)
    hair: Colour = (46, 32, 26)


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Joints in world units: x to the right, y down, the floor at 0. Pairs are (left, right) as seen."""

    hips: tuple[Vector, Vector]
    knees: tuple[Vector, Vector]
    ankles: tuple[Vector, Vector]
    shoulders: tuple[Vector, Vector]
    elbows: tuple[Vector, Vector]
    wrists: tuple[Vector, Vector]
    neck: Vector
    head: Vector
    tilt: float  # of the head, radians


def skeleton(pose: Vector) -> Skeleton:
    """Joints of a pose (12,), see choreography.PARTS. Feet stay where they are put; knees follow."""
    hip_x, drop, lean, head_tilt = pose[0], pose[1], np.deg2rad(pose[2]), np.deg2rad(pose[3])
    pelvis = np.array([hip_x, drop - HIP_HEIGHT])
    up = np.array([np.sin(lean), -np.cos(lean)])
    across = np.array([-up[1], up[0]])
    neck = pelvis + up * TORSO
    hips, shoulders = _pair(pelvis, across * 0.21), _pair(neck + up * -0.05, across * 0.37)
    ankles = tuple(
        np.array([side * pose[8 + 2 * k], -0.08 - pose[9 + 2 * k]]) for k, side in enumerate((-1, 1))
    )
    knees = tuple(_knee(hips[k], ankles[k], side) for k, side in enumerate((-1, 1)))
    elbows = tuple(
        shoulders[k] + UPPER_ARM * _direction(pose[4 + 2 * k], side, lean) for k, side in enumerate((-1, 1))
    )
    wrists = tuple(
        elbows[k] + FOREARM * _direction(pose[4 + 2 * k] + pose[5 + 2 * k], side, lean)
        for k, side in enumerate((-1, 1))
    )
    tilt = lean * 0.6 + head_tilt
    head = neck + (NECK + 0.26) * np.array([np.sin(tilt), -np.cos(tilt)])
    return Skeleton(hips, knees, ankles, shoulders, elbows, wrists, neck, head, tilt)  # type: ignore[arg-type]


def _pair(middle: Vector, half: Vector) -> tuple[Vector, Vector]:
    return middle - half, middle + half


def _direction(degrees: float, side: int, lean: float) -> Vector:
    angle = np.deg2rad(degrees)
    x, y = side * np.sin(angle), np.cos(angle)
    return np.array([x * np.cos(lean) - y * np.sin(lean), x * np.sin(lean) + y * np.cos(lean)])


def _knee(hip: Vector, ankle: Vector, side: int) -> Vector:
    """Where thigh and shin meet, the knee outwards."""
    way = ankle - hip
    reach = min(float(np.hypot(*way)), THIGH + SHIN - 1e-3)
    along = (THIGH**2 - SHIN**2 + reach**2) / (2 * reach)
    out = np.sqrt(max(THIGH**2 - along**2, 0.0))
    unit = way / np.hypot(*way)
    normal = np.array([unit[1], -unit[0]]) * side * 0.75  # part of the bend points at the camera
    knee: Vector = hip + unit * along + normal * out
    return knee


class Painter:
    """Paints a skeleton into a picture. `to_pixels` maps world points, `scale` is pixels per torso."""

    def __init__(
        self, picture: Picture, to_pixels: Callable[[Vector], Vector], scale: float, outfit: Outfit
    ) -> None:
        self.picture, self.to_pixels, self.scale, self.outfit = picture, to_pixels, scale, outfit

    def dancer(self, body: Skeleton) -> None:
        """From the back to the front: legs, body, head, arms."""
        wear = self.outfit
        for hip, knee, ankle, side in zip(body.hips, body.knees, body.ankles, (-1, 1), strict=True):
            self.limb(hip, knee, 0.185, 0.13, wear.trousers)
            self.limb(knee, ankle, 0.13, 0.085, wear.trousers)
            toes = np.array([side * 0.16, 0.03])
            self.limb(ankle + _HEEL, ankle + _HEEL + toes, 0.075, 0.06, wear.shoes)
        self.limb(body.neck, body.neck + (body.head - body.neck) * 0.5, 0.10, 0.09, wear.skin)
        self._torso(body)
        self._head(body)
        for shoulder, elbow, wrist in zip(body.shoulders, body.elbows, body.wrists, strict=True):
            sleeve = shoulder + (elbow - shoulder) * 0.55
            self.limb(shoulder, elbow, 0.115, 0.085, wear.skin)
            self.limb(shoulder, sleeve, 0.13, 0.12, wear.shirt)
            self.limb(elbow, wrist, 0.085, 0.06, wear.skin)
            self.limb(wrist, wrist + (wrist - elbow) * 0.22, 0.07, 0.06, wear.skin)

    def shadow(self, body: Skeleton) -> None:
        """A soft ellipse under the feet, wider the lower the dancer stands."""
        left, right = body.ankles[0][0], body.ankles[1][0]
        centre = np.array([(left + right) / 2, 0.03])
        layer = self.picture.copy()
        axes = ((right - left) / 2 + 0.45, 0.13)
        self._ellipse(layer, centre, axes, 0.0, (16, 14, 22))
        cv2.addWeighted(layer, 0.45, self.picture, 0.55, 0, self.picture)

    def limb(self, start: Vector, end: Vector, first: float, last: float, colour: Colour) -> None:
        """A rounded, tapering limb, lit from the upper left."""
        for shift, width, light in ((0.0, 1.0, 0.72), (0.18, 0.8, 0.9), (0.34, 0.52, 1.06), (0.46, 0.2, 1.2)):
            offset = np.array([-0.8, -0.6]) * shift
            self._capsule(
                start + offset * first, end + offset * last, first * width, last * width, _lit(colour, light)
            )

    def _capsule(self, start: Vector, end: Vector, first: float, last: float, colour: Colour) -> None:
        way = end - start
        angle = np.arctan2(way[1], way[0])
        turn = np.linspace(np.pi / 2, 3 * np.pi / 2, 9)
        back = start + first * np.stack([np.cos(angle + turn), np.sin(angle + turn)], 1)
        front = end + last * np.stack([np.cos(angle + turn + np.pi), np.sin(angle + turn + np.pi)], 1)
        self._polygon(np.concatenate([back, front]), colour)

    def _torso(self, body: Skeleton) -> None:
        left, right = body.shoulders
        low_left, low_right = body.hips
        waist_left, waist_right = (
            shoulder * 0.42 + hip * 0.58 - (other - hip) * 0.03
            for shoulder, hip, other in ((left, low_left, low_right), (right, low_right, low_left))
        )
        outline = np.array([left, body.neck, right, waist_right, low_right, low_left, waist_left])
        self.limb(low_left, low_right, 0.17, 0.17, self.outfit.trousers)
        self.limb(left, right, 0.13, 0.13, self.outfit.shirt)
        for share, light in ((1.12, 0.8), (0.94, 0.95), (0.6, 1.06)):
            middle = outline.mean(0) - [0.05 * (1 - share), 0.0]
            self._polygon(middle + (outline - middle) * [share, 1.0], _lit(self.outfit.shirt, light))

    def _head(self, body: Skeleton) -> None:
        """Hair, face and its features: the pose model looks for a face first."""
        skin, dark = self.outfit.skin, (38, 26, 24)
        tilt = np.rad2deg(body.tilt)

        def at(x: float, y: float) -> Vector:
            sine, cosine = np.sin(body.tilt), np.cos(body.tilt)
            point: Vector = body.head + np.array([x * cosine - y * sine, x * sine + y * cosine])
            return point

        self._ellipse(self.picture, at(0, -0.06), (0.215, 0.25), tilt, self.outfit.hair)
        for side in (-1, 1):
            self._ellipse(self.picture, at(side * 0.185, 0.01), (0.035, 0.06), tilt, _lit(skin, 0.8))
        self._ellipse(self.picture, at(0, 0.02), (0.18, 0.235), tilt, _lit(skin, 0.86))
        self._ellipse(self.picture, at(-0.015, 0.02), (0.16, 0.215), tilt, skin)
        self._ellipse(self.picture, at(0, -0.17), (0.17, 0.085), tilt, self.outfit.hair)
        for side in (-1, 1):
            self._ellipse(self.picture, at(side * 0.072, -0.02), (0.036, 0.022), tilt, (246, 246, 244))
            self._ellipse(self.picture, at(side * 0.072, -0.02), (0.018, 0.02), tilt, dark)
            self.stroke(at(side * 0.035, -0.072), at(side * 0.108, -0.078), 0.018, self.outfit.hair)
        self.stroke(at(0.0, 0.0), at(-0.016, 0.068), 0.016, _lit(skin, 0.72))
        self._ellipse(self.picture, at(0, 0.135), (0.058, 0.02), tilt, (168, 70, 72))

    def stroke(self, start: Vector, end: Vector, width: float, colour: Colour) -> None:
        """A line of constant width."""
        self._capsule(start, end, width / 2, width / 2, colour)

    def _ellipse(
        self, picture: Picture, centre: Vector, axes: tuple[float, float], degrees: float, colour: Colour
    ) -> None:
        middle = self.to_pixels(centre[None])[0]
        fixed = 1 << _SUBPIXEL
        cv2.ellipse(
            picture,
            (round(middle[0] * fixed), round(middle[1] * fixed)),
            (max(1, round(axes[0] * self.scale * fixed)), max(1, round(axes[1] * self.scale * fixed))),
            degrees, 0, 360, colour, -1, cv2.LINE_AA, _SUBPIXEL,
        )  # fmt: skip

    def _polygon(self, points: Vector, colour: Colour) -> None:
        pixels = np.round(self.to_pixels(points) * (1 << _SUBPIXEL)).astype(np.int32)
        cv2.fillPoly(self.picture, [pixels], colour, cv2.LINE_AA, _SUBPIXEL)


def _lit(colour: Colour, light: float) -> Colour:
    red, green, blue = (min(255, round(value * light)) for value in colour)
    return red, green, blue
