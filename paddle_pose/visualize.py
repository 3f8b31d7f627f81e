"""Images to look at: skeletons on an image, heatmaps over a crop."""

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
Shades = Mapping[str, Color]
"""RGB by side of the body: "left", "middle", "right"."""
ColorBy = Literal["person", "side"]

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
# Okabe & Ito's palette: told apart with any kind of colour vision. RGB.
LEFT, RIGHT, MIDDLE, TRUTH = (86, 180, 233), (230, 159, 0), (240, 228, 66), WHITE
SIDES: Shades = {"left": LEFT, "middle": MIDDLE, "right": RIGHT}


def _shades(left: Color, middle: Color, right: Color) -> Shades:
    return {"left": left, "middle": middle, "right": right}


# The left is 28 (yellow: 26) lighter than the right in CIELAB's L*. Hue and lightness differ from
# person to person, so that those after each other are told apart with any kind of colour vision.
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
MIN_OPACITY = 0.3
MIN_TEXT = 8  # px that a capital letter is high, at least
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
    """Draws skeletons, the first person on top, and the ids of tracked people above their heads.

    The width of lines and dots follows the person's size, the height of text the image's.

    Args:
        image: uint8 RGB [h, w, 3].
        poses: in the image's px.
        skeleton: its joints and limbs.
        threshold: joints with a lower score are left out; those below `FULL_SCORE` are fainter.
        names: write every joint's name beside it.
        color: "side": the person's left blue, right orange, middle yellow. "person": each person
            in one colour, the left light, the right dark; tracked people keep theirs, and are
            grey until they have an id.
        boxes: draw each person's box, too.
        scores: write each person's score above the head.

    Returns:
        A drawing of the same size.
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


def side_color(skeleton: Skeleton, *slots: int) -> Color:
    """Returns the RGB colour of the side that joints are on; a limb from side to side is in the middle."""
    return SIDES[_common(*(skeleton.side(skeleton.joints[slot]) for slot in slots))]


def text_height(shape: Sequence[int]) -> int:
    """Returns the height of a capital letter in px that is readable on an image of this shape.

    Example:
        >>> text_height((144, 192, 3)), text_height((480, 640, 3)), text_height((3840, 2880, 3))
        (8, 12, 72)
    """
    return max(MIN_TEXT, round(math.sqrt(shape[0] * shape[1]) / 46))


def _common(*sides: str) -> str:
    """Returns the side of the body of what lies on these."""
    named = set(sides) - {"middle"}
    return named.pop() if len(named) == 1 else "middle"


@dataclass(frozen=True, eq=False)
class _Figure:
    """A person as it is drawn.

    Attributes:
        points: [K, 2] in the image's px.
        scores: [K].
        shown: [K] whether a joint is drawn.
        box: (x, y, width, height) in the image's px; None where it is not drawn.
        shades: colours by side.
        ink: colour of the box and the label.
        size: extent of the joints that are drawn, corner to corner, px.
        width: of the lines, px.
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
        """Returns the lower left corner of a label of that width: on the box, or above the head."""
        if self.box is not None:
            return self.box[0], self.box[1] - self.width / 2
        x, y = self.points[self.shown].T
        head = y <= y.min() + 0.12 * self.size  # whatever joints of it there are
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
    # OpenCV counts in whole numbers: a place far outside the image is far enough.
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
    """Returns the shades of a person: of the track id, else of the place in the order."""
    if not len(poses.ids):
        return PERSONS[person % len(PERSONS)]
    track_id = int(poses.ids[person])
    return PERSONS[(track_id - 1) % len(PERSONS)] if track_id > 0 else NOT_TRACKED_YET


def _extent(points: np.ndarray) -> float:
    return float(np.hypot(*np.ptp(points, axis=0))) if len(points) else 0.0


def _line_width(size: float, shape: Sequence[int]) -> float:
    """Returns the width of the lines of a person of that size, px.

    In a large image, small people get wider lines, as far as the limbs stay apart, and large ones
    thinner lines than their size alone would give.
    """
    image = math.sqrt(shape[0] * shape[1])
    return float(np.clip(size / 75, min(image / 550, size / 40), max(2.0, image / 130)))


