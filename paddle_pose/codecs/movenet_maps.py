"""The four maps that all MoveNets have: names, meanings, mirroring and images of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from paddle_pose.codecs import movenet_targets as targets
from paddle_pose.codecs.base import Maps
from paddle_pose.skeletons import Skeleton

NAMES = ("centers", "heatmaps", "regressions", "offsets")
MEANINGS = {
    "centers": "probability that the cell contains the centre of a person",
    "heatmaps": "probability that the cell contains the joint, for each of K joints",
    "regressions": "x, y of the first joint, x, y of the second joint, ...: vector from the cell "
    "of a person's centre to the cell of the joint, in units of the codec's regression_unit",
    "offsets": "x, y of the first joint, x, y of the second joint, ...: vector from the cell of a "
    "joint to the joint, which lies at (cell + offset) * stride in input px",
}


def mirrored(maps: Maps, skeleton: Skeleton, stride: int) -> Maps:
    """Returns the four maps of mirrored images, transformed back to the original images.

    Args:
        maps: The maps `NAMES`, [N, ..., h, w], of images mirrored pixel by pixel (x -> W-1-x).
        skeleton: Skeleton of the maps.
        stride: Input px per cell.

    Returns:
        Maps of the same names and shapes.
    """
    joints = skeleton.num_joints
    order = list(skeleton.flip)

    def mirrored_vectors(name: str) -> np.ndarray:
        shape = maps[name].shape
        return maps[name].reshape(-1, joints, 2, *shape[-2:])[:, order, ..., ::-1].copy()

    regressions = mirrored_vectors("regressions")
    offsets = mirrored_vectors("offsets")
    regressions[:, :, 0] *= -1
    offsets[:, :, 0] = (stride - 1) / stride - offsets[:, :, 0]
    return {
        "centers": maps["centers"][..., ::-1],
        "heatmaps": maps["heatmaps"][:, order, :, ::-1],
        "regressions": regressions.reshape(maps["regressions"].shape),
        "offsets": offsets.reshape(maps["offsets"].shape),
    }


def images(maps: Mapping[str, np.ndarray], skeleton: Skeleton) -> Maps:
    """Returns images of the centres, every heatmap, and the lengths of regressions and offsets.

    Args:
        maps: The maps `NAMES` of one image, without the batch axis N.
        skeleton: Skeleton of the maps.

    Returns:
        Images [h, w] with values from 0 to 1 by title: "centers", the name of each joint,
        "regressions" and "offsets". The latter two are the mean length of the vectors of all joints
        in each cell, divided by the largest one.
    """
    heatmaps = dict(zip(skeleton.joints, np.asarray(maps["heatmaps"]), strict=True))
    lengths = {
        name: targets.relative_lengths(np.asarray(maps[name]))
        for name in ("regressions", "offsets")
    }
    return {"centers": np.asarray(maps["centers"])[0], **heatmaps, **lengths}
