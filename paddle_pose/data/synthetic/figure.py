"""Shapes of synthetic people: convex hulls of circles, grouped into parts of the body by depth."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from paddle_pose.data.synthetic.body import SIDES, Appearance, Body

_CIRCLE = np.stack(
    [f(np.linspace(0, 2 * np.pi, 16, endpoint=False)) for f in (np.cos, np.sin)], axis=1
)
_WHITE = np.full(3, 250.0)
_BLACK = np.full(3, 25.0)
_RED = np.array([150.0, 40.0, 50.0])


class Figure(NamedTuple):
    """A body with clothes at a place in an image.

    Attributes:
        body: Posed body, in body units: 1 is the standing height.
        appearance: Clothes, skin and hair.
        origin: (x, y) of the pelvis, [2] in image px.
        scale: Image px per body unit.
    """

    body: Body
    appearance: Appearance
    origin: np.ndarray
    scale: float

    def at(self, *names: str) -> np.ndarray:
        """Returns the positions of points of the body, [n, 2] (x, y) in image px.

        Args:
            *names: Names of the points, keys of `Body.points`.
        """
        return self.origin + self.scale * np.array([self.body.points[name][:2] for name in names])

    def depth(self, *names: str) -> float:
        """Returns the mean z of points of the body in body units; higher is nearer to the viewer.

        Args:
            *names: Names of the points, keys of `Body.points`.
        """
        return float(np.mean([self.body.points[name][2] for name in names]))

    def rounded(self, points: np.ndarray, radii: list[float], color: np.ndarray) -> list[Layer]:
        """Returns the layers of a rounded shape with the light of this figure; see `solid`.

        Args:
            points: Centres of the circles whose hull is the shape, [n, 2] (x, y) in image px.
            radii: Radii of the n circles in body units.
            color: RGB [3] in grey levels, 0 to 255.
        """
        return solid(points, np.array(radii) * self.scale, color, self.appearance.light)


class Layer(NamedTuple):
    """A filled convex polygon.

    Attributes:
        polygon: Corners in order, [n, 2] in image px.
        color: RGB [3] in grey levels, 0 to 255.
    """

    polygon: np.ndarray
    color: np.ndarray


class Part(NamedTuple):
    """A part of the body, whose layers are drawn together.

    Attributes:
        depth: Depth in body units; parts of a person are drawn by increasing depth, so that the
            highest is nearest to the viewer.
        joints: Names of the joints on the part, keys of `Body.points`. The part does not hide them.
            Empty for objects.
        layers: Layers in the order in which they are drawn.
    """

    depth: float
    joints: frozenset[str]
    layers: list[Layer]


def hull(centers: np.ndarray, radii: np.ndarray | float) -> np.ndarray:
    """Returns the convex hull of circles, for example a capsule (two circles) or a torso (four).

    Args:
        centers: Centres of the circles, [n, 2] (x, y) in px.
        radii: Radii of the circles in px, [n], or one number for all circles.

    Returns:
        Corners in order, [m, 2] float32 in px.
    """
    circles = np.asarray(centers, float)[:, None] + np.reshape(radii, (-1, 1, 1)) * _CIRCLE
    corners: np.ndarray = cv2.convexHull(circles.reshape(-1, 2).astype(np.float32))[:, 0]
    return corners


def fill(image: np.ndarray, polygon: np.ndarray, color: np.ndarray | float) -> None:
    """Fills a convex polygon in an image, in place.

    Args:
        image: Image, uint8 RGB [H, W, 3], where edges are antialiased; or a mask, uint8 [H, W],
            where they are not.
        polygon: Corners in order, [n, 2] (x, y) in px, pixel centres at integers; they may lie
            outside the image.
        color: RGB [3] in grey levels, 0 to 255, or one value for all channels.
    """
    line_type = cv2.LINE_AA if image.ndim == 3 else cv2.LINE_8
    corners = np.round(polygon * 16).astype(np.int32)
    cv2.fillConvexPoly(image, corners, np.broadcast_to(color, 3).tolist(), line_type, shift=4)


def solid(
    centers: np.ndarray, radii: np.ndarray | float, color: np.ndarray, light: np.ndarray
) -> list[Layer]:
    """Returns the layers of a rounded shape: a dark rim, the colour, and a lighter core.

    Args:
        centers: Centres of the circles whose hull is the shape, [n, 2] (x, y) in px.
        radii: Radii of the circles in px, [n], or one number for all circles.
        color: RGB [3] in grey levels, 0 to 255.
        light: (x, y) shift of the core, [2] as a fraction of the radii.
    """
    centers = np.asarray(centers, float)
    radii = np.broadcast_to(radii, len(centers)).astype(float)
    rim = np.maximum(0.05 * radii.max(), 0.6)
    core = hull(centers + light * radii[:, None], 0.5 * radii)
    return [
        Layer(hull(centers, radii + rim), color * 0.55),
        Layer(hull(centers, radii), color),
        Layer(core, np.minimum(color * 1.08 + 8, 255)),
    ]


def bands(
    left: np.ndarray, right: np.ndarray, count: int, color: np.ndarray, thickness: float
) -> list[Layer]:
    """Returns evenly spaced straight bands that connect two edges, one layer for each band.

    Args:
        left: Start and end of one edge, [2, 2] (x, y) in px.
        right: Start and end of the other edge, [2, 2] (x, y) in px.
        count: Number of bands.
        color: RGB [3] in grey levels, 0 to 255.
        thickness: Half the width of a band in px.
    """
    ends = [
        (left[0] + t * (left[1] - left[0]), right[0] + t * (right[1] - right[0]))
        for t in _centers(count)
    ]
    return [Layer(hull(np.array(pair), thickness), color) for pair in ends]


def _centers(count: int) -> np.ndarray:
    """Returns the centres [count] of `count` equal parts of the interval 0 to 1."""
    return (np.arange(count) + 0.5) / count


def person_parts(figure: Figure) -> list[Part]:
    """Returns the parts of a person from back to front, with layers in image px.

    Args:
        figure: Body with clothes at a place in an image.
    """
    parts = [_torso(figure), *_head(figure)]
    for side in SIDES:
        parts += _arm(figure, side) + _leg(figure, side)
    if figure.appearance.skirt:
        parts.append(_skirt(figure))
    return sorted(parts, key=lambda part: part.depth)


def _covered(
    figure: Figure, ends: np.ndarray, radii: list[float], color: np.ndarray, length: float
) -> list[Layer]:
    """Returns the layers of half a limb, whose beginning is covered with cloth.

    Args:
        figure: Person; gives skin, accent, pattern and light.
        ends: Start and end of the half limb, [2, 2] in image px.
        radii: Radii of the half limb at start and end, in body units.
        color: Colour of the cloth, RGB [3] in grey levels.
        length: Fraction that is covered: nothing if it is 0 or less, all if it is 1 or more.
    """
    appearance = figure.appearance
    widths = np.array(radii)
    layers = figure.rounded(ends, radii, appearance.skin) if length < 1 else []
    if length <= 0:
        return layers
    covered = min(length, 1.0)
    ends = ends[0] + [[0], [covered]] * (ends[1] - ends[0])
    widths = widths[0] + [0, covered] * np.diff(widths)
    layers += figure.rounded(ends, list(1.12 * widths), color)
    along = ends[1] - ends[0]
    distance = float(np.linalg.norm(along))
    radius = widths[0] * figure.scale
    if appearance.pattern == "stripes" and distance > 3 * radius:
        normal = 0.8 * radius / distance * np.array([-along[1], along[0]])
        across = normal * widths[:, None] / widths[0]
        layers += bands(
            ends - across,
            ends + across,
            count=3,
            color=(color + appearance.accent) / 2,
            thickness=0.16 * radius,
        )
    return layers


def _arm(figure: Figure, side: str) -> list[Part]:
    """Returns upper arm and forearm of a side, "l" or "r"."""
    appearance = figure.appearance
    thick = appearance.thickness
    shoulder, elbow, wrist, hand = (f"{side}_{n}" for n in ("shoulder", "elbow", "wrist", "hand"))
    color = appearance.sleeves[side]
    length = appearance.sleeve_length
    upper = _covered(
        figure, figure.at(shoulder, elbow), [0.029 * thick, 0.024 * thick], color, length
    )
    lower = figure.rounded(figure.at(wrist, hand), [0.019 * thick, 0.023 * thick], appearance.skin)
    lower += _covered(
        figure, figure.at(elbow, wrist), [0.024 * thick, 0.018 * thick], color, length - 1
    )
    nearer = 0.03  # an arm that hangs beside the torso is drawn over the torso's rim
    return [
        Part(figure.depth(shoulder, elbow) + nearer, frozenset({shoulder, elbow}), upper),
        Part(figure.depth(elbow, wrist) + nearer, frozenset({elbow, wrist}), lower),
    ]


def _leg(figure: Figure, side: str) -> list[Part]:
    """Returns thigh, and shin with foot, of a side, "l" or "r"."""
    appearance = figure.appearance
    thick = 0.5 + 0.5 * appearance.thickness
    hip, knee, ankle, toe = (f"{side}_{n}" for n in ("hip", "knee", "ankle", "toe"))
    color = appearance.trousers[side]
    length = appearance.trouser_length
    upper = _covered(figure, figure.at(hip, knee), [0.048 * thick, 0.036 * thick], color, length)
    lower = _covered(
        figure, figure.at(knee, ankle), [0.036 * thick, 0.024 * thick], color, length - 1
    )
    lower += figure.rounded(
        figure.at(ankle, toe), [0.026 * thick, 0.022 * thick], appearance.shoes[side]
    )
    further = 0.01  # the torso's rim is drawn over the beginning of a standing leg
    return [
        Part(figure.depth(hip, knee) - further, frozenset({hip, knee, "pelvis"}), upper),
        Part(figure.depth(knee, ankle), frozenset({knee, ankle}), lower),
    ]


def _torso(figure: Figure) -> Part:
    """Returns the torso with the neck; its front has a neckline and perhaps buttons."""
    appearance = figure.appearance
    torso = figure.body.torso
    scale = figure.scale
    girth = 0.6 + 0.4 * appearance.thickness
    shoulders = figure.at("l_shoulder", "r_shoulder")
    hips = figure.at("l_hip", "r_hip")
    waist = 0.35 * shoulders + 0.65 * hips
    waist += 0.12 * (waist.mean(axis=0) - waist)
    below = np.concatenate([hips, waist])
    chest = np.concatenate([shoulders, waist])
    belt = (appearance.trousers["l"] + appearance.trousers["r"]) / 2
    layers = figure.rounded(
        figure.at("thorax", "neck"), [0.032 * girth] * 2, appearance.skin * 0.92
    )
    layers += figure.rounded(below, [r * girth for r in (0.045, 0.045, 0.05, 0.05)], belt)
    layers += figure.rounded(
        chest, [r * girth for r in (0.036, 0.036, 0.052, 0.052)], appearance.shirt
    )
    left, right = chest[[0, 2]], chest[[1, 3]]
    if appearance.pattern == "stripes":
        layers += bands(left, right, count=4, color=appearance.accent, thickness=0.012 * scale)
    elif appearance.pattern == "dots":
        rows = [edge[0] + _centers(4)[:, None] * (edge[1] - edge[0]) for edge in (left, right)]
        dots = np.concatenate([rows[0] + s * (rows[1] - rows[0]) for s in _centers(3)])
        layers += [Layer(hull(dot[None], 0.014 * scale), appearance.accent) for dot in dots]
    if torso[2, 2] > 0.35:  # the front of the torso faces the viewer
        thorax, pelvis = figure.at("thorax", "pelvis")
        front = 0.05 * scale * torso[:2, 2]
        corners = np.array([(-0.035, 0), (0.035, 0), (0, 0.06)]) @ torso[:2, :2].T
        collar = thorax + 0.5 * front + scale * corners
        layers.append(Layer(hull(collar, 0.006 * scale), appearance.skin * 0.95))
        if appearance.pattern == "buttons":
            line = thorax + front + [[0.3], [0.45], [0.6], [0.75]] * (pelvis - thorax)
            layers += [
                Layer(hull(button[None], 0.01 * scale), appearance.accent) for button in line
            ]
    joints = {"pelvis", "thorax", "neck", "l_shoulder", "r_shoulder", "l_hip", "r_hip"}
    return Part(figure.depth("pelvis", "thorax"), frozenset(joints), layers)


def _skirt(figure: Figure) -> Part:
    """Returns the skirt, which hides no joint of the hips and knees."""
    hips = figure.at("l_hip", "r_hip")
    knees = figure.at("l_knee", "r_knee")
    corners = np.concatenate([hips, hips + figure.appearance.skirt * (knees - hips)])
    layers = figure.rounded(corners, [0.052, 0.052, 0.058, 0.058], figure.appearance.accent)
    depth = max(figure.depth("l_hip", "l_knee"), figure.depth("r_hip", "r_knee"))
    return Part(depth, frozenset({"pelvis", "l_hip", "r_hip", "l_knee", "r_knee"}), layers)


def _head(figure: Figure) -> list[Part]:
    """Returns the head, and long hair as a part of its own."""
    appearance = figure.appearance
    head = figure.body.head
    length = figure.body.head_length

    def at(*points: tuple[float, float, float]) -> np.ndarray:
        """Returns points of the head in image px, [n, 2].

        Args:
            *points: (left, up, forward) from the neck, in head lengths.
        """
        offsets = length * (np.array(points) * (1, -1, 1) @ head.T)
        positions: np.ndarray = figure.at("neck") + figure.scale * offsets[:, :2]
        return positions

    def shape(points: np.ndarray, radii: list[float], color: np.ndarray) -> list[Layer]:
        """Returns the layers of a rounded shape with radii in head lengths."""
        return figure.rounded(points, [radius * length for radius in radii], color)

    hair = shape(at((0, 0.64, -0.05), (0, 0.42, -0.10)), [0.40, 0.32], appearance.hair)
    ears = []
    for side, sign in SIDES.items():
        if head[2, 0] * sign > -0.3:  # not behind the head
            ears += shape(figure.at(f"{side}_ear"), [0.075], appearance.skin * 0.95)
    face = shape(at((0, 0.52, 0.10), (0, 0.28, 0.12)), [0.315, 0.28], appearance.skin)
    if appearance.beard:
        chin = at((-0.1, 0.16, 0.2), (0.1, 0.16, 0.2), (0, 0.08, 0.2))
        face.append(Layer(hull(chin, 0.17 * length * figure.scale), appearance.hair * 0.9))
    front = hair + ears + face + _features(figure, at)
    layers = front if head[2, 2] > -0.1 else face + hair + ears
    joints = frozenset({"neck", "head_top", "nose", "l_eye", "r_eye", "l_ear", "r_ear"})
    parts = [Part(figure.depth("neck", "head_top") + 0.02, joints, layers)]
    if appearance.long_hair:
        # It falls to the back: behind the torso if the person faces the viewer, else before it.
        long_hair = shape(at((0, 0.60, -0.12), (0, 0.0, -0.22)), [0.36, 0.33], appearance.hair)
        behind = 0.1 * float(np.sign(head[2, 2]))
        parts.append(Part(figure.depth("pelvis", "thorax") - behind, joints, long_hair))
    return parts


def _features(figure: Figure, at: Callable[..., np.ndarray]) -> list[Layer]:
    """Returns the layers of eyes and brows that face the viewer, of the nose and of the mouth.

    Args:
        figure: Person.
        at: Function that converts points of the head to image px, as in `_head`.
    """
    appearance = figure.appearance
    unit = figure.body.head_length * figure.scale
    layers = []
    for side, sign in SIDES.items():
        if figure.body.head[2] @ (0.38 * sign, 0, 0.92) > 0.1:
            eye = figure.at(f"{side}_eye")
            brow = at((0.07 * sign, 0.65, 0.33), (0.22 * sign, 0.63, 0.30))
            layers.append(Layer(hull(eye, 0.075 * unit), _WHITE))
            layers.append(Layer(hull(eye, 0.045 * unit), _BLACK))
            layers.append(Layer(hull(brow, 0.014 * unit), appearance.hair * 0.7))
    nose = np.concatenate([figure.at("nose"), at((0, 0.44, 0.34))])
    corner, middle = 0.20 + 0.03 * appearance.smile, 0.20 - 0.04 * appearance.smile
    mouth = at((-0.11, corner, 0.32), (0, middle, 0.35), (0.11, corner, 0.32))
    layers.append(Layer(hull(nose, 0.032 * unit), appearance.skin * 0.72))
    layers.append(Layer(hull(mouth, 0.022 * unit), _RED))
    return layers
