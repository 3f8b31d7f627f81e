"""Drawn images: people before a cluttered background, with exact joints."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from paddle_pose.data.synthetic.backgrounds import background, finish
from paddle_pose.data.synthetic.body import SIDES, Style, dress, pose_body
from paddle_pose.data.synthetic.figure import Figure, Layer, Part, fill, person_parts, solid

MPII_NAMES = (
    *("r_ankle", "r_knee", "r_hip", "l_hip", "l_knee", "l_ankle", "pelvis", "thorax"),
    *("neck", "head_top", "r_wrist", "r_elbow", "r_shoulder", "l_shoulder", "l_elbow", "l_wrist"),
)
COCO_NAMES = (
    *("nose", "l_eye", "r_eye", "l_ear", "r_ear", "l_shoulder", "r_shoulder", "l_elbow", "r_elbow"),
    *("l_wrist", "r_wrist", "l_hip", "r_hip", "l_knee", "r_knee", "l_ankle", "r_ankle"),
)
# Where each point of the head looks to: left, down, forward. Turned away, it is not labelled.
_FACE = {
    "nose": (0, 0, 1),
    "l_eye": (0.38, 0, 0.92),
    "r_eye": (-0.38, 0, 0.92),
    "l_ear": (1, 0, 0),
    "r_ear": (-1, 0, 0),
}
_MIN_FACING = {"nose": 0.0, "l_eye": 0.1, "r_eye": 0.1, "l_ear": -0.3, "r_ear": -0.3}


@dataclass(frozen=True)
class SyntheticPerson:
    """One person of an image; everything in image px, 0-based, pixel centres at integers.

    Attributes:
        mpii: [16, 2] in MPII's order.
        mpii_visible: [16]; 0 outside the image, 1 labelled but behind something, 2 visible.
        coco: [17, 2] in COCO's order.
        coco_visible: [17]; 0 also for eyes, ears and a nose turned away from the viewer.
        box: (x, y, width, height) round the painted person, cut at the image's borders.
        head_box: (x1, y1, x2, y2); as in MPII its diagonal is 1.25 x neck to head top.
        area: Painted pixels, those behind another person or an object included.
    """

    mpii: np.ndarray
    mpii_visible: np.ndarray
    coco: np.ndarray
    coco_visible: np.ndarray
    box: tuple[float, float, float, float]
    head_box: tuple[float, float, float, float]
    area: float


@dataclass(frozen=True)
class SyntheticScene:
    """An image, uint8 RGB [H, W, 3], and the people in it."""

    image: np.ndarray
    persons: tuple[SyntheticPerson, ...]


def draw_scene(
    rng: np.random.Generator,
    size: tuple[int, int] = (256, 256),
    persons: tuple[int, int] = (1, 1),
    style: Style = Style(),  # noqa: B008 (frozen)
) -> SyntheticScene:
    """Draw one image.

    Args:
        rng: The only source of chance: the same state draws the same image.
        size: (width, height) in px.
        persons: Least and most number of people; each gets its own column of the image, widened by `style.overlap`.
        style: How hard it is to read.

    Returns:
        The image and the people, from left to right.

    >>> drawing = draw_scene(np.random.default_rng(0), size=(128, 96), persons=(2, 2))
    >>> drawing.image.shape, len(drawing.persons), drawing.persons[0].mpii.shape
    ((96, 128, 3), 2, (16, 2))
    """
    image, backdrop = background(rng, size, style)
    count = int(rng.integers(persons[0], persons[1] + 1))
    figures = [
        _place_person(rng, size, (column, count), style, backdrop) for column in range(count)
    ]
    parts = [[*_seat(rng, figure), *person_parts(figure)] for figure in figures]
    # who stands lower stands nearer
    order = np.argsort([figure.at("l_ankle", "r_ankle")[:, 1].max() for figure in figures])
    scene = [part for index in order for part in parts[index]]
    scene += [_occluder(rng, figure) for figure in figures if rng.random() < style.occluder]
    for part in scene:
        for layer in part.layers:
            fill(image, layer.polygon, layer.color)
    people = [_labels(*both, scene, size) for both in zip(figures, parts, strict=True)]
    return SyntheticScene(finish(rng, image, style), tuple(people))


def _place_person(
    rng: np.random.Generator,
    size: tuple[int, int],
    column: tuple[int, int],
    style: Style,
    backdrop: np.ndarray,
) -> Figure:
    """A person in `column` (index, of how many) of an image."""
    body, appearance = pose_body(rng, style), dress(rng, style, backdrop)
    outline = _corners(person_parts(Figure(body, appearance, np.zeros(2), 1000.0))) / 1000
    low, high = outline.min(axis=0), outline.max(axis=0)
    left, own = column[0] * size[0] / column[1], size[0] / column[1]
    before, after = (
        0.5 * style.overlap * own * shared for shared in (column[0] > 0, column[0] < column[1] - 1)
    )
    cell = np.array([own + before + after, size[1]])
    room = 0.96 * cell
    scale = min(float(np.min(room / (high - low))), size[1] / 0.95) * rng.uniform(*style.fill)
    free = room - scale * (high - low)
    origin = (left - before, 0) + 0.02 * cell - scale * low
    origin += free * rng.uniform((0.15, 0.3), (0.85, 1.0))
    if rng.random() < style.cut:
        bottom = high[1] - rng.uniform(0.08, 0.25) * (high[1] - low[1])
        origin[1] = size[1] - scale * bottom
    return Figure(body, appearance, origin, scale)


def _seat(rng: np.random.Generator, figure: Figure) -> list[Part]:
    """A stool below who sits; it is no part of the person, so it carries no joints."""
    if figure.body.legs != "sitting":
        return []
    scale, color = figure.scale, rng.uniform(30, 200, 3)
    top = figure.at("pelvis")[0] + (0, 0.08 * scale)
    floor = max(figure.at("l_ankle", "r_ankle")[:, 1].max(), top[1] + 0.1 * scale)
    left, right = top + scale * rng.uniform(0.07, 0.16) * np.array([(-1, 0), (1, 0)])
    layers: list[Layer] = []
    for end in (left, right):
        layers += figure.rounded(np.array([end, (end[0], floor)]), [0.015] * 2, color * 0.8)
    layers += figure.rounded(np.array([left, right]), [0.03] * 2, color)
    return [Part(0.0, frozenset(), layers)]


def _labels(
    figure: Figure, parts: list[Part], scene: list[Part], size: tuple[int, int]
) -> SyntheticPerson:
    """The labels of a `figure`, painted as `parts`, which are some of the `scene`."""
    border = np.array(size) - 1
    order = {id(part): index for index, part in enumerate(scene)}
    own = [part for part in parts if part.joints]

    def visible(name: str) -> int:
        point = figure.at(name)[0]
        away = name in _FACE and figure.body.head[2] @ _FACE[name] <= _MIN_FACING[name]
        if away or (point < 0).any() or (point > border).any():
            return 0
        carrier = max(order[id(part)] for part in own if name in part.joints)
        return 1 if any(_covers(part, point) for part in scene[carrier + 1 :]) else 2

    corners = np.clip(_corners(own), 0, border)
    (x1, y1), (x2, y2) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    mask = np.zeros(size[::-1], np.uint8)
    for part in own:
        for layer in part.layers:
            fill(mask, layer.polygon, 1)
    return SyntheticPerson(
        mpii=figure.at(*MPII_NAMES),
        mpii_visible=np.array([visible(name) for name in MPII_NAMES]),
        coco=figure.at(*COCO_NAMES),
        coco_visible=np.array([visible(name) for name in COCO_NAMES]),
        box=(x1, y1, x2 - x1, y2 - y1),
        head_box=head_box(*figure.at("neck", "head_top")),
        area=float(cv2.countNonZero(mask)),
    )


def _corners(parts: list[Part]) -> np.ndarray:
    return np.concatenate([layer.polygon for part in parts for layer in part.layers])


def _covers(part: Part, point: np.ndarray) -> bool:
    x_y = (float(point[0]), float(point[1]))
    return any(cv2.pointPolygonTest(layer.polygon, x_y, False) >= 0 for layer in part.layers)


def head_box(neck: np.ndarray, head_top: np.ndarray) -> tuple[float, float, float, float]:
    """The box (x1, y1, x2, y2) of a head 3/4 as wide as long: 0.6 x diagonal = 0.75 x length.

    >>> head_box(np.array([50.0, 80.0]), np.array([50.0, 40.0]))
    (35.0, 40.0, 65.0, 80.0)
    """
    axis = head_top - neck
    along, across = np.abs(axis), 0.75 * np.abs(axis[::-1])
    half = np.hypot(along, across)
    half *= 0.625 * float(np.linalg.norm(axis)) / max(float(np.linalg.norm(half)), 1e-9)
    middle = (neck + head_top) / 2
    return (*(middle - half).tolist(), *(middle + half).tolist())


def _occluder(rng: np.random.Generator, figure: Figure) -> Part:
    """A ball or a bar in front of one joint of a limb."""
    names = [f"{s}_{name}" for s in SIDES for name in ("wrist", "elbow", "knee", "ankle", "hip")]
    middle = figure.at(str(rng.choice(names)))[0] + figure.scale * rng.normal(0, 0.015, 2)
    angle = rng.uniform(0, np.pi)
    reach = figure.scale * rng.uniform(0.0, 0.09) * np.array([np.cos(angle), np.sin(angle)])
    color, light = rng.uniform(20, 235, 3), rng.uniform(-0.3, 0.3, 2)
    radius = figure.scale * rng.uniform(0.03, 0.06)
    ends = np.array([middle - reach, middle + reach])
    return Part(0.0, frozenset(), solid(ends, radius, color, light))
