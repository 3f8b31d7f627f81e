"""Small folders in COCO's layout with known pixels and joints."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np


def annotation(
    image_id: int = 1, labelled: int = 17, at: tuple[float, float] = (30.0, 20.0), **changes: Any
) -> dict[str, Any]:
    """Returns the annotation of a person.

    Args:
        image_id: Id of the image.
        labelled: Number of labelled joints.
        at: Upper left corner (x, y) of the box in image px.
        **changes: Other values of fields.
    """
    points = [
        (at[0] + 2 * k, at[1] + k, 1 + k % 2) if k < labelled else (0, 0, 0) for k in range(17)
    ]
    box = [at[0], at[1], 32.0, 16.0]
    base = {
        "id": 7,
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 0,
        "area": 500.0,
        "bbox": box,
    }
    return {**base, "keypoints": [value for point in points for value in point], **changes}


def write_folder(
    root: Path,
    annotations: list[dict[str, Any]],
    ids: tuple[int, ...] = (1,),
    size: tuple[int, int] = (100, 80),
) -> Path:
    """Writes a validation split with images in which every pixel differs.

    Args:
        root: Folder of the data set.
        annotations: Annotations, which get new ids.
        ids: Ids of the images.
        size: (width, height) of the images in px.

    Returns:
        The annotation file.
    """
    for folder in ("annotations", "val2017"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    for n in ids:
        cv2.imwrite(
            str(root / "val2017" / f"{n}.png"), np.dstack([2 * x, 3 * y, np.full_like(x, 40 * n)])
        )
    listed = [{"id": n, "file_name": f"{n}.png", "width": size[0], "height": size[1]} for n in ids]
    records = [{**record, "id": n} for n, record in enumerate(annotations, 1)]
    content = {
        "images": listed,
        "annotations": records,
        "categories": [{"id": 1, "name": "person"}],
    }
    path = root / "annotations" / "person_keypoints_val2017.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