def _draw_figure(drawing: np.ndarray, figure: _Figure, skeleton: Skeleton) -> None:
    """Draws a person's limbs with a black edge, then the joints with a black ring.

    Joints with small sigmas (eyes and nose beside hips) get thinner lines and smaller dots.
    """
    shown = figure.shown.tolist()
    sigmas = np.array(skeleton.sigmas)
    widths = (figure.width * np.clip(sigmas / np.median(sigmas), 0.5, 1.0)).tolist()
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
                _draw_dot(drawing, points[j], BLACK, radius + ring)
            _draw_dot(drawing, points[j], figure.shades[sides[j]], radius)


def _fixed(points: np.ndarray) -> np.ndarray:
    """Returns px as OpenCV's whole numbers of sixteenths."""
    fixed: np.ndarray = (points * 2**_SHIFT).round().astype(np.int32)
    return fixed


def _draw_line(
    drawing: np.ndarray, start: Sequence[int], end: Sequence[int], color: Color, width: int
) -> None:
    cv2.line(drawing, start, end, color, width, cv2.LINE_AA, _SHIFT)


def _draw_dot(drawing: np.ndarray, center: Sequence[int], color: Color, radius: float) -> None:
    cv2.circle(drawing, center, round(radius * 2**_SHIFT), color, -1, cv2.LINE_AA, _SHIFT)


@contextmanager
def _blended(
    drawing: np.ndarray, opacity: float, points: np.ndarray, reach: float
) -> Iterator[None]:
    """Blends what is drawn inside with what was there, up to `reach` px from the points' box."""
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
    x, y, width, height = figure.box
    corners = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
    line = max(1, round(0.5 * _line_width(math.hypot(width, height), drawing.shape)))
    cv2.polylines(drawing, [_fixed(corners)], True, figure.ink, line, cv2.LINE_AA, _SHIFT)


def _label(poses: Poses, person: int, score: bool) -> str:
    """Returns the text above a head: the id of a tracked person, and the score if asked for."""
    words = []
    if len(poses.ids) and poses.ids[person] > 0:
        words.append(f"#{poses.ids[person]}")
    if score:
        words.append(f"{poses.person_scores[person]:.2f}")
    return "  ".join(words)


def _label_size(text: str, height: int) -> tuple[int, int]:
    """Returns the (width, height) in px of text with the space around it."""
    _, letters, _ = _text_masks(text, height)
    return letters.shape[1] + height // 2, height + 2 * max(2, height // 4)


