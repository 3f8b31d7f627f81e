"""Drawings: skeletons on an image, maps over a crop, text, and grids of images.

Images and drawings are uint8 RGB [h, w, 3]; sizes and positions are in px of the image.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Box, Person, Poses, joints_box

Color = tuple[int, int, int]
"""Colour (red, green, blue), each from 0 to 255."""
Shades = Mapping[str, Color]
"""Colours by side of the body: "left", "middle", "right"."""
ColorBy = Literal["person", "side"]
"""What a colour distinguishes: people, or the sides of the body."""

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
# Okabe & Ito's palette, whose colours can be distinguished with any kind of colour vision.
LEFT = (86, 180, 233)
RIGHT = (230, 159, 0)
MIDDLE = (240, 228, 66)
TRUTH = WHITE
SIDES: Shades = {"left": LEFT, "middle": MIDDLE, "right": RIGHT}


def _shades(left: Color, middle: Color, right: Color) -> Shades:
    return {"left": left, "middle": middle, "right": right}


# The left is 28 (yellow: 26) lighter than the right in CIELAB's L*. Hue and lightness differ from
# person to person, so that successive people can be distinguished with any kind of colour vision.
PERSONS: tuple[Shades, ...] = (
    _shades((155, 203, 255), (17, 168, 255), (0, 130, 200)),  # blue
    _shades((255, 208, 120), (255, 152, 40), (212, 108, 0)),  # orange
    _shades((0, 199, 120), (0, 157, 94), (0, 117, 69)),  # green
    _shades((255, 175, 211), (255, 108, 182), (236, 0, 151)),  # pink
    _shades((246, 253, 48), (211, 218, 0), (172, 178, 0)),  # yellow
    _shades((255, 108, 92), (236, 17, 37), (174, 0, 22)),  # red
    _shades((188, 153, 255), (148, 106, 255), (105, 69, 222)),  # violet
    _shades((164, 253, 255), (0, 220, 225), (0, 178, 182)),  # turquoise
)
NOT_TRACKED_YET = _shades((235, 235, 235), (190, 190, 190), (150, 150, 150))

FULL_SCORE = 0.5  # joints with a lower score are drawn fainter; this project's choice
MIN_OPACITY = 0.3  # opacity of a joint with score 0; 1 is opaque
MIN_TEXT = 8  # px; smallest height of a capital letter
_SHIFT = 4  # OpenCV draws in sixteenths of a px


def draw_poses(
    image: np.ndarray,
    poses: Poses,
    skeleton: Skeleton,
    threshold: float = 0.2,
    names: bool = False,
    color: ColorBy = "side",
    boxes: bool = False,
    scores: bool = False,
) -> np.ndarray:
    """Returns a copy of an image with the skeletons of people, the first person on top.

    The ids of tracked people are written above their heads. The width of lines and dots depends on
    the size of the person, the height of text on that of the image.

    Args:
        image: Image, uint8 RGB [h, w, 3]; it is not changed.
        poses: People in px of this image.
        skeleton: Skeleton of the poses; its limbs are the lines.
        threshold: Minimum score of a joint that is drawn, with its limbs, inclusive. Joints below
            `FULL_SCORE` are fainter.
        names: Whether the name of each joint is written beside the joint.
        color: "side" draws the left of each person blue, the right orange and the middle yellow.
            "person" draws each person in one colour, the left light and the right dark; the colour
            depends on the track id, and people without an id (-1) are grey. If `poses.ids` is
            empty, the colour depends on the position in `poses`.
        boxes: Whether the box of each person is drawn: `poses.boxes`, or the box around the joints
            (see `joints_box`) if there are none.
        scores: Whether the score of each person is written above the head.

    Returns:
        Drawing, uint8 RGB [h, w, 3].
    """
    drawing = image.copy()
    figures = [
        _figure(poses, n, image.shape, threshold, by_person=color == "person", with_box=boxes)
        for n in range(len(poses.scores))
    ]
    for figure in reversed(figures):
        _draw_box(drawing, figure)
        _draw_figure(drawing, figure, skeleton)
    height = text_height(image.shape)
    labels = _Labels(image.shape, [figure.points[figure.shown] for figure in figures])
    for n, figure in enumerate(figures):
        text = _label(poses, n, scores)
        if text and (boxes or figure.shown.any()):
            size = _label_size(text, height)
            corner = labels.place(size, figure.label_corner(size[0]))
            _draw_label(drawing, text, corner, height, figure.ink)
    if names:
        height = max(MIN_TEXT, round(0.7 * height))
        for figure in figures:
            for j in np.flatnonzero(figure.shown):
                width, up = _label_size(skeleton.joints[j], height)
                beside = figure.points[j] + (2 * figure.width, up / 2)
                x, y = labels.place((width, up), beside)
                caption(drawing, skeleton.joints[j], (x + height // 4, y - height // 4), height)
    return drawing


def common_side(skeleton: Skeleton, *slots: int) -> str:
    """Returns the side whose colour draw_poses gives to a joint or a limb: "left", "middle", "right".

    Args:
        skeleton: Skeleton of the joint or the limb.
        *slots: Index of the joint, or of the two joints of the limb. A limb between the two sides
            has the colour of the middle, a limb between a side and the middle that of the side.
    """
    return _common(*(skeleton.side(skeleton.joints[slot]) for slot in slots))


def relative_widths(skeleton: Skeleton) -> np.ndarray:
    """Returns the widths of joints relative to that of a person's lines, [K] from 0.5 to 1.

    Joints with small sigmas (eyes and nose beside hips) get thinner lines and smaller dots.

    Args:
        skeleton: Skeleton of K joints.
    """
    sigmas = np.array(skeleton.sigmas)
    widths: np.ndarray = np.clip(sigmas / np.median(sigmas), 0.5, 1.0)
    return widths


def text_height(shape: Sequence[int]) -> int:
    """Returns the height in px of a capital letter that is readable on an image.

    Args:
        shape: Shape (height, width, ...) of the image in px.

    Example:
        >>> text_height((144, 192, 3)), text_height((480, 640, 3)), text_height((3840, 2880, 3))
        (8, 12, 72)
    """
    return max(MIN_TEXT, round(math.sqrt(shape[0] * shape[1]) / 46))


def _common(*sides: str) -> str:
    """Returns "left" or "right" if all of some sides are this one or "middle", else "middle"."""
    named = set(sides) - {"middle"}
    return named.pop() if len(named) == 1 else "middle"


@dataclass(frozen=True, eq=False)
class _Figure:
    """A person to draw.

    Attributes:
        points: Joints, [K, 2] (x, y) in px of the image.
        scores: Scores of the joints, [K].
        shown: Whether each joint is drawn, [K] bool.
        box: Box (x, y, width, height) in px of the image; None draws no box.
        shades: Colours by side of the body.
        ink: Colour of the box and the label.
        size: Diagonal in px of the box around the joints that are drawn.
        width: Width of the lines in px.
    """

    points: np.ndarray
    scores: np.ndarray
    shown: np.ndarray
    box: Box | None
    shades: Shades
    ink: Color
    size: float
    width: float

    def label_corner(self, across: float) -> tuple[float, float]:
        """Returns the wanted (x, y) of a label's lower left corner: on the box, or above the head.

        Args:
            across: Width of the label in px.
        """
        if self.box is not None:
            return self.box[0], self.box[1] - self.width / 2
        x, y = self.points[self.shown].T
        head = y <= y.min() + 0.12 * self.size  # whichever joints of the head are shown
        return float(x[head].mean() - across / 2), float(y.min() - 0.09 * self.size)


def _figure(
    poses: Poses,
    person: int,
    shape: Sequence[int],
    threshold: float,
    by_person: bool,
    with_box: bool,
) -> _Figure:
    keypoints, scores = poses.keypoints[person], poses.scores[person]
    shown = (scores >= threshold) & np.isfinite(keypoints).all(axis=-1)
    # OpenCV has integer coordinates: joints far outside the image are moved nearer to it.
    points = np.clip(np.nan_to_num(keypoints), -1e5, 1e5)
    box = None
    if with_box and len(poses.boxes):
        x, y, width, height = np.clip(poses.boxes[person], -1e5, 1e5).tolist()
        box = (x, y, width, height)
    elif with_box:
        box = joints_box(points, scores, (shape[1], shape[0]))
    shades = _person_shades(poses, person) if by_person else SIDES
    size = _extent(points[shown])
    return _Figure(
        points=points,
        scores=scores,
        shown=shown,
        box=box,
        shades=shades,
        ink=shades["left"] if by_person else WHITE,
        size=size,
        width=_line_width(size, shape),
    )


def _person_shades(poses: Poses, person: int) -> Shades:
    """Returns the shades of a person: those of the track id, or of the index without tracking."""
    if not len(poses.ids):
        return PERSONS[person % len(PERSONS)]
    track_id = int(poses.ids[person])
    return PERSONS[(track_id - 1) % len(PERSONS)] if track_id > 0 else NOT_TRACKED_YET


def _extent(points: np.ndarray) -> float:
    return float(np.hypot(*np.ptp(points, axis=0))) if len(points) else 0.0


def _line_width(size: float, shape: Sequence[int]) -> float:
    """Returns the width in px of the lines of a person.

    In a large image, small people get wider lines, as far as the limbs stay apart, and large ones
    thinner lines than their size alone would give.

    Args:
        size: Diagonal in px of the box around the person's joints.
        shape: Shape (height, width, ...) of the image in px.
    """
    image = math.sqrt(shape[0] * shape[1])
    return float(np.clip(size / 75, min(image / 550, size / 40), max(2.0, image / 130)))


def _draw_figure(drawing: np.ndarray, figure: _Figure, skeleton: Skeleton) -> None:
    """Draws a person's limbs with a black edge, then the joints with a black ring, in place."""
    shown = figure.shown.tolist()
    widths = (figure.width * relative_widths(skeleton)).tolist()
    opacity = np.clip(figure.scores / FULL_SCORE, MIN_OPACITY, 1.0).tolist()
    sides = [skeleton.side(name) for name in skeleton.joints]
    points = _fixed(figure.points).tolist()
    for a, b in skeleton.limb_indices:
        if shown[a] and shown[b]:
            thin, color = min(widths[a], widths[b]), figure.shades[_common(sides[a], sides[b])]
            line, edge = max(1, round(thin)), 2 * round(0.28 * thin)
            with _blended(drawing, min(opacity[a], opacity[b]), figure.points[[a, b]], line + edge):
                if edge:
                    _draw_line(drawing, points[a], points[b], BLACK, line + edge)
                _draw_line(drawing, points[a], points[b], color, line)
    for j in np.flatnonzero(shown):
        radius, ring = max(1.2, 1.15 * widths[j]), 0.35 * widths[j]
        with _blended(drawing, opacity[j], figure.points[[j]], radius + ring):
            if ring >= 0.5:
                _draw_dot(drawing, figure.points[j], BLACK, radius + ring)
            _draw_dot(drawing, figure.points[j], figure.shades[sides[j]], radius)


