"""Generates people and predictions for both sides of the rows on evaluation. NumPy only."""

import numpy as np

JOINT_NAMES = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
JOINTS = len(JOINT_NAMES)
PER_IMAGE = 3  # people in an image


def people(count: int, joints: int = JOINTS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns random people and predictions near them.

    Args:
        count: Number of people N.
        joints: Number of joints K.

    Returns:
        True keypoints [N, K, 2] in image px, predicted keypoints [N, K, 2] in image px, and their
        scores [N, K].
    """
    rng = np.random.default_rng(0)
    sizes = rng.uniform(40, 300, (count, 1, 1))
    truth = rng.uniform(0, 1, (count, joints, 2)) * sizes + rng.uniform(0, 300, (count, 1, 2))
    predicted = truth + rng.normal(0, 0.05, truth.shape) * sizes
    return truth, predicted, rng.uniform(0.3, 1, (count, joints))


def coco(count: int) -> tuple[dict, list[dict]]:
    """Returns the content of an annotation file and of a results file in COCO's format.

    Args:
        count: Number of people; an image has `PER_IMAGE` of them.
    """
    truth, predicted, scores = people(count)
    rng = np.random.default_rng(1)
    visible = rng.choice([0, 1, 2], (count, JOINTS), p=[0.3, 0.1, 0.6])
    visible[:, 0] = 2
    joints = np.concatenate([truth, visible[..., None]], axis=2).reshape(count, -1).tolist()
    found = np.concatenate([predicted, scores[..., None]], axis=2).reshape(count, -1).tolist()
    corners = truth.min(axis=1)
    sides = np.ptp(truth, axis=1)
    annotations = [
        {
            "id": n + 1,
            "image_id": n // PER_IMAGE + 1,
            "category_id": 1,
            "iscrowd": 0,
            "area": float(0.53 * sides[n].prod()),
            "bbox": [*corners[n].tolist(), *sides[n].tolist()],
            "keypoints": joints[n],
            "num_keypoints": int((visible[n] > 0).sum()),
        }
        for n in range(count)
    ]
    images = [
        {"id": n + 1, "width": 640, "height": 640} for n in range((count - 1) // PER_IMAGE + 1)
    ]
    category = {"id": 1, "name": "person", "keypoints": list(JOINT_NAMES), "skeleton": []}
    results = [
        {
            "image_id": n // PER_IMAGE + 1,
            "category_id": 1,
            "keypoints": found[n],
            "score": float(scores[n].mean()),
        }
        for n in range(count)
    ]
    return {"images": images, "annotations": annotations, "categories": [category]}, results
