"""Image of one person: ground truth in white and prediction in colours over the photograph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from paddle_pose import geometry, visualize
from paddle_pose.io import images
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Person, Poses, UprightRule

_GREY = 110  # background on which both white and coloured skeletons are visible


def draw_tile(
    image_path: Path | None,
    size: tuple[int, int],
    image_to_tile: np.ndarray,
    skeleton: Skeleton,
    truth: Iterable[Person],
    poses: Poses | None = None,
    threshold: float = 0.2,
    upright_rule: UprightRule | None = None,
) -> np.ndarray:
    """Returns a tile: a region of an image with annotated people and predicted poses drawn on it.

    Args:
        image_path: Path of the image; the background is grey if the path is None or does not exist.
        size: (width, height) of the tile in px.
        image_to_tile: Affine matrix from image px to tile px, [2, 3].
        skeleton: Skeleton of the annotated and predicted people.
        truth: Annotated people in image px; crowd regions are left out.
        poses: Predicted poses in image px; None for none.
        threshold: Lowest score of a predicted joint that is drawn.
        upright_rule: Whether an EXIF rotation of the image counts, see `images.read`.

    Returns:
        uint8 RGB [h, w, 3] of the given size.

    Raises:
        InputError: If the image cannot be decoded.
    """
    tile = np.full((size[1], size[0], 3), _GREY, np.uint8)
    if image_path is not None and image_path.is_file():
        pixels, image_to_pixels = images.read(image_path, upright_rule=upright_rule)
        matrix = geometry.compose(image_to_tile, geometry.invert(image_to_pixels))
        tile = geometry.warp(pixels, matrix, size)
    for person in truth:
        if not person.crowd:
            moved = replace(person, keypoints=geometry.move(person.keypoints, image_to_tile))
            tile = visualize.draw_truth(tile, moved, skeleton)
    if poses is None:
        return tile
    return visualize.draw_poses(tile, poses.moved(image_to_tile), skeleton, threshold)
