"""Synthetic images: people in front of a cluttered background, with exact joints."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from paddle_pose.data.synthetic.backgrounds import add_light_and_noise, background
from paddle_pose.data.synthetic.body import SIDES, Style, sample_appearance, sample_body
from paddle_pose.data.synthetic.figure import Figure, Layer, Part, fill, person_parts, solid

# Names of the points of a body in the order of MPII and of COCO.
MPII_NAMES = (
    "r_ankle",
    "r_knee",
    "r_hip",
    "l_hip",
    "l_knee",
    "l_ankle",
    "pelvis",
    "thorax",
    "neck",
    "head_top",
    "r_wrist",
    "r_elbow",
    "r_shoulder",
    "l_shoulder",
    "l_elbow",
    "l_wrist",
)
COCO_NAMES = (
    "nose",
    "l_eye",
    "r_eye",
    "l_ear",
    "r_ear",
    "l_shoulder",
    "r_shoulder",
    "l_elbow",
    "r_elbow",
    "l_wrist",
    "r_wrist",
    "l_hip",
    "r_hip",
    "l_knee",
    "r_knee",
    "l_ankle",
    "r_ankle",
)
# Outward direction of each point of the face: left, down, forward. A point that is turned away from
# the viewer is not labelled.
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
    """Labels of one person of an image; coordinates are 0-based image px, pixel centres integers.

    Attributes:
        mpii: Joints in MPII's order, [16, 2] (x, y); exact, also for joints that are hidden or
            outside the image.
        mpii_visible: Visibility of MPII's joints, [16] int: 0 outside the image, 1 labelled but
            hidden, 2 visible.
        coco: Joints in COCO's order, [17, 2] (x, y), as exact.
        coco_visible: Visibility of COCO's joints, [17] int, with the same values; 0 also for eyes,
            ears and noses that are turned away from the viewer.
        box: Box (x, y, width, height) of the drawn person, clipped to the image.
        head_box: Box (x1, y1, x2, y2) of the head, not clipped; as in MPII, its diagonal is 1.25 x
            the distance from neck to head top.
        area: Number of pixels of the person in the image, including hidden ones.
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
    """A synthetic image and its labels.

    Attributes:
        image: Image, uint8 RGB [H, W, 3].
        persons: Labels of the people in the image, from left to right.
    """

    image: np.ndarray
    persons: tuple[SyntheticPerson, ...]


def draw_scene(
    rng: np.random.Generator,
    size: tuple[int, int] = (256, 256),
    persons: tuple[int, int] = (1, 1),
    style: Style = Style(),  # noqa: B008 (frozen)
) -> SyntheticScene:
    """Returns a random image of people with their labels.

    Args:
        rng: Generator of all random numbers; the same state gives the same image.
        size: (width, height) of the image in px.
        persons: Smallest and largest number of people, both inclusive. Each person gets a column of
            the image, widened by `style.overlap`.
        style: Difficulty of the image.

    Example:
        >>> scene = draw_scene(np.random.default_rng(0), size=(128, 96), persons=(2, 2))
        >>> scene.image.shape, len(scene.persons), scene.persons[0].mpii.shape
        ((96, 128, 3), 2, (16, 2))
    """
    image, background_color = background(rng, size, style)
    count = int(rng.integers(persons[0], persons[1] + 1))
    figures = [
        _place_person(
            rng,
            size,
            column=column,
            num_columns=count,
            style=style,
            background_color=background_color,
        )
        for column in range(count)
    ]
    parts = [[*_stool(rng, figure), *person_parts(figure)] for figure in figures]
    # A person whose feet are lower in the image is nearer to the viewer.
    order = np.argsort([figure.at("l_ankle", "r_ankle")[:, 1].max() for figure in figures])
    scene = [part for index in order for part in parts[index]]
    scene += [_occluder(rng, figure) for figure in figures if rng.random() < style.occluder]
    for part in scene:
        for layer in part.layers:
            fill(image, layer.polygon, layer.color)
    people = [
        _labels(figure, own_parts, scene, size)
        for figure, own_parts in zip(figures, parts, strict=True)
    ]
    return SyntheticScene(add_light_and_noise(rng, image, style), tuple(people))


