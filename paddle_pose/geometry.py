"""Windows on an image, and affine transforms of points and pixels between image and network input.

Two coordinate spaces are used. *Image px* are pixels of the file, 0-based, with pixel centres at
integers. *Input px* are pixels of the network's input. A `Window` defines the affine matrix between
them. Cropping, scaling, rotating and flipping all change the window, so that an image is warped
only once and a point is transformed by a single matrix.

Source: the crop of Newell et al. (ECCV 2016) as computed by SimpleBaseline (Xiao et al., ECCV 2018)
    and its successors (`published`), and the unbiased crop of Huang et al., "The Devil is in the
    Details" (CVPR 2020) (`udp`); PaddleDetection's `TopDownAffine` with `use_udp`, whose maps are
    not aligned as UDP's are (`udp_warp`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import cos, radians, sin
from typing import Literal

import cv2
import numpy as np

from paddle_pose.errors import InputError

ALIGNMENTS = ("published", "udp", "udp_warp")
"""Conventions for the position of pixels; see `Window.to_input`."""


def move(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Returns points transformed by an affine matrix.

    Args:
        points: Points, [..., 2] (x, y) in the source space of the matrix.
        matrix: Affine matrix, [2, 3].

    Returns:
        Points in the target space of the matrix, [..., 2] float64.

    Example:
        >>> move(np.array([[1.0, 2.0]]), np.array([[2.0, 0, 0], [0, 2, 5]]))
        array([[2., 9.]])
    """
    moved: np.ndarray = np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return moved


def move_boxes(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Returns the upright boxes around boxes that were transformed by an affine matrix.

    Args:
        boxes: Boxes, [..., 4] (x, y, width, height) in the source space of the matrix.
        matrix: Affine matrix, [2, 3].

    Returns:
        Boxes in the target space of the matrix, [..., 4] float64.

    Example:
        >>> move_boxes(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[-2.0, 0, 0], [0, 2, 5]]))
        array([[-8.,  9.,  6.,  8.]])
    """
    boxes = np.asarray(boxes, np.float64)
    unit_corners = np.array([(0, 0), (1, 0), (0, 1), (1, 1)])
    corners = move(boxes[..., None, :2] + boxes[..., None, 2:] * unit_corners, matrix)
    return np.concatenate([corners.min(axis=-2), np.ptp(corners, axis=-2)], axis=-1)


def compose(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Returns the affine matrix [2, 3] that applies `first`, then `second`, when used by `move`.

    Args:
        second: Affine matrix that is applied last, [2, 3].
        first: Affine matrix that is applied first, [2, 3].

    Example:
        >>> double, shift = np.array([[2.0, 0, 0], [0, 2, 0]]), np.array([[1.0, 0, 3], [0, 1, 4]])
        >>> compose(double, shift)
        array([[2., 0., 6.],
               [0., 2., 8.]])
    """
    linear = second[:, :2] @ first[:, :2]
    return np.hstack([linear, (second[:, :2] @ first[:, 2] + second[:, 2])[:, None]])


def invert(matrix: np.ndarray) -> np.ndarray:
    """Returns the inverse of an affine matrix, [2, 3].

    Args:
        matrix: Affine matrix, [2, 3].

    Raises:
        numpy.linalg.LinAlgError: If the matrix is singular.
    """
    linear = np.linalg.inv(matrix[:, :2])
    return np.hstack([linear, (-linear @ matrix[:, 2])[:, None]])


_MAX_RATIO_FOR_RGBA = 12  # pixels of the image per pixel of the result