def _draw_label(
    drawing: np.ndarray, text: str, place: tuple[int, int], height: int, color: Color
) -> None:
    """Writes black text on a coloured rectangle, the lower left corner of which is at `place`."""
    (x, y), (across, up) = place, _label_size(text, height)
    drawing[y - up : y, x : x + across] = color
    _, letters, (_, top) = _text_masks(text, height)
    _ink(
        drawing,
        letters,
        (x + (across - letters.shape[1]) // 2, y - (up - height) // 2 + top),
        BLACK,
    )


# Places of a label round the wanted one, in widths and heights of the label.
_STEPS = np.stack(np.meshgrid(np.arange(-4, 5) / 4, np.arange(-15, 16) / 3), axis=-1).reshape(-1, 2)


class _Labels:
    """Finds places for labels inside the image: where there is room on no other label and no joint.

    Args:
        shape: (height, width, ...) of the image.
        joints: [N, 2] joints that are drawn, px, for each person.
    """

    def __init__(self, shape: Sequence[int], joints: Sequence[np.ndarray]) -> None:
        self._image = np.array(shape[1::-1])
        self._centers = np.concatenate([np.zeros((0, 2)), *joints])
        self._sizes = np.zeros_like(self._centers)
        self._is_label = np.zeros(len(self._centers), bool)

    def place(self, size: tuple[int, int], corner: Sequence[float]) -> tuple[int, int]:
        """Returns the free lower left corner nearest to the wanted one, and remembers the label.

        Args:
            size: (width, height) of the label, px.
            corner: (x, y) of the wanted lower left corner, px.
        """
        extent = np.array(size)
        limits = np.maximum(0, self._image - extent)
        wanted = np.clip((corner[0], corner[1] - extent[1]), 0, limits)
        corners = np.clip(wanted + _STEPS * extent, 0, limits).round()
        corners = corners[np.argsort(((corners - wanted) ** 2).sum(axis=1), kind="stable")]
        centers = corners + extent / 2
        # Only what some place may touch is compared with every place.
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
    """Draws an annotated person in faint white, to lie under a prediction.

    Args:
        image: uint8 RGB [h, w, 3].
        person: with keypoints in the image's px; joints that are not labelled are left out.
        skeleton: its joints and limbs.

    Returns:
        A drawing of the same size.
    """
    drawing = image.copy()
    labelled = person.visible > 0
    keypoints = np.clip(np.nan_to_num(person.keypoints), -1e5, 1e5)
    width = max(2, round(3 * _line_width(_extent(keypoints[labelled]), image.shape)))
    points = _fixed(keypoints).tolist()
    with _blended(drawing, 0.6, keypoints, width):
        for a, b in skeleton.limb_indices:
            if labelled[a] and labelled[b]:
                _draw_line(drawing, points[a], points[b], TRUTH, width)
    return drawing


def draw_heatmaps(crop: np.ndarray, heatmaps: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Lays every joint's heatmap over the crop.

    Args:
        crop: uint8 RGB [H, W, 3].
        heatmaps: [K, h, w], 1 = certain.
        skeleton: names the joints.

    Returns:
        uint8 RGB image of a grid, a tile per joint with its name and peak.
    """
    return draw_maps(crop, dict(zip(skeleton.joints, heatmaps, strict=True)))


def draw_maps(crop: np.ndarray, maps: Mapping[str, np.ndarray]) -> np.ndarray:
    """Lays maps over the crop.

    Args:
        crop: uint8 RGB [H, W, 3].
        maps: [h, w] by title, 1 = certain; see `Codec.visualize`.

    Returns:
        uint8 RGB image of a grid, a tile per map with its title and peak.
    """
    height, width = crop.shape[:2]
    grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    tiles = []
    for title, strengths in maps.items():
        strength = cv2.resize(np.clip(strengths, 0, 1).astype(np.float32), (width, height))
        heat = cv2.applyColorMap((strength * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
        share = np.clip(strength * 1.6, 0.0, 0.85)[..., None]
        tile = (grey * (1 - share) + heat * share).astype(np.uint8)
        caption(tile, f"{title} {strengths.max():.2f}", (3, 14), max(MIN_TEXT, width // 30))
        tiles.append(tile)
    return grid(tiles, columns=4)


def grid(tiles: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Lays images of one size out in rows; uint8 RGB."""
    blank = np.zeros_like(tiles[0])
    padded = [*tiles, *[blank] * (-len(tiles) % columns)]
    rows = [np.hstack(padded[n : n + columns]) for n in range(0, len(padded), columns)]
    return np.vstack(rows)


def jpeg(pixels: np.ndarray, quality: int = 85) -> bytes:
    """Returns a JPEG file of an image, for a notebook.

    Args:
        pixels: uint8 RGB [h, w, 3].
        quality: 1 to 95.
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
    """Writes text with a dark outline into the array.

    Args:
        pixels: uint8 RGB [h, w, 3].
        text: One line.
        place: (x, y) of the lower left corner of the first letter.
        height: of a capital letter, px.
        color: RGB.
    """
    outline, letters, (left, top) = _text_masks(text, height)
    corner = (place[0] + left, place[1] + top)
    _ink(pixels, outline, corner, BLACK)
    _ink(pixels, letters, corner, color)


def _ink(pixels: np.ndarray, mask: np.ndarray, corner: tuple[int, int], color: Color) -> None:
    """Blends a color into the array by a mask.

    Args:
        pixels: uint8 RGB [h, w, 3].
        mask: [h, w] from 0 to 1; what reaches beyond the array is left out.
        corner: (x, y) of the mask's upper left corner in the array.
        color: RGB.
    """
    x, y = corner
    region = pixels[max(0, y) : max(0, y + mask.shape[0]), max(0, x) : max(0, x + mask.shape[1])]
    seen = mask[max(0, -y) :, max(0, -x) :][: region.shape[0], : region.shape[1], None]
    ink = np.array(color, np.float32)
    region[:] = region * (1 - seen) + (ink * seen + 0.5)  # cut to whole numbers


@lru_cache(maxsize=512)
def _text_masks(text: str, height: int) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Returns masks of the outline and the letters, and their upper left corner.

    Returns:
        Two float32 [h, w] from 0 to 1, and (x, y) in px from the lower left corner of the first
        letter.
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