def _fixed(points: np.ndarray) -> np.ndarray:
    """Returns coordinates in px as the integer sixteenths of a px that OpenCV expects."""
    fixed: np.ndarray = (points * 2**_SHIFT).round().astype(np.int32)
    return fixed


def _draw_line(
    drawing: np.ndarray, start: Sequence[int], end: Sequence[int], color: Color, width: int
) -> None:
    cv2.line(drawing, start, end, color, width, cv2.LINE_AA, _SHIFT)


def _draw_dot(drawing: np.ndarray, center: np.ndarray, color: Color, radius: float) -> None:
    """Draws a disc in place; OpenCV's own below 3 px are squares on a corner.

    Args:
        drawing: Image to draw on, uint8 RGB [h, w, 3].
        center: (x, y) of the centre in px.
        color: Colour of the disc.
        radius: Radius in px at which the disc begins to fade; it ends a pixel further out.
    """
    height, width = drawing.shape[:2]
    x, y = center.tolist()
    end = radius + 1
    left, right = max(0, math.floor(x - end)), min(width, math.ceil(x + end) + 1)
    top, bottom = max(0, math.floor(y - end)), min(height, math.ceil(y + end) + 1)
    if left >= right or top >= bottom:
        return
    from_x, from_y = np.arange(left, right) - x, np.arange(top, bottom)[:, None] - y
    cover = np.clip(end - np.sqrt(from_x**2 + from_y**2), 0, 1)[..., None]
    region = drawing[top:bottom, left:right]
    region[:] = region + (np.array(color) - region) * cover + 0.5  # rounded to the nearest


