"""Check of a whole file's coordinates: boxes written as two corners, and percent of the image."""

from __future__ import annotations

import numpy as np

from paddle_pose.data.check.findings import Finding
from paddle_pose.data.check.split import Split

_MIN_PEOPLE = 5  # with labelled joints, for a statement on the whole file
_MIN_IMAGES = 3
_MOST = 0.9  # share of people that a statement on the whole file must hold for
_SOME = 0.1  # share of the people that slips of annotators do not reach
_MARGIN = 0.1  # joints outside a box that fits them, as a fraction of its size
_MARGIN_PX = 2.0
_MAX_OUTSIDE_PX = 5.0  # of a box beyond the edge of the image
_MAX_OUTSIDE = 0.25  # of the side of the box: many tools add a margin to boxes
_FILLED = 0.5  # share of a fitting box that the joints fill, from its upper left corner
_SMALLER = 0.65  # ratio of the areas of a box's two readings that makes them different
_PERCENT = 100.0
_MIN_SIDE = 150.0  # px of an image in which percent are not px
_SPREAD = 60.0  # percent that the joints reach somewhere in the file


def check_coordinates(split: Split, boxes: np.ndarray, sizes: np.ndarray) -> list[Finding]:
    """Returns findings on the coordinates of all people of a file.

    Args:
        split: Readable part of an annotation file with N people.
        boxes: Boxes [N, 4] as written; NaN if they are not readable.
        sizes: (width, height) of each person's image in px, [N, 2]; NaN if they are not known.
    """
    points = split.points
    known = np.isfinite(points).all(axis=2).any(axis=1) & np.isfinite(sizes).all(axis=1)
    percent = _percent(split, points, boxes, sizes, known)
    if percent:
        return percent
    with_box = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1)
    corners = _corners(split, points, boxes, sizes, known & with_box)
    if corners:
        return corners
    rows = with_box & np.isfinite(sizes).all(axis=1)
    beyond = np.maximum(-boxes[:, :2], boxes[:, :2] + np.maximum(boxes[:, 2:], 0) - sizes)
    limit = np.maximum(_MAX_OUTSIDE_PX, _MAX_OUTSIDE * boxes[:, 2:])
    outside = rows & (beyond > limit).any(axis=1)
    return split.findings(
        severity="warning",
        code="box_outside_image",
        rows=np.flatnonzero(outside),
        text=f"Some boxes reach beyond their image by more than {_MAX_OUTSIDE_PX:.0f} px and a "
        "quarter of their size.",
        fix="Write 'bbox' as x and y of the upper left corner, width and height in px. Boxes are "
        "clipped to the image.",
    )


def _percent(
    split: Split, points: np.ndarray, boxes: np.ndarray, sizes: np.ndarray, known: np.ndarray
) -> list[Finding]:
    """Returns a finding if the keypoints of all images are percent of the images' sizes."""
    images = {split.images[n] for n in np.flatnonzero(known)}
    if known.sum() < _MIN_PEOPLE or len(images) < _MIN_IMAGES:
        return []
    values = points[known]
    largest = np.nanmax(values, axis=(0, 1))
    is_percent = (
        np.nanmin(values) >= 0
        and (largest <= _PERCENT).all()
        and (largest >= _SPREAD).all()
        and (sizes[known].min(axis=1) >= _MIN_SIDE).mean() >= _MOST
        and not (boxes[known] > _PERCENT).any()
    )
    if not is_percent:
        return []
    return split.findings(
        severity="error",
        code="percent",
        rows=np.flatnonzero(known),
        text="All joints of all images are within the first 100 px in x and in y; expected px of "
        "the stored image. They seem to be percent of its width and height.",
        fix="Multiply x of 'keypoints' and 'bbox' by width / 100, and y by height / 100.",
    )


def _corners(
    split: Split, points: np.ndarray, boxes: np.ndarray, sizes: np.ndarray, known: np.ndarray
) -> list[Finding]:
    """Returns a finding if the boxes are written as two corners x1, y1, x2, y2.

    As corners, nearly all boxes must fit their joints and their image; and as x, y, width, height,
    boxes must reach beyond the images, or the joints fill only the upper left of their boxes.
    """
    if known.sum() < _MIN_PEOPLE:
        return []
    corner, far = boxes[known, :2], boxes[known, 2:]
    low, high = np.nanmin(points[known], axis=1), np.nanmax(points[known], axis=1)
    margin = _MARGIN * np.abs(far - corner) + _MARGIN_PX
    fits = (
        (far > corner)
        & (far <= sizes[known] + _MARGIN_PX)
        & (low >= corner - margin)
        & (high <= far + margin)
    ).all(axis=1)
    outside = (corner + far > sizes[known] + _MARGIN_PX).any(axis=1)
    filled = np.median(((high - corner) / far).prod(axis=1))
    smaller = np.median(((far - corner) / far).prod(axis=1))
    is_corners = fits.mean() >= _MOST and (
        outside.mean() >= _SOME or (filled < _FILLED and smaller < _SMALLER)
    )
    if not is_corners:
        return []
    return split.findings(
        severity="error",
        code="box_corners",
        rows=np.flatnonzero(known),
        text=f"'bbox' seems to be written as two corners x1, y1, x2, y2: read as x, y, width, "
        f"height, {100 * outside.mean():.0f} % of the boxes reach beyond their image, and the "
        f"joints fill {100 * filled:.0f} % of their boxes; as corners, {100 * fits.mean():.0f} % "
        "of the boxes fit their joints and their image.",
        fix="Write 'bbox' as x1, y1, x2 - x1, y2 - y1.",
    )