def warp(
    pixels: np.ndarray,
    matrix: np.ndarray,
    size: tuple[int, int],
    border: int = 0,
    *,
    by_area: bool = False,
) -> np.ndarray:
    """Returns an image warped with bilinear interpolation, or scaled down by averaging areas.

    Args:
        pixels: Image, uint8 [h, w, 3] with the channels in any order, or [h, w, 4], whose last
            channel is left out; it is not changed.
        matrix: Affine matrix from px of the image to px of the result, [2, 3]; (0, 0) is the centre
            of the top left px in both.
        size: (width, height) of the result in px.
        border: Grey level of pixels from outside the image; 0 is black.
        by_area: Whether a matrix that only scales down and shifts averages the pixels in the area
            of each new pixel (OpenCV's INTER_AREA), which avoids aliasing. The sides of the scaled
            image are then rounded to whole px, and its upper left corner is that of a pixel: px lie
            up to half a px of the result beside those of the matrix.

    Returns:
        Warped image, uint8 [height, width, 3] with the channels in the same order.
    """
    scale = matrix[0, 0], matrix[1, 1]
    if by_area and matrix[0, 1] == matrix[1, 0] == 0 and min(scale) > 0 and max(scale) < 1:
        height, width = pixels.shape[:2]
        shrunk = max(1, round(width * scale[0])), max(1, round(height * scale[1]))
        pixels = cv2.resize(pixels, shrunk, interpolation=cv2.INTER_AREA)
        matrix = np.hstack([np.eye(2), matrix[:, 2:]])
    has_four = pixels.shape[2] == 4
    if not has_four and pixels.shape[0] * pixels.shape[1] > _MAX_RATIO_FOR_RGBA * size[0] * size[1]:
        return cv2.warpAffine(
            pixels, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(border,) * 3
        )
    # OpenCV warps four channels in half the time of three, with the same result. Unless the image is
    # much larger than the result, this saves more than adding the channel costs.
    warped = cv2.warpAffine(
        pixels if has_four else cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA),
        matrix,
        size,
        flags=cv2.INTER_LINEAR,
        borderValue=(border,) * 4,
    )
    return cv2.cvtColor(warped, cv2.COLOR_RGBA2RGB)


