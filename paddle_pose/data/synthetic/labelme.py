"""Synthetic people as a folder of images labelled with labelme."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.data.prepare_labelme import OCCLUDED
from paddle_pose.data.synthetic.scene import SyntheticPerson, draw_scene
from paddle_pose.io import atomic, images
from paddle_pose.skeletons import COCO_17


def write_labelme(
    folder: str | Path,
    joints: Mapping[str, str],
    *,
    num_images: int,
    seed: int = 0,
    size: tuple[int, int] = (256, 256),
    persons: tuple[int, int] = (1, 1),
) -> Path:
    """Writes images of synthetic people with a labelme file beside each, and returns the folder.

    The same arguments give the same files; files of these names are replaced.

    Args:
        folder: Folder of the files, created if it is missing.
        joints: Joint of COCO's skeleton by the label of the point, such as {"left_hand":
            "left_wrist"}. Points outside the image are not labelled.
        num_images: Number of images.
        seed: Seed of all random numbers, 0 or more.
        size: (width, height) of each image in px.
        persons: Smallest and largest number of people in an image.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(num_images):
        scene = draw_scene(np.random.default_rng((seed, number)), size, persons)
        name = f"{number + 1:04d}"
        images.write(folder / f"{name}.jpg", scene.image)
        shapes = [
            shape
            for group, person in enumerate(scene.persons)
            for shape in _shapes(person, joints, group)
        ]
        content: dict[str, Any] = {
            "version": "5.5.0",
            "flags": {},
            "shapes": shapes,
            "imagePath": f"{name}.jpg",
            "imageData": None,
            "imageHeight": size[1],
            "imageWidth": size[0],
        }
        atomic.write_text(folder / f"{name}.json", json.dumps(content, indent=1))
    return folder


def _shapes(person: SyntheticPerson, joints: Mapping[str, str], group: int) -> list[dict[str, Any]]:
    """Returns the points of a person as shapes of labelme."""
    shapes = []
    for label, joint in joints.items():
        slot = COCO_17.joints.index(joint)
        visible = int(person.coco_visible[slot])
        if visible:
            shapes.append(
                {
                    "label": label,
                    "points": [np.round(person.coco[slot], 2).tolist()],
                    "group_id": group,
                    "shape_type": "point",
                    "flags": {OCCLUDED: True} if visible == 1 else {},
                }
            )
    return shapes