def _place_person(
    rng: np.random.Generator,
    size: tuple[int, int],
    *,
    column: int,
    num_columns: int,
    style: Style,
    background_color: np.ndarray,
) -> Figure:
    """Returns a random person at a random place in a column of an image.

    Args:
        rng: Generator of all random numbers.
        size: (width, height) of the image in px.
        column: Index of the column, from the left.
        num_columns: Number of columns of the image.
        style: Difficulty of the image.
        background_color: Mean colour of the background, RGB [3] in grey levels.
    """
    body = sample_body(rng, style)
    appearance = sample_appearance(rng, style, background_color)
    outline = _corners(person_parts(Figure(body, appearance, np.zeros(2), 1000.0))) / 1000
    low, high = outline.min(axis=0), outline.max(axis=0)
    left = column * size[0] / num_columns
    width = size[0] / num_columns
    before = 0.5 * style.overlap * width * (column > 0)
    after = 0.5 * style.overlap * width * (column < num_columns - 1)
    cell = np.array([width + before + after, size[1]])
    room = 0.96 * cell
    scale = min(float(np.min(room / (high - low))), size[1] / 0.95) * rng.uniform(*style.fill)
    free = room - scale * (high - low)
    origin = (left - before, 0) + 0.02 * cell - scale * low
    origin += free * rng.uniform((0.15, 0.3), (0.85, 1.0))
    if rng.random() < style.cut:
        bottom = high[1] - rng.uniform(0.08, 0.25) * (high[1] - low[1])
        origin[1] = size[1] - scale * bottom
    return Figure(body, appearance, origin, scale)


def _stool(rng: np.random.Generator, figure: Figure) -> list[Part]:
    """Returns a stool below a sitting person, which has no joints; nothing for other people."""
    if figure.body.legs != "sitting":
        return []
    scale = figure.scale
    color = rng.uniform(30, 200, 3)
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
    """Returns the labels of a person.

    Args:
        figure: Person.
        parts: Parts of the person and their stool.
        scene: All parts of the image in the order in which they are drawn, including `parts`.
        size: (width, height) of the image in px.
    """
    border = np.array(size) - 1
    order = {id(part): index for index, part in enumerate(scene)}
    own = [part for part in parts if part.joints]

    def visibility(name: str) -> int:
        """Returns 0 (not labelled), 1 (hidden) or 2 (visible) for a joint."""
        point = figure.at(name)[0]
        is_averted = name in _FACE and figure.body.head[2] @ _FACE[name] <= _MIN_FACING[name]
        if is_averted or (point < 0).any() or (point > border).any():
            return 0
        index = max(order[id(part)] for part in own if name in part.joints)
        return 1 if any(_covers(part, point) for part in scene[index + 1 :]) else 2

    corners = np.clip(_corners(own), 0, border)
    (x1, y1), (x2, y2) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    mask = np.zeros(size[::-1], np.uint8)
    for part in own:
        for layer in part.layers:
            fill(mask, layer.polygon, 1)
    return SyntheticPerson(
        mpii=figure.at(*MPII_NAMES),
        mpii_visible=np.array([visibility(name) for name in MPII_NAMES]),
        coco=figure.at(*COCO_NAMES),
        coco_visible=np.array([visibility(name) for name in COCO_NAMES]),
        box=(x1, y1, x2 - x1, y2 - y1),
        head_box=head_box(*figure.at("neck", "head_top")),
        area=float(cv2.countNonZero(mask)),
    )


def _corners(parts: list[Part]) -> np.ndarray:
    """Returns the corners [n, 2] of all layers of some parts."""
    return np.concatenate([layer.polygon for part in parts for layer in part.layers])


def _covers(part: Part, point: np.ndarray) -> bool:
    """Returns whether a part covers a point [2] of the image."""
    x_y = (float(point[0]), float(point[1]))
    return any(cv2.pointPolygonTest(layer.polygon, x_y, False) >= 0 for layer in part.layers)


def head_box(neck: np.ndarray, head_top: np.ndarray) -> tuple[float, float, float, float]:
    """Returns the box of a head that is 3/4 as wide as long.

    As in MPII, 0.6 x the diagonal of the box is 0.75 x the distance of the two points.

    Args:
        neck: (x, y) of the upper neck, [2] in image px.
        head_top: (x, y) of the top of the head, [2] in image px.

    Returns:
        (x1, y1, x2, y2) in image px.

    Example:
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
    """Returns a ball or a bar in front of a random joint of an arm or a leg."""
    names = [f"{s}_{name}" for s in SIDES for name in ("wrist", "elbow", "knee", "ankle", "hip")]
    middle = figure.at(str(rng.choice(names)))[0] + figure.scale * rng.normal(0, 0.015, 2)
    angle = rng.uniform(0, np.pi)
    reach = figure.scale * rng.uniform(0.0, 0.09) * np.array([np.cos(angle), np.sin(angle)])
    color = rng.uniform(20, 235, 3)
    light = rng.uniform(-0.3, 0.3, 2)
    radius = figure.scale * rng.uniform(0.03, 0.06)
    ends = np.array([middle - reach, middle + reach])
    return Part(0.0, frozenset(), solid(ends, radius, color, light))