@dataclass(frozen=True)
class Window:
    """Rectangle on an image that becomes the input of a network.

    Attributes:
        center: Centre (x, y) in image px. The window may extend beyond the image.
        size: (width, height) in image px, both positive. A window with another aspect ratio than
            the input's is stretched to the input.
        rotation: Rotation about the centre in degrees; positive values rotate the image
            counter-clockwise on the screen.
        flip: Whether the image is mirrored horizontally after all other transforms.

    Example:
        >>> window = Window(center=(100.0, 50.0), size=(200.0, 200.0))
        >>> move(np.array([100.0, 50.0]), window.to_input((256, 256)))
        array([128., 128.])
    """

    center: tuple[float, float]
    size: tuple[float, float]
    rotation: float = 0.0
    flip: bool = False

    def to_input(self, input_size: tuple[int, int], alignment: str = "published") -> np.ndarray:
        """Returns the affine matrix [2, 3] from image px to input px, including the flip.

        Args:
            input_size: (width, height) of the network's input in px.
            alignment: Convention for the position of pixels, where (W, H) is `input_size` and
                (width, height) the window's size. "published" maps the window's centre to (W/2,
                H/2), scales x by W/width and mirrors x -> W - x. "udp" measures distances between
                pixel centres: it maps the centre to ((W-1)/2, (H-1)/2), scales x by (W-1)/width and
                mirrors x -> W-1-x. y is scaled in the same way. "udp_warp" is the same matrix as
                "udp"; only the cells of the maps differ, see `HeatmapCodec`.

        Raises:
            InputError: If the window is empty or the alignment is unknown.
        """
        if alignment not in ALIGNMENTS:
            raise InputError(f"alignment is {alignment!r}; expected one of {', '.join(ALIGNMENTS)}")
        if not (self.size[0] > 0 and self.size[1] > 0):
            raise InputError(f"expected a window of positive size, got {self.size} (width, height)")
        interval = np.array(input_size, np.float64) - (alignment != "published")
        scale = interval / np.array(self.size)
        angle = radians(self.rotation)
        rotation = np.array([[cos(angle), sin(angle)], [-sin(angle), cos(angle)]])
        linear = scale[:, None] * rotation
        offset = interval / 2 - linear @ np.array(self.center)
        if self.flip:
            linear[0], offset[0] = -linear[0], interval[0] - offset[0]
        return np.hstack([linear, offset[:, None]])

    def to_image(self, input_size: tuple[int, int], alignment: str = "published") -> np.ndarray:
        """Returns the affine matrix [2, 3] from input px to image px, the inverse of `to_input`.

        Args:
            input_size: (width, height) of the network's input in px.
            alignment: Convention for the position of pixels, as for `to_input`.

        Raises:
            InputError: If the window is empty or the alignment is unknown.
        """
        return invert(self.to_input(input_size, alignment))

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Box (x, y, width, height) of the window in image px, as if `rotation` were 0.

        (x, y) is the upper left corner.
        """
        (x, y), (width, height) = self.center, self.size
        return x - width / 2, y - height / 2, width, height

    def scaled(self, factor: float) -> Window:
        """Returns the window enlarged or reduced about its centre; rotation and flip stay the same.

        Args:
            factor: Positive factor on width and height; the result is not clipped to the image.
        """
        return replace(self, size=(self.size[0] * factor, self.size[1] * factor))


def whole_image_window(
    size: tuple[float, float],
    input_size: tuple[int, int],
    fit: Literal["letterbox", "stretch"] = "letterbox",
) -> Window:
    """Returns the window that contains a whole image, in image px and with the same centre.

    Args:
        size: (width, height) of the image in px.
        input_size: (width, height) of the network's input; only the ratio is used.
        fit: "letterbox" keeps the aspect ratio and pads with black; "stretch" fills the input.

    Raises:
        InputError: If `fit` has another value.

    Example:
        >>> whole_image_window((640, 480), (192, 192), "letterbox").size
        (640.0, 640.0)
        >>> whole_image_window((640, 480), (192, 192), "stretch").size
        (640.0, 480.0)
    """
    if fit not in ("letterbox", "stretch"):
        raise InputError(f"fit is {fit!r}; expected 'letterbox' or 'stretch'")
    width, height = float(size[0]), float(size[1])
    if fit == "stretch":
        return Window((width / 2, height / 2), (width, height))
    return box_window((0.0, 0.0, width, height), input_size, context=1.0)


def box_window(
    box: tuple[float, float, float, float], input_size: tuple[float, float], context: float = 1.25
) -> Window:
    """Returns the window around a box: extended to the input's aspect ratio, then enlarged.

    Both steps keep the centre of the box. The window is in image px and may extend beyond the
    image.

    Args:
        box: (x, y, width, height) in image px; (x, y) is the upper left corner.
        input_size: (width, height) of the network's input; only the ratio is used.
        context: Factor on the width and the height of the extended box.

    Example:
        >>> box_window((10.0, 10.0, 20.0, 40.0), (256, 256), context=1.0)
        Window(center=(20.0, 30.0), size=(40.0, 40.0), rotation=0.0, flip=False)
    """
    x, y, width, height = box
    aspect = input_size[0] / input_size[1]
    side = max(width, height * aspect) * context
    return Window((x + width / 2, y + height / 2), (side, side / aspect))


def clipped_box(
    box: Sequence[float] | np.ndarray, image_size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Returns the part of a box (x, y, width, height) inside an image; possibly without area.

    Args:
        box: (x, y, width, height) in image px; (x, y) is the upper left corner.
        image_size: (width, height) of the image in px: x is clipped to 0..width, y to 0..height.

    Example:
        >>> clipped_box((-10.0, 400.0, 50.0, 100.0), (640, 480))
        (0.0, 400.0, 40.0, 80.0)
    """
    corner = np.asarray(box[:2], np.float64)
    low = np.clip(corner, 0, image_size)
    high = np.clip(corner + box[2:], 0, image_size)
    x, y = low.tolist()
    width, height = (high - low).tolist()
    return x, y, width, height


def points_box(
    points: np.ndarray, margin: float = 0.0, image_size: tuple[int, int] | None = None
) -> tuple[float, float, float, float]:
    """Returns the bounding box (x, y, width, height) of points, enlarged by a margin.

    The box is in the space of the points; (x, y) is its upper left corner.

    Args:
        points: Points, [M, 2] (x, y) in px, all finite, with M > 0.
        margin: Fraction of the bounding box's longer side that is added on each of the four sides.
        image_size: (width, height) in px of the image to which the box is clipped: x to 0..width,
            y to 0..height. None does not clip it.

    Raises:
        ValueError: If there are no points.

    Example:
        >>> points_box(np.array([[0.0, 0.0], [50.0, 100.0]]), margin=0.1, image_size=(640, 480))
        (0.0, 0.0, 60.0, 110.0)
    """
    low, high = points.min(axis=0), points.max(axis=0)
    padding = margin * float((high - low).max())
    low, high = low - padding, high + padding
    if image_size is not None:
        low, high = np.clip(low, 0, image_size), np.clip(high, 0, image_size)
    x, y = low.tolist()
    width, height = (high - low).tolist()
    return x, y, width, height