@contextmanager
def _blended(
    drawing: np.ndarray, opacity: float, points: np.ndarray, reach: float
) -> Iterator[None]:
    """Blends what is drawn inside the context with what was there before.

    Args:
        drawing: Image to draw on, uint8 RGB [h, w, 3].
        opacity: Weight of what is drawn, 0 to 1.
        points: Points around which is drawn, [n, 2] in px.
        reach: Largest distance in px, in x and in y, of what is drawn from the box of the points.
    """
    if opacity >= 1:
        yield
        return
    height, width = drawing.shape[:2]
    left, top = np.clip(np.floor(points.min(axis=0) - reach - 1), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(points.max(axis=0) + reach + 2), 0, (width, height)).astype(int)
    region = drawing[top:bottom, left:right]
    below = region.copy()
    yield
    if region.size:
        region[:] = cv2.addWeighted(region, opacity, below, 1 - opacity, 0)


def _draw_box(drawing: np.ndarray, figure: _Figure) -> None:
    if figure.box is None:
        return
    _, _, width, height = figure.box
    line = max(1, round(0.5 * _line_width(math.hypot(width, height), drawing.shape)))
    _outline(drawing, figure.box, figure.ink, line)


def _outline(drawing: np.ndarray, box: Box, color: Color, line: int) -> None:
    x, y, width, height = box
    corners = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
    cv2.polylines(drawing, [_fixed(corners)], True, color, line, cv2.LINE_AA, _SHIFT)


def draw_windows(image: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """Returns a copy of an image with the outlines of windows in white; their edges stay inside.

    Args:
        image: Image, uint8 RGB [h, w, 3]; it is not changed.
        windows: Windows, [P, 4] (x, y, width, height) in px of this image. An edge outside the
            image is drawn on the image's border.
    """
    drawing = image.copy()
    line = max(1, round(math.sqrt(image.shape[0] * image.shape[1]) / 250))
    low = line / 2
    high = np.array(image.shape[1::-1]) - 1 - low
    for x, y, width, height in windows.tolist():
        left, top = np.clip((x, y), low, high).tolist()
        right, bottom = np.clip((x + width, y + height), low, high).tolist()
        box = (left, top, right - left, bottom - top)
        _outline(drawing, box, BLACK, line + 2)
        _outline(drawing, box, WHITE, line)
    return drawing


def _label(poses: Poses, person: int, score: bool) -> str:
    """Returns the text above a head: the id of a tracked person, and the score if requested."""
    words = []
    if len(poses.ids) and poses.ids[person] > 0:
        words.append(f"#{poses.ids[person]}")
    if score:
        # Rounded down: a score below a threshold is not shown as the threshold. The small number
        # is for those that float32 stores as slightly less, such as 0.29.
        words.append(f"{math.floor(poses.person_scores[person] * 100 + 1e-5) / 100:.2f}")
    return "  ".join(words)


def _label_size(text: str, height: int) -> tuple[int, int]:
    """Returns the (width, height) in px of a label: of its text with the space around it."""
    _, letters, _ = _text_masks(text, height)
    return letters.shape[1] + height // 2, height + 2 * max(2, height // 4)


def _draw_label(
    drawing: np.ndarray, text: str, place: tuple[int, int], height: int, color: Color
) -> None:
    """Draws a label, black text on a coloured rectangle, in place.

    Args:
        drawing: Image to draw on, uint8 RGB [h, w, 3].
        text: Text of the label, one line.
        place: (x, y) in px of the lower left corner of the rectangle.
        height: Height of a capital letter in px.
        color: Colour of the rectangle.
    """
    (x, y), (across, up) = place, _label_size(text, height)
    drawing[y - up : y, x : x + across] = color
    _, letters, (_, top) = _text_masks(text, height)
    _ink(
        drawing,
        letters,
        (x + (across - letters.shape[1]) // 2, y - (up - height) // 2 + top),
        BLACK,
    )


# Positions of a label around the wanted one, in widths and heights of the label.
_STEPS = np.stack(np.meshgrid(np.arange(-4, 5) / 4, np.arange(-15, 16) / 3), axis=-1).reshape(-1, 2)


class _Labels:
    """Finds positions for labels inside an image that cover no other label and no joint.

    Args:
        shape: Shape (height, width, ...) of the image in px.
        joints: Joints that are drawn, [n, 2] (x, y) in px, of each person.
    """

    def __init__(self, shape: Sequence[int], joints: Sequence[np.ndarray]) -> None:
        self._image = np.array(shape[1::-1])
        self._centers = np.concatenate([np.zeros((0, 2)), *joints])
        self._sizes = np.zeros_like(self._centers)
        self._is_label = np.zeros(len(self._centers), bool)

    def place(self, size: tuple[int, int], corner: Sequence[float]) -> tuple[int, int]:
        """Returns the free (x, y) in px nearest to the wanted one, and remembers the label.

        Args:
            size: (width, height) of the label in px.
            corner: Wanted (x, y) in px of the label's lower left corner.
        """
        extent = np.array(size)
        limits = np.maximum(0, self._image - extent)
        wanted = np.clip((corner[0], corner[1] - extent[1]), 0, limits)
        corners = np.clip(wanted + _STEPS * extent, 0, limits).round()
        corners = corners[np.argsort(((corners - wanted) ** 2).sum(axis=1), kind="stable")]
        centers = corners + extent / 2
        # Only joints and labels that some position may touch are compared with every position.
        away = 2 * np.abs(self._centers - wanted - extent / 2)
        near = (away < extent + self._sizes + 2 * extent * _STEPS.max(axis=0)).all(axis=1)
        others, is_label = self._centers[near], self._is_label[near]
        away = 2 * np.abs(centers[:, None] - others)
        free = (away >= extent + self._sizes[near]).any(axis=2)
        best = np.argmax(free[:, is_label].all(axis=1) * (1 + free.all(axis=1)))
        self._centers = np.vstack([self._centers, centers[best]])
        self._sizes = np.vstack([self._sizes, extent])
        self._is_label = np.append(self._is_label, True)
        x, y = corners[best].astype(int).tolist()
        return x, y + size[1]


def draw_truth(image: np.ndarray, person: Person, skeleton: Skeleton) -> np.ndarray:
    """Returns a copy of an image with the limbs of an annotated person in faint white.

    Labelled joints without a limb are discs. Draw predictions on the result, so that they are on
    top.

    Args:
        image: Image, uint8 RGB [h, w, 3]; it is not changed.
        person: Person with keypoints in px of this image; joints that are not labelled are left
            out.
        skeleton: Skeleton of the person; its limbs are the lines.

    Returns:
        Drawing, uint8 RGB [h, w, 3].
    """
    drawing = image.copy()
    labelled = person.visible > 0
    keypoints = np.clip(np.nan_to_num(person.keypoints), -1e5, 1e5)
    width = max(2, round(3 * _line_width(_extent(keypoints[labelled]), image.shape)))
    points = _fixed(keypoints).tolist()
    limbs = [(a, b) for a, b in skeleton.limb_indices if labelled[a] and labelled[b]]
    alone = set(np.flatnonzero(labelled).tolist()) - {joint for limb in limbs for joint in limb}
    with _blended(drawing, 0.6, keypoints, 2 * width):
        for a, b in limbs:
            _draw_line(drawing, points[a], points[b], TRUTH, width)
        for joint in sorted(alone):
            _draw_dot(drawing, keypoints[joint], TRUTH, width)
    return drawing


def draw_heatmaps(crop: np.ndarray, heatmaps: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Returns the heatmaps of all joints over a crop, as an image with a tile for each joint.

    Args:
        crop: Input of the network, uint8 RGB [H, W, 3].
        heatmaps: Heatmaps, [K, h, w], which cover the crop. 0 shows the crop in grey, 1 is the
            brightest colour; other values are clipped to this range.
        skeleton: Skeleton of the K joints.

    Returns:
        uint8 RGB [h, 4 * W, 3]: tiles in rows of four, above each the name of the joint and the
        maximum of its heatmap.

    Raises:
        ValueError: If there are not K heatmaps.
    """
    return draw_maps(crop, dict(zip(skeleton.joints, heatmaps, strict=True)))


def draw_maps(crop: np.ndarray, maps: Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns maps over a crop, as an image with a tile for each map.

    Args:
        crop: Input of the network, uint8 RGB [H, W, 3].
        maps: Maps [h, w] by title, at least one, as returned by `Codec.visualize`. 0 shows the crop
            in grey, 1 is the brightest colour; other values are clipped to this range.

    Returns:
        uint8 RGB [h, 4 * W, 3]: tiles in rows of four, above each the title and the maximum of its
        map.
    """
    return grid([overlay(crop, values) for values in maps.values()], 4, map_captions(maps))


def overlay(crop: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns a map over a crop in grey, uint8 RGB [H, W, 3].

    Args:
        crop: Input of the network, uint8 RGB [H, W, 3].
        values: Map [h, w] of the whole crop. 0 shows the crop, 1 is the brightest colour; other
            values are clipped to this range.
    """
    height, width = crop.shape[:2]
    grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    strength = cv2.resize(np.clip(values, 0, 1).astype(np.float32), (width, height))
    heat = cv2.applyColorMap((strength * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    share = np.clip(strength * 1.6, 0.0, 0.85)[..., None]
    blended: np.ndarray = (grey * (1 - share) + heat * share).astype(np.uint8)
    return blended


def map_captions(maps: Mapping[str, np.ndarray]) -> list[str]:
    """Returns the caption of each map: its title and its maximum.

    Args:
        maps: Maps [h, w] by title.

    Example:
        >>> map_captions({"nose": np.array([[0.0, 0.75]])})
        ['nose 0.75']
    """
    return [f"{title} {values.max():.2f}" for title, values in maps.items()]


def resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns an image in another size: the mean of pixels if it is smaller, else interpolated.

    Args:
        pixels: Image, uint8 RGB [h, w, 3].
        size: (width, height) in px of the result.
    """
    by_area = size[0] < pixels.shape[1]
    method = cv2.INTER_AREA if by_area else cv2.INTER_CUBIC
    image: np.ndarray = cv2.resize(pixels, size, interpolation=method)
    return image


def grid(
    tiles: Sequence[np.ndarray],
    columns: int,
    captions: Sequence[str] = (),
    gap: int = 0,
    background: Color = BLACK,
    text: int | None = None,
) -> np.ndarray:
    """Returns one image of several tiles in rows, uint8 RGB [h, columns * w, 3].

    Args:
        tiles: Images of one width, uint8 RGB [h, w, 3], at least one, in the order of reading. A
            row is as high as its highest tile; others are in its middle.
        columns: Number of tiles in a row.
        captions: A line of text above each tile, black on white; () leaves no space for captions. A
            text that is too wide is cut off.
        gap: Distance between tiles in px.
        background: Colour of what no tile covers.
        text: Height in px of a capital letter of the captions; None takes one that is legible.
    """
    width = tiles[0].shape[1]
    text = text or max(MIN_TEXT, min(11, width // 22))
    band = round(2.2 * text) if captions else 0
    rows = []
    for start in range(0, len(tiles), columns):
        in_row = tiles[start : start + columns]
        height = max(tile.shape[0] for tile in in_row)
        row = np.full((band + height, columns * (width + gap) - gap, 3), background, np.uint8)
        row[:band] = WHITE
        for n, tile in enumerate(in_row):
            left, top = n * (width + gap), band + (height - tile.shape[0]) // 2
            row[top : top + tile.shape[0], left : left + width] = tile
            if captions:
                _write_title(row[:band, left : left + width], captions[start + n], text)
        rows += [row, np.full((gap, row.shape[1], 3), background, np.uint8)]
    return np.vstack(rows[:-1])


def _write_title(band: np.ndarray, text: str, height: int) -> None:
    """Writes a text in black on a band above a tile, in place; smaller if it is too wide.

    Args:
        band: Part of an image, uint8 RGB [h, w, 3].
        text: One line of text.
        height: Height of a capital letter in px, if the text has room.
    """
    heights = range(height, MIN_TEXT - 1, -1)
    masks = [(capital, *_text_masks(text, capital)[1:]) for capital in heights]
    fitting = (found for found in masks if found[1].shape[1] <= band.shape[1] - 4)
    capital, letters, (_, top) = next(fitting, masks[-1])
    _ink(band, letters, (2, (band.shape[0] + capital) // 2 + top), BLACK)


def jpeg(pixels: np.ndarray, quality: int = 85) -> bytes:
    """Returns the bytes of a JPEG file of an image, such as for display in a notebook.

    Args:
        pixels: Image, uint8 RGB [h, w, 3].
        quality: JPEG quality from 1 to 95, the best.
    """
    content = io.BytesIO()
    PIL.Image.fromarray(pixels).save(content, "JPEG", quality=quality, progressive=True)
    return content.getvalue()


def caption(
    pixels: np.ndarray,
    text: str,
    place: tuple[int, int],
    height: int = MIN_TEXT,
    color: Color = WHITE,
) -> None:
    """Writes text with a black outline on an image, in place.

    Args:
        pixels: Image, uint8 RGB [h, w, 3]; text beyond its borders is cut off.
        text: One line of text.
        place: (x, y) in px of the left end of the text's baseline.
        height: Height of a capital letter in px.
        color: Colour of the letters.
    """
    outline, letters, (left, top) = _text_masks(text, height)
    corner = (place[0] + left, place[1] + top)
    _ink(pixels, outline, corner, BLACK)
    _ink(pixels, letters, corner, color)


def _ink(pixels: np.ndarray, mask: np.ndarray, corner: tuple[int, int], color: Color) -> None:
    """Blends a colour into an image where a mask says, in place.

    Args:
        pixels: Image, uint8 RGB [h, w, 3].
        mask: Weight of the colour, [h, w] from 0 to 1; it is cut off at the borders of the image.
        corner: (x, y) in px of the mask's upper left corner in the image.
        color: Colour to blend in.
    """
    x, y = corner
    region = pixels[max(0, y) : max(0, y + mask.shape[0]), max(0, x) : max(0, x + mask.shape[1])]
    seen = mask[max(0, -y) :, max(0, -x) :][: region.shape[0], : region.shape[1], None]
    ink = np.array(color, np.float32)
    region[:] = region * (1 - seen) + (ink * seen + 0.5)  # the assignment truncates to integers


@lru_cache(maxsize=512)
def _text_masks(text: str, height: int) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Returns masks of the outline and of the letters of a text, and where to place them.

    Args:
        text: One line of text.
        height: Height of a capital letter in px.

    Returns:
        Two masks [h, w] float32 from 0 to 1; and the (x, y) in px of their upper left corner,
        relative to the left end of the baseline.
    """
    font = PIL.ImageFont.load_default(height / 0.7)  # its capitals are 0.7 of its size high
    stroke = max(1, round(height / 7))
    left, top, right, bottom = font.getbbox(text, anchor="ls", stroke_width=stroke)
    masks = []
    for width in (stroke, 0):
        image = PIL.Image.new("L", (math.ceil(right - left), math.ceil(bottom - top)))
        PIL.ImageDraw.Draw(image).text((-left, -top), text, 255, font, "ls", stroke_width=width)
        masks.append(np.asarray(image, np.float32) / 255)
    return masks[0], masks[1], (math.floor(left), math.floor(top))
